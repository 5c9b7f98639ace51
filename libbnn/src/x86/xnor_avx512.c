/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense with VPOPCNTDQ: a register holds one word of each of 8 outputs' weights, an activation's word
 * meets all of them at once (a broadcast that costs a load only), and counts are summed in words, so that nothing has to be
 * added up across a register. In groups of 128 a tap's weights are sorted into first and second words when they are loaded, for
 * a whole tile of pixels.
 */
#include "target.h"

#if BNN_ARCH_X86

#define SEGMENT                                                                                                                \
    7 /* pixels that lie next to each other; divides the usual widths. A tile is two, of which the second may lie
                   * elsewhere */

/* Weights of a tap: word i of 8 outputs. */
BNN_AVX512 BNN_INLINE void load_weights(__m512i word[2], const uint8_t *w, size_t words)
{
    const __m512i first = _mm512_load_si512(w);
    if (words == 1) {
        word[0] = first;
        return;
    }
    const __m512i second = _mm512_load_si512(w + 64);
    word[0] = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), second);
    word[1] = _mm512_permutex2var_epi64(first, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), second);
}

BNN_AVX512 BNN_INLINE __m512i count(__m512i sum, const uint8_t *x, __m512i w)
{
    return _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(w, _mm512_set1_epi64((long long)bnn_load64(x)))));
}

/* acc[j] += sum[j] */
BNN_AVX512 BNN_INLINE void store(uint16_t *acc, __m512i sum)
{
    __m128i *to = (__m128i *)(void *)acc;
    _mm_store_si128(to, _mm_add_epi16(_mm_load_si128(to), _mm512_cvtepi64_epi16(sum)));
}

/* A tile: `segments` (1 or 2) of `pixels` pixels. Constants of the callers: segments, pixels, words. */
BNN_AVX512 BNN_INLINE void tile(uint16_t *const acc[2], const uint8_t *const x[2], const uint8_t *w, const struct bnn_bconv *p,
                                size_t segments, size_t pixels, size_t words)
{
    __m512i sum[2 * SEGMENT];
    BNN_UNROLL
    for (size_t i = 0; i < segments * pixels; i++) {
        sum[i] = _mm512_setzero_si512();
    }
    const size_t second = (size_t)(x[segments - 1] - x[0]);
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            const uint8_t *row = x[0] + g * p->group_step + r * p->row_step;
            for (size_t t = 0; t < p->taps; t++, w += 64 * words) {
                const uint8_t *tap = row + p->tap_x[t];
                __m512i word[2];
                load_weights(word, w, words);
                BNN_UNROLL
                for (size_t i = 0; i < segments * pixels; i++) {
                    const uint8_t *at = tap + (i < pixels ? 0 : second) + 8 * words * (i % pixels);
                    BNN_UNROLL
                    for (size_t k = 0; k < words; k++) {
                        sum[i] = count(sum[i], at + 8 * k, word[k]);
                    }
                }
            }
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < segments * pixels; i++) {
        store(acc[i / pixels] + 8 * (i % pixels), sum[i]);
    }
}

/* Pixels of a line that fill no segment. */
BNN_AVX512 BNN_INLINE void rest(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t pixels,
                                size_t words)
{
    for (size_t size = 4; size > 0; size /= 2) {
        if (pixels >= size) {
            uint16_t *const accs[2] = {acc};
            const uint8_t *const xs[2] = {x};
            switch (size) {
            case 4: tile(accs, xs, w, p, 1, 4, words); break;
            case 2: tile(accs, xs, w, p, 1, 2, words); break;
            default: tile(accs, xs, w, p, 1, 1, words); break;
            }
            acc += 8 * size;
            x += 8 * words * size;
            pixels -= size;
        }
    }
}

BNN_AVX512 BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words)
{
    uint16_t *accs[2];
    const uint8_t *xs[2];
    size_t held = 0; /* segments that wait for a tile */
    for (size_t l = 0; l < lines; l++) {
        size_t i = 0;
        for (; i + SEGMENT <= pixels; i += SEGMENT) {
            accs[held] = acc + 8 * (l * pixels + i);
            xs[held++] = x + l * p->line_step + 8 * words * i;
            if (held == 2) {
                tile(accs, xs, w, p, 2, SEGMENT, words);
                held = 0;
            }
        }
        rest(acc + 8 * (l * pixels + i), x + l * p->line_step + 8 * words * i, w, p, pixels - i, words);
    }
    if (held > 0) {
        tile(accs, xs, w, p, 1, SEGMENT, words);
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
        __m512i sum[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()}, word[2];
        for (size_t v = 0; v < vectors; v++) {
            const __m512i both = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(x + 16 * v)));
            BNN_UNROLL
            for (size_t i = 0; i < 2; i++) {
                const __m512i differ = _mm512_xor_si512(both, _mm512_load_si512(w + 128 * v + 64 * i));
                sum[i] = _mm512_add_epi64(sum[i], _mm512_popcnt_epi64(differ));
            }
        }
        load_weights(word, (const uint8_t *)sum, 2);
        store(acc, _mm512_add_epi64(word[0], word[1]));
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
