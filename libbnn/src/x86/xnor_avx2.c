/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense without vectors of popcounts: ones of half bytes are looked up with pshufb and added up in
 * bytes. For layers that are too small for tables (table_avx2.c).
 */
#include "target.h"

#if BNN_ARCH_X86

#define TAPS_PER_FLUSH 31 /* a tap adds at most 8 to a byte: 31 * 8 = 248 <= 255 */

/* Sums of a pixel and 8 outputs, 2 * words registers: each holds the 8-byte words of some outputs, in their order. */
struct sums {
    __m256i bytes[4];
    __m256i totals[4];
    size_t taps;
};

BNN_AVX2 BNN_INLINE void begin(struct sums *s, size_t words)
{
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        s->bytes[i] = s->totals[i] = _mm256_setzero_si256();
    }
    s->taps = 0;
}

BNN_AVX2 BNN_INLINE void flush(struct sums *s, size_t words)
{
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        s->totals[i] = _mm256_add_epi64(s->totals[i], _mm256_sad_epu8(s->bytes[i], _mm256_setzero_si256()));
        s->bytes[i] = _mm256_setzero_si256();
    }
    s->taps = 0;
}

BNN_AVX2 BNN_INLINE __m256i ones(__m256i v)
{
    const __m256i of_half =
        _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i half = _mm256_set1_epi8(15);
    const __m256i low = _mm256_shuffle_epi8(of_half, _mm256_and_si256(v, half));
    return _mm256_add_epi8(low, _mm256_shuffle_epi8(of_half, _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));
}

BNN_AVX2 BNN_INLINE void count(struct sums *s, const uint8_t *x, const uint8_t *w, size_t words)
{
    const __m256i v = words == 1 ? _mm256_set1_epi64x((long long)bnn_load64(x))
                                 : _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)x));
    if (s->taps == TAPS_PER_FLUSH) {
        flush(s, words);
    }
    s->taps++;
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        const __m256i weights = _mm256_load_si256((const __m256i *)(const void *)(w + 32 * i));
        s->bytes[i] = _mm256_add_epi8(s->bytes[i], ones(_mm256_xor_si256(v, weights)));
    }
}

/* Adds the sums to acc. */
BNN_AVX2 BNN_INLINE void finish(uint16_t *acc, struct sums *s, size_t words)
{
    uint64_t totals[16];
    flush(s, words);
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        _mm256_storeu_si256((__m256i *)(void *)(totals + 4 * i), s->totals[i]);
    }
    BNN_UNROLL
    for (size_t j = 0; j < 8; j++) {
        acc[j] = (uint16_t)(acc[j] + totals[words * j] + (words == 2 ? totals[words * j + 1] : 0));
    }
}

BNN_AVX2 BNN_INLINE void pixel(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t words)
{
    struct sums s;
    begin(&s, words);
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            const uint8_t *row = x + g * p->group_step + r * p->row_step;
            for (size_t t = 0; t < p->taps; t++, w += 64 * words) {
                count(&s, row + p->tap_x[t], w, words);
            }
        }
    }
    finish(acc, &s, words);
}

BNN_AVX2 BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                              size_t pixels, size_t words)
{
    for (size_t l = 0; l < lines; l++) {
        for (size_t i = 0; i < pixels; i++, acc += 8) {
            pixel(acc, x + l * p->line_step + 8 * words * i, w, p, words);
        }
    }
}

BNN_AVX2 BNN_INLINE void dense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                               size_t block_step, size_t words)
{
    for (size_t b = 0; b < blocks; b++, acc += 8, w += block_step) {
        struct sums s;
        begin(&s, words);
        for (size_t v = 0; v < vectors; v++) {
            count(&s, x + 8 * words * v, w + 64 * words * v, words);
        }
        finish(acc, &s, words);
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
