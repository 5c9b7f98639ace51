/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense without vectors of popcounts. Convolution goes by tables: for half a byte of weights, the number of
 * bits that differ from each of the 16 values of half a byte of x. pshufb looks up 32 pixels at once, for two outputs: counts of
 * the second are in the upper half of a byte. Pixels are first spread over the bytes of a register, and their half bytes over
 * registers.
 */
#include "ones_avx2.h"
#include "xnor_loops.h"

#if BNN_ARCH_X86

#define STRIP 32 /* pixels of a register */
#define STRIPS 4 /* at once */
#define FEWEST 17 /* pixels of a strip; fewer are counted one by one */
#define PAIRS 4 /* of outputs */
#define MOST 48 /* half bytes whose counts fit a byte: up to 4 each. 3 together fit half a byte */
#define HALVES (2 * MOST) /* that are spread at once: whole taps of 16 or 32 fill them */

#define ONES(v) (((v) & 1) + ((v) >> 1 & 1) + ((v) >> 2 & 1) + ((v) >> 3))
#define BOTH(first, second, x) (ONES((first) ^ (x)) + 16 * ONES((second) ^ (x)))
#define FOUR(first, second, x)                                                                                                 \
    BOTH(first, second, x), BOTH(first, second, (x) + 1), BOTH(first, second, (x) + 2), BOTH(first, second, (x) + 3)
#define TABLE(first, second) {FOUR(first, second, 0), FOUR(first, second, 4), FOUR(first, second, 8), FOUR(first, second, 12)}
#define FOUR_TABLES(first, second)                                                                                             \
    TABLE(first, second), TABLE((first) + 1, second), TABLE((first) + 2, second), TABLE((first) + 3, second)
#define TABLES(second) FOUR_TABLES(0, second), FOUR_TABLES(4, second), FOUR_TABLES(8, second), FOUR_TABLES(12, second)

/* By the half bytes of two outputs' weights, first + 16 * second. */
static const _Alignas(16) uint8_t table[256][16] = {
    TABLES(0), TABLES(1), TABLES(2),  TABLES(3),  TABLES(4),  TABLES(5),  TABLES(6),  TABLES(7),
    TABLES(8), TABLES(9), TABLES(10), TABLES(11), TABLES(12), TABLES(13), TABLES(14), TABLES(15),
};

struct run {
    const uint8_t *x[STRIPS * STRIP]; /* first tap of the pixels */
    size_t halves;                    /* that are there */
    uint16_t tables[PAIRS][HALVES];   /* of weights: offsets in `table` */
    __m256i x_half[HALVES][STRIPS];
    __m256i sums[PAIRS][STRIPS][4]; /* 16 bits: of the first output of pixels 0-7 and 16-23, 8-15 and 24-31; of the second */
};

/* One of the rounds that turn 8 rows of 2 x 8 bytes into columns. */
BNN_AVX2 BNN_INLINE void shuffle_bytes(__m256i v[8])
{
    __m256i next[8];
    BNN_UNROLL
    for (size_t i = 0; i < 4; i++) {
        next[2 * i] = _mm256_unpacklo_epi8(v[i], v[i + 4]);
        next[2 * i + 1] = _mm256_unpackhi_epi8(v[i], v[i + 4]);
    }
    BNN_UNROLL
    for (size_t i = 0; i < 8; i++) {
        v[i] = next[i];
    }
}

BNN_AVX2 BNN_INLINE __m128i load_pixel(const uint8_t *x, size_t words)
{
    const __m128i *from = (const __m128i *)(const void *)x;
    return words == 2 ? _mm_loadu_si128(from) : _mm_loadl_epi64(from);
}

/* Pixels i and i + 16 of a strip. */
BNN_AVX2 BNN_INLINE __m256i load_pixels(const uint8_t *const *x, size_t i, size_t tap, size_t words)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load_pixel(x[i] + tap, words)), load_pixel(x[i + 16] + tap, words),
                                   1);
}

/* Half bytes of 8 bytes of a strip's pixels, each in a register of its own, first the lower ones; v: of pixels i and i + 8 in
 * turn. */
BNN_AVX2 BNN_INLINE void spread_word(__m256i (*out)[STRIPS], __m256i v[8])
{
    const __m256i half = _mm256_set1_epi8(15);
    shuffle_bytes(v);
    shuffle_bytes(v);
    shuffle_bytes(v);
    BNN_UNROLL
    for (size_t k = 0; k < 8; k++) {
        out[k][0] = _mm256_and_si256(v[k], half);
        out[8 + k][0] = _mm256_and_si256(_mm256_srli_epi16(v[k], 4), half);
    }
}

/* Half bytes of a strip's pixels at a tap. The registers do not hold two words, so the second waits in memory. */
BNN_AVX2 BNN_INLINE void spread(__m256i (*out)[STRIPS], const uint8_t *const *x, size_t tap, size_t words)
{
    __m256i v[8], waiting[8];
    BNN_UNROLL
    for (size_t i = 0; i < 8; i++) {
        const __m256i a = load_pixels(x, i, tap, words), b = load_pixels(x, i + 8, tap, words);
        v[i] = _mm256_unpacklo_epi8(a, b);
        waiting[i] = _mm256_unpackhi_epi8(a, b);
    }
    spread_word(out, v);
    if (words == 2) {
        spread_word(out + 16, waiting);
    }
}

/* Tables of a tap's weights, in the order of spread: 16 * (first + 16 * second), the first of which is shifted in its byte. */
BNN_AVX2 BNN_INLINE void choose_tables(struct run *run, const uint8_t *w, size_t words)
{
    const __m128i half = _mm_set1_epi8(15);
    for (size_t pair = 0; pair < PAIRS; pair++) {
        const __m128i first = load_pixel(w + 16 * words * pair, words),
                      second = load_pixel(w + 16 * words * pair + 8 * words, words);
        const __m128i low[2] = {_mm_andnot_si128(half, _mm_slli_epi16(first, 4)), _mm_and_si128(second, half)};
        const __m128i high[2] = {_mm_andnot_si128(half, first), _mm_and_si128(_mm_srli_epi16(second, 4), half)};
        __m128i *to = (__m128i *)(void *)(run->tables[pair] + run->halves);
        _mm_storeu_si128(to, _mm_unpacklo_epi8(low[0], low[1]));
        _mm_storeu_si128(to + 1, _mm_unpacklo_epi8(high[0], high[1]));
        if (words == 2) {
            _mm_storeu_si128(to + 2, _mm_unpackhi_epi8(low[0], low[1]));
            _mm_storeu_si128(to + 3, _mm_unpackhi_epi8(high[0], high[1]));
        }
    }
}

/* Sums of a pair over `count` (1..3) half bytes. Constants of the callers: count, strips. */
BNN_AVX2 BNN_INLINE void look_up(__m256i *both, __m256i *second, const struct run *run, size_t pair, size_t at, size_t count,
                                 size_t strips)
{
    __m256i tables[3];
    BNN_UNROLL
    for (size_t k = 0; k < count; k++) {
        const uint8_t *from = &table[0][0] + run->tables[pair][at + k];
        tables[k] = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)from));
    }
    BNN_UNROLL
    for (size_t s = 0; s < strips; s++) {
        __m256i v = _mm256_shuffle_epi8(tables[0], run->x_half[at][s]);
        BNN_UNROLL
        for (size_t k = 1; k < count; k++) {
            v = _mm256_add_epi8(v, _mm256_shuffle_epi8(tables[k], run->x_half[at + k][s]));
        }
        both[s] = _mm256_add_epi8(both[s], v);
        second[s] = _mm256_add_epi8(second[s], _mm256_srli_epi16(v, 4)); /* and something else: see count_bytes */
        __asm__("" : "+x"(both[s]), "+x"(second[s])); /* stay in their registers: gcc would copy them each time */
    }
}

BNN_AVX2 BNN_INLINE void widen(__m256i sums[2], __m256i bytes)
{
    const __m256i zero = _mm256_setzero_si256();
    sums[0] = _mm256_add_epi16(sums[0], _mm256_unpacklo_epi8(bytes, zero));
    sums[1] = _mm256_add_epi16(sums[1], _mm256_unpackhi_epi8(bytes, zero));
}

/* both - 16 * second */
BNN_AVX2 BNN_INLINE __m256i take_upper(__m256i both, __m256i second)
{
    return _mm256_sub_epi8(both, _mm256_andnot_si256(_mm256_set1_epi8(15), _mm256_slli_epi16(second, 4)));
}

/* Adds what half bytes [begin, end) count; end - begin is at most MOST. */
BNN_AVX2 BNN_INLINE void count_bytes(struct run *run, size_t begin, size_t end, size_t strips)
{
    for (size_t pair = 0; pair < PAIRS; pair++) {
        __m256i both[STRIPS], second[STRIPS];
        BNN_UNROLL
        for (size_t s = 0; s < strips; s++) {
            both[s] = second[s] = _mm256_setzero_si256();
        }
        size_t at = begin;
        for (; at + 3 <= end; at += 3) {
            look_up(both, second, run, pair, at, 3, strips);
        }
        if (end - at == 2) {
            look_up(both, second, run, pair, at, 2, strips);
        } else if (end - at == 1) {
            look_up(both, second, run, pair, at, 1, strips);
        }
        BNN_UNROLL
        for (size_t s = 0; s < strips; s++) {
            /* All modulo 256, both = first + 16 * second; into the even bytes of `second` have come 16 * first of the odd ones. */
            const __m256i odd = _mm256_srli_epi16(take_upper(both[s], second[s]), 4);
            const __m256i of_second = _mm256_sub_epi8(second[s], _mm256_and_si256(odd, _mm256_set1_epi16(0xf0)));
            widen(run->sums[pair][s], take_upper(both[s], of_second));
            widen(run->sums[pair][s] + 2, of_second);
        }
    }
}

/* Adds what the half bytes that are there count. */
BNN_AVX2 BNN_INLINE void count_strips(struct run *run, size_t strips)
{
    for (size_t at = 0; at < run->halves; at += MOST) {
        count_bytes(run, at, run->halves - at < MOST ? run->halves : at + MOST, strips);
    }
    run->halves = 0;
}

BNN_AVX2 BNN_INLINE void count_taps(struct run *run, const uint8_t *w, const struct bnn_bconv *p, size_t strips, size_t words)
{
    bnn_memset(run->sums, 0, sizeof run->sums);
    run->halves = 0;
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            for (size_t t = 0; t < p->taps; t++, w += 64 * words) {
                const size_t tap = g * p->group_step + r * p->row_step + p->tap_x[t];
                if (run->halves + 16 * words > HALVES) {
                    count_strips(run, strips);
                }
                for (size_t s = 0; s < strips; s++) {
                    spread((__m256i(*)[STRIPS])(void *)&run->x_half[run->halves][s], run->x + STRIP * s, tap, words);
                }
                choose_tables(run, w, words);
                run->halves += 16 * words;
            }
        }
    }
    count_strips(run, strips);
}

/* One of the rounds that turn 8 rows of 16 bits into columns. */
BNN_AVX2 BNN_INLINE void shuffle_words(__m256i v[8])
{
    __m256i next[8];
    BNN_UNROLL
    for (size_t i = 0; i < 4; i++) {
        next[2 * i] = _mm256_unpacklo_epi16(v[i], v[i + 4]);
        next[2 * i + 1] = _mm256_unpackhi_epi16(v[i], v[i + 4]);
    }
    BNN_UNROLL
    for (size_t i = 0; i < 8; i++) {
        v[i] = next[i];
    }
}

BNN_AVX2 BNN_INLINE void add_pixel(uint16_t *acc, __m128i sums)
{
    __m128i *to = (__m128i *)(void *)acc;
    _mm_store_si128(to, _mm_add_epi16(_mm_load_si128(to), sums));
}

/* Adds a strip's sums to acc, as far as there are pixels. */
BNN_AVX2 BNN_INLINE void store_strip(uint16_t *acc, const struct run *run, size_t s, size_t pixels)
{
    for (size_t k = 0; k < 2; k++) {
        __m256i v[8];
        BNN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            v[j] = run->sums[j / 2][s][2 * (j % 2) + k];
        }
        shuffle_words(v);
        shuffle_words(v);
        shuffle_words(v);
        for (size_t i = 0; i < 8; i++) {
            if (8 * k + i < pixels) {
                add_pixel(acc + 8 * (8 * k + i), _mm256_castsi256_si128(v[i]));
            }
            if (16 + 8 * k + i < pixels) {
                add_pixel(acc + 8 * (16 + 8 * k + i), _mm256_extracti128_si256(v[i], 1));
            }
        }
    }
}

/* Pixels that fill no strip, and dense. */
BNN_XNOR_LOOPS(BNN_AVX2, struct bnn_ones, bnn_ones_begin, bnn_ones_count, bnn_ones_finish)

/* `count` pixels from `first` on, counted line by line. */
BNN_AVX2 BNN_INLINE void list_pixels(struct run *run, const uint8_t *x, size_t line_step, size_t first, size_t count,
                                     size_t lines, size_t pixels, size_t words)
{
    size_t line = first / pixels, i = first % pixels;
    for (size_t k = 0; k < count;) {
        const uint8_t *at = x + line * line_step + 8 * words * i;
        const size_t end = pixels - i < count - k ? k + pixels - i : count;
        for (; k < end; k++, at += 8 * words) {
            run->x[k] = at;
        }
        line += line + 1 < lines; /* behind the last line come pixels that nobody asks for: those of the last line again */
        i = 0;
    }
}

BNN_AVX2 BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                              size_t pixels, size_t words)
{
    struct run run;
    for (size_t first = 0, count; first < lines * pixels; first += count, acc += 8 * count) {
        const size_t left = lines * pixels - first;
        count = left < STRIPS * STRIP ? left : STRIPS * STRIP;
        size_t strips = count / STRIP + (count % STRIP >= FEWEST);
        list_pixels(&run, x, p->line_step, first, count > STRIP * strips ? count : STRIP * strips, lines, pixels, words);
        switch (strips) {
        case 4: count_taps(&run, w, p, 4, words); break;
        case 3: count_taps(&run, w, p, 3, words); break;
        case 2: count_taps(&run, w, p, 2, words); break;
        case 1: count_taps(&run, w, p, 1, words); break;
        default: break;
        }
        for (size_t s = 0; s < strips; s++) {
            uint16_t *to = acc + 8 * STRIP * s;
            if (count - STRIP * s >= STRIP) {
                store_strip(to, &run, s, STRIP);
            } else {
                store_strip(to, &run, s, count - STRIP * s);
            }
        }
        for (size_t i = STRIP * strips; i < count; i++) {
            pixel(acc + 8 * i, run.x[i], w, p, words);
        }
    }
}

BNN_AVX2 void bnn_bconv128_avx2(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels)
{
    conv(acc, x, w, p, lines, pixels, 2);
}

BNN_AVX2 void bnn_bconv64_avx2(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                               size_t pixels)
{
    conv(acc, x, w, p, lines, pixels, 1);
}

BNN_AVX2 void bnn_bdense128_avx2(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                 size_t block_step)
{
    dense(acc, x, w, vectors, blocks, block_step, 2);
}

BNN_AVX2 void bnn_bdense64_avx2(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                size_t block_step)
{
    dense(acc, x, w, vectors, blocks, block_step, 1);
}

#endif
