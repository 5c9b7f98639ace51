/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counting ones without vectors of popcounts: those of half bytes are looked up with pshufb and added up in bytes.
 */
#ifndef BNN_X86_ONES_AVX2_H
#define BNN_X86_ONES_AVX2_H

#include "target.h"

#if BNN_ARCH_X86

#define TAPS_PER_FLUSH 31 /* a tap adds at most 8 to a byte: 31 * 8 = 248 <= 255 */

/* Sums of a pixel and 8 outputs, 2 * words registers: each holds the 8-byte words of some outputs, in their order. */
struct bnn_ones {
    __m256i bytes[4];
    __m256i totals[4];
    size_t taps;
};

BNN_AVX2 BNN_INLINE void bnn_ones_begin(struct bnn_ones *s, size_t words)
{
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        s->bytes[i] = s->totals[i] = _mm256_setzero_si256();
    }
    s->taps = 0;
}

BNN_AVX2 BNN_INLINE void bnn_ones_flush(struct bnn_ones *s, size_t words)
{
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        s->totals[i] = _mm256_add_epi64(s->totals[i], _mm256_sad_epu8(s->bytes[i], _mm256_setzero_si256()));
        s->bytes[i] = _mm256_setzero_si256();
    }
    s->taps = 0;
}

BNN_AVX2 BNN_INLINE __m256i bnn_ones_per_byte(__m256i v)
{
    const __m256i of_half =
        _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i half = _mm256_set1_epi8(15);
    const __m256i low = _mm256_shuffle_epi8(of_half, _mm256_and_si256(v, half));
    return _mm256_add_epi8(low, _mm256_shuffle_epi8(of_half, _mm256_and_si256(_mm256_srli_epi16(v, 4), half)));
}

BNN_AVX2 BNN_INLINE void bnn_ones_count(struct bnn_ones *s, const uint8_t *x, const uint8_t *w, size_t words)
{
    const __m256i v = words == 1 ? _mm256_set1_epi64x((long long)bnn_load64(x))
                                 : _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)x));
    if (s->taps == TAPS_PER_FLUSH) {
        bnn_ones_flush(s, words);
    }
    s->taps++;
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        const __m256i weights = _mm256_load_si256((const __m256i *)(const void *)(w + 32 * i));
        s->bytes[i] = _mm256_add_epi8(s->bytes[i], bnn_ones_per_byte(_mm256_xor_si256(v, weights)));
    }
}

/* Adds the sums to acc. */
BNN_AVX2 BNN_INLINE void bnn_ones_finish(uint16_t *acc, struct bnn_ones *s, size_t words)
{
    uint64_t totals[16];
    bnn_ones_flush(s, words);
    BNN_UNROLL
    for (size_t i = 0; i < 2 * words; i++) {
        _mm256_storeu_si256((__m256i *)(void *)(totals + 4 * i), s->totals[i]);
    }
    BNN_UNROLL
    for (size_t j = 0; j < 8; j++) {
        acc[j] = (uint16_t)(acc[j] + totals[words * j] + (words == 2 ? totals[words * j + 1] : 0));
    }
}

#endif
#endif
