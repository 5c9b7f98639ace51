/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of floats: where they are, and 8 of them at a time, of which the last ones may not be there.
 */
#ifndef BNN_X86_ROWS_AVX2_H
#define BNN_X86_ROWS_AVX2_H

#include "target.h"

#if BNN_ARCH_X86

/* What lies so many bytes behind. */
BNN_INLINE const float *bnn_row(const float *first, size_t bytes)
{
    return (const float *)(const void *)((const uint8_t *)first + bytes);
}

BNN_INLINE float *bnn_out_row(float *first, size_t bytes)
{
    return (float *)(void *)((uint8_t *)first + bytes);
}

/* Mask of the first n of 8 floats; all if there are more. */
BNN_AVX2 BNN_INLINE __m256i bnn_first(size_t n)
{
    static const int32_t there[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(there + (n < 8 ? 8 - n : 0)));
}

BNN_AVX2 BNN_INLINE __m256 bnn_load(const float *from, size_t n)
{
    return n >= 8 ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, bnn_first(n));
}

BNN_AVX2 BNN_INLINE void bnn_store(float *to, __m256 v, size_t n)
{
    if (n >= 8) {
        _mm256_storeu_ps(to, v);
    } else {
        _mm256_maskstore_ps(to, bnn_first(n), v);
    }
}

/* +1.0, or -1.0 where a word's first bit is 1. */
BNN_AVX2 BNN_INLINE __m256 bnn_numbers(__m256i words)
{
    const __m256 minus = _mm256_and_ps(_mm256_castsi256_ps(words), _mm256_set1_ps(-0.0F));
    return _mm256_or_ps(minus, _mm256_set1_ps(1.0F));
}

/* For each 8 channels from c on, of which n are left, of each pixel: out = `result`, made of v (8 elements of x). */
#define BNN_EACH_EIGHT(result)                                                                                                 \
    for (size_t pixel = 0; pixel < tile->pixels; pixel++) {                                                                    \
        const float *row = bnn_row(x, pixel * tile->x_step);                                                                   \
        float *out_row = bnn_out_row(out, pixel * tile->out_step);                                                             \
        for (size_t c = 0; c < tile->channels; c += 8) {                                                                       \
            const size_t n = tile->channels - c;                                                                               \
            const __m256 v = bnn_load(row + c, n);                                                                             \
            bnn_store(out_row + c, result, n);                                                                                 \
        }                                                                                                                      \
    }

#endif
#endif
