/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense with VPOPCNTDQ: a register holds one word of each of 8 outputs' weights, an activation's word
 * meets all of them at once (a broadcast in the operand of the xor, which costs nothing), and counts are summed in words, so that
 * nothing has to be added up across a register. In groups of 128 weights are sorted into first and second words, once per call.
 */
#include "target.h"

#if BNN_ARCH_X86

#define MOST_TAPS 64 /* at once: sorted weights of so many fit the cache together with the pixels */
#define SEGMENT                                                                                                                \
    7 /* pixels that lie next to each other; divides the usual widths. A tile is two, of which the second may lie
                   * elsewhere */

/* Taps of all rows and groups, one after the other. */
struct taps {
    size_t count;
    size_t x[MOST_TAPS];
    const uint8_t *w; /* word by word: 64 bytes, 8 outputs */
    _Alignas(64) uint8_t sorted[MOST_TAPS * 128];
};

/* First and second words of 8 outputs whose words lie in turn in `low` and `high`. */
BNN_AVX512 BNN_INLINE __m512i first_words(__m512i low, __m512i high)
{
    return _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), high);
}

BNN_AVX512 BNN_INLINE __m512i second_words(__m512i low, __m512i high)
{
    return _mm512_permutex2var_epi64(low, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), high);
}

/* Lists taps [begin, begin + MOST_TAPS), or as many as there are. */
BNN_AVX512 BNN_INLINE void list_taps(struct taps *taps, const uint8_t *w, const struct bnn_bconv *p, size_t begin, size_t words)
{
    const size_t all = p->groups * p->rows * p->taps;
    taps->count = all - begin < MOST_TAPS ? all - begin : MOST_TAPS;
    size_t t = begin % p->taps, r = begin / p->taps % p->rows, group = begin / p->taps / p->rows * p->group_step;
    for (size_t i = 0, row = r * p->row_step, count; i < taps->count; i += count) {
        count = p->taps - t < taps->count - i ? p->taps - t : taps->count - i;
        for (size_t k = 0; k < count; k++) {
            taps->x[i + k] = group + row + p->tap_x[t + k];
        }
        t = 0;
        row += p->row_step;
        if (++r == p->rows) {
            r = row = 0;
            group += p->group_step;
        }
    }
    taps->w = w + 64 * words * begin;
    if (words == 2) {
        for (size_t i = 0; i < taps->count; i++) {
            const __m512i low = _mm512_load_si512(taps->w + 128 * i), high = _mm512_load_si512(taps->w + 128 * i + 64);
            _mm512_store_si512(taps->sorted + 128 * i, first_words(low, high));
            _mm512_store_si512(taps->sorted + 128 * i + 64, second_words(low, high));
        }
        taps->w = taps->sorted;
    }
}

BNN_AVX512 BNN_INLINE __m512i count(__m512i sum, const uint8_t *x, __m512i w)
{
    return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_epi64(w, _mm512_set1_epi64((long long)bnn_load64(x)))));
}

/* acc[j] += sum[j] */
BNN_AVX512 BNN_INLINE void store(uint16_t *acc, __m512i sum)
{
    __m128i *to = (__m128i *)(void *)acc;
    _mm_store_si128(to, _mm_add_epi16(_mm_load_si128(to), _mm512_cvtepi64_epi16(sum)));
}

/* A tile: `segments` (1 or 2) of `pixels` pixels. Constants of the callers: segments, pixels, words. */
BNN_AVX512 BNN_INLINE void tile(uint16_t *const acc[2], const uint8_t *const x[2], const struct taps *taps, size_t segments,
                                size_t pixels, size_t words)
{
    __m512i sum[2 * SEGMENT];
    BNN_UNROLL
    for (size_t i = 0; i < segments * pixels; i++) {
        sum[i] = _mm512_setzero_si512();
    }
    const uint8_t *w = taps->w;
    for (size_t t = 0; t < taps->count; t++, w += 64 * words) {
        BNN_UNROLL
        for (size_t i = 0; i < segments * pixels; i++) {
            const uint8_t *at = x[i / pixels] + taps->x[t] + 8 * words * (i % pixels);
            BNN_UNROLL
            for (size_t k = 0; k < words; k++) {
                sum[i] = count(sum[i], at + 8 * k, _mm512_load_si512(w + 64 * k));
            }
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < segments * pixels; i++) {
        store(acc[i / pixels] + 8 * (i % pixels), sum[i]);
    }
}

/* Pixels of a line that fill no segment. */
BNN_AVX512 BNN_INLINE void rest(uint16_t *acc, const uint8_t *x, const struct taps *taps, size_t pixels, size_t words)
{
    for (size_t size = 4; size > 0; size /= 2) {
        if (pixels >= size) {
            uint16_t *const accs[2] = {acc};
            const uint8_t *const xs[2] = {x};
            switch (size) {
            case 4: tile(accs, xs, taps, 1, 4, words); break;
            case 2: tile(accs, xs, taps, 1, 2, words); break;
            default: tile(accs, xs, taps, 1, 1, words); break;
            }
            acc += 8 * size;
            x += 8 * words * size;
            pixels -= size;
        }
    }
}

BNN_AVX512 BNN_INLINE void conv_taps(uint16_t *acc, const uint8_t *x, const struct taps *taps, size_t line_step, size_t lines,
                                     size_t pixels, size_t words)
{
    uint16_t *accs[2];
    const uint8_t *xs[2];
    size_t held = 0; /* segments that wait for a tile */
    for (size_t l = 0; l < lines; l++) {
        size_t i = 0;
        for (; i + SEGMENT <= pixels; i += SEGMENT) {
            accs[held] = acc + 8 * (l * pixels + i);
            xs[held++] = x + l * line_step + 8 * words * i;
            if (held == 2) {
                tile(accs, xs, taps, 2, SEGMENT, words);
                held = 0;
            }
        }
        rest(acc + 8 * (l * pixels + i), x + l * line_step + 8 * words * i, taps, pixels - i, words);
    }
    if (held > 0) {
        tile(accs, xs, taps, 1, SEGMENT, words);
    }
}

BNN_AVX512 BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words)
{
    struct taps taps;
    const size_t all = lines > 0 && pixels > 0 ? p->groups * p->rows * p->taps : 0;
    for (size_t begin = 0; begin < all; begin += MOST_TAPS) {
        list_taps(&taps, w, p, begin, words);
        conv_taps(acc, x, &taps, p->line_step, lines, pixels, words);
    }
}

BNN_AVX512 void bnn_bconv128_avx512(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                    size_t pixels)
{
    conv(acc, x, w, p, lines, pixels, 2);
}

BNN_AVX512 void bnn_bconv64_avx512(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                   size_t pixels)
{
    conv(acc, x, w, p, lines, pixels, 1);
}

/* Weights are used once, so they are not sorted: a register holds both words of 4 outputs, which are added in the end. */
BNN_AVX512 void bnn_bdense128_avx512(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                     size_t block_step)
{
    for (size_t b = 0; b < blocks; b++, acc += 8, w += block_step) {
        __m512i sum[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        for (size_t v = 0; v < vectors; v++) {
            const __m512i both = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(x + 16 * v)));
            BNN_UNROLL
            for (size_t i = 0; i < 2; i++) {
                const __m512i differ = _mm512_xor_si512(both, _mm512_load_si512(w + 128 * v + 64 * i));
                sum[i] = _mm512_add_epi64(sum[i], _mm512_popcnt_epi64(differ));
            }
        }
        store(acc, _mm512_add_epi64(first_words(sum[0], sum[1]), second_words(sum[0], sum[1])));
    }
}

BNN_AVX512 void bnn_bdense64_avx512(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                    size_t block_step)
{
    for (size_t b = 0; b < blocks; b++, acc += 8, w += block_step) {
        __m512i sum = _mm512_setzero_si512();
        for (size_t v = 0; v < vectors; v++) {
            sum = count(sum, x + 8 * v, _mm512_load_si512(w + 64 * v));
        }
        store(acc, sum);
    }
}

#endif
