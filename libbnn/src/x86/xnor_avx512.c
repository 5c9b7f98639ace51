/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense with VPOPCNTDQ: a register holds one word of each of 8 outputs' weights, an activation's word
 * meets all of them at once (a broadcast in the operand of the xor, which costs nothing), and counts are summed in words, so that
 * nothing has to be added up across a register. In groups of 128 the first tile of a call sorts the weights into first and second
 * words.
 */
#include "words_avx512.h"

#if BNN_ARCH_X86

#define MOST_TAPS 64 /* at once: sorted weights of so many fit the cache together with the pixels */
#define SEGMENT                                                                                                                \
    7 /* pixels that lie next to each other; divides the usual widths. A tile is two, of which the second may lie
                   * elsewhere */

/* Taps of all rows and groups, one after the other. */
struct taps {
    size_t count;
    size_t x[MOST_TAPS];
    const uint8_t *w;        /* word by word: 64 bytes, 8 outputs */
    const uint8_t *unsorted; /* NULL, or: w is not there yet, but two registers a tap as they lie in the file */
    _Alignas(64) uint8_t sorted[MOST_TAPS * 128];
};

/* A tap in the order of the weights: of all groups' rows. */
struct place {
    size_t group, row, tap;
    size_t x; /* of the row */
    const uint8_t *w;
};

/* Lists MOST_TAPS taps from `next` on, or as many as there are. */
BNN_AVX512 BNN_INLINE void list_taps(struct taps *taps, struct place *next, const struct bnn_bconv *p, size_t words)
{
    for (taps->count = 0; taps->count < MOST_TAPS && next->group < p->groups; taps->count++) {
        taps->x[taps->count] = next->x + p->tap_x[next->tap];
        if (++next->tap == p->taps) {
            next->tap = 0;
            next->x += p->row_step;
            if (++next->row == p->rows) {
                next->row = 0;
                next->x = ++next->group * p->group_step;
            }
        }
    }
    taps->w = words == 2 ? taps->sorted : next->w;
    taps->unsorted = words == 2 ? next->w : NULL;
    next->w += 64 * words * taps->count;
}

/* Both words of a tap, which also get their place. */
BNN_AVX512 BNN_INLINE void sort_tap(__m512i w[2], struct taps *taps, size_t t)
{
    const __m512i low = _mm512_load_si512(taps->unsorted + 128 * t), high = _mm512_load_si512(taps->unsorted + 128 * t + 64);
    w[0] = bnn_first_words(low, high);
    w[1] = bnn_second_words(low, high);
    _mm512_store_si512(taps->sorted + 128 * t, w[0]);
    _mm512_store_si512(taps->sorted + 128 * t + 64, w[1]);
}

BNN_AVX512 BNN_INLINE __m512i count(__m512i sum, const uint8_t *x, __m512i w)
{
    return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_epi64(w, _mm512_set1_epi64((long long)bnn_load64(x)))));
}

/* A tile: `segments` (1 or 2) of `pixels` pixels. Constants of the callers: segments, pixels, words; sort: the weights are sorted
 * on the way, which hides it behind the products. */
BNN_AVX512 BNN_INLINE void tile(uint16_t *const acc[2], const uint8_t *const x[2], struct taps *taps, size_t segments,
                                size_t pixels, size_t words, int sort)
{
    __m512i sum[2 * SEGMENT];
    BNN_UNROLL
    for (size_t i = 0; i < segments * pixels; i++) {
        sum[i] = _mm512_setzero_si512();
    }
    for (size_t t = 0; t < taps->count; t++) {
        __m512i w[2];
        if (sort) {
            sort_tap(w, taps, t);
        } else {
            BNN_UNROLL
            for (size_t k = 0; k < words; k++) {
                w[k] = _mm512_load_si512(taps->w + 64 * (words * t + k));
            }
        }
        BNN_UNROLL
        for (size_t i = 0; i < segments * pixels; i++) {
            const uint8_t *at = x[i / pixels] + taps->x[t] + 8 * words * (i % pixels);
            BNN_UNROLL
            for (size_t k = 0; k < words; k++) {
                sum[i] = count(sum[i], at + 8 * k, w[k]);
            }
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < segments * pixels; i++) {
        bnn_add_words(acc[i / pixels] + 8 * (i % pixels), sum[i]);
    }
}

/* Two whole segments. */
BNN_AVX512 BNN_INLINE void large_tile(uint16_t *const acc[2], const uint8_t *const x[2], struct taps *taps, size_t words)
{
    if (words == 2 && taps->unsorted != NULL) {
        tile(acc, x, taps, 2, SEGMENT, 2, 1);
        taps->unsorted = NULL;
    } else {
        tile(acc, x, taps, 2, SEGMENT, words, 0);
    }
}

/* One segment of 7, 4, 2 or 1 pixels. */
BNN_AVX512 BNN_INLINE void small_tile(uint16_t *acc, const uint8_t *x, struct taps *taps, size_t pixels, size_t words)
{
    uint16_t *const accs[2] = {acc};
    const uint8_t *const xs[2] = {x};
    for (size_t t = 0; taps->unsorted != NULL && t < taps->count; t++) {
        __m512i w[2];
        sort_tap(w, taps, t);
    }
    taps->unsorted = NULL;
    switch (pixels) {
    case SEGMENT: tile(accs, xs, taps, 1, SEGMENT, words, 0); break;
    case 4: tile(accs, xs, taps, 1, 4, words, 0); break;
    case 2: tile(accs, xs, taps, 1, 2, words, 0); break;
    default: tile(accs, xs, taps, 1, 1, words, 0); break;
    }
}

BNN_AVX512 BNN_INLINE void conv_taps(uint16_t *acc, const uint8_t *x, struct taps *taps, size_t line_step, size_t lines,
                                     size_t pixels, size_t words)
{
    uint16_t *accs[2];
    const uint8_t *xs[2];
    size_t held = 0; /* segments that wait for a tile */
    for (size_t l = 0; l < lines; l++) {
        uint16_t *to = acc + 8 * l * pixels;
        const uint8_t *from = x + l * line_step;
        size_t left = pixels;
        for (; left >= SEGMENT; left -= SEGMENT, to += (size_t)8 * SEGMENT, from += 8 * words * SEGMENT) {
            accs[held] = to;
            xs[held++] = from;
            if (held == 2) {
                large_tile(accs, xs, taps, words);
                held = 0;
            }
        }
        for (size_t size = 4; size > 0; size /= 2) {
            if ((left & size) != 0) {
                small_tile(to, from, taps, size, words);
                to += 8 * size;
                from += 8 * words * size;
            }
        }
    }
    if (held > 0) {
        small_tile(accs[0], xs[0], taps, SEGMENT, words);
    }
}

BNN_AVX512 BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words)
{
    struct taps taps;
    struct place next = {.w = w};
    while (next.group < p->groups) { /* at most as often as there are taps: each list has one or more */
        list_taps(&taps, &next, p, words);
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
        bnn_add_words(acc, _mm512_add_epi64(bnn_first_words(sum[0], sum[1]), bnn_second_words(sum[0], sum[1])));
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
        bnn_add_words(acc, sum);
    }
}

#endif
