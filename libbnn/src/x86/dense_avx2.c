/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Float dense of one pixel, a register of 8 outputs, and binary weights of float layers: a shift takes each output's bit of a byte
 * to the sign.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#define CHAINS 4 /* sums under way */

BNN_AVX2 BNN_INLINE __m256 total(const __m256 sum[CHAINS])
{
    return _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]));
}

BNN_FMA void bnn_dense_f32_avx2(float *out, const float *x, const float *w, size_t k, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++, out += 8) {
        __m256 sum[CHAINS] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        size_t n = 0;
        for (; n + CHAINS <= k; n += CHAINS, w += (size_t)8 * CHAINS) {
            BNN_UNROLL
            for (size_t i = 0; i < CHAINS; i++) {
                sum[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + n + i), _mm256_loadu_ps(w + 8 * i), sum[i]);
            }
        }
        for (; n < k; n++, w += 8) {
            sum[0] = _mm256_fmadd_ps(_mm256_broadcast_ss(x + n), _mm256_loadu_ps(w), sum[0]);
        }
        _mm256_storeu_ps(out, total(sum));
    }
}

/* Bits of byte `byte` (0..3) of every word, as the first bits of words: bit j in word j. */
BNN_AVX2 BNN_INLINE __m256i spread_bits(__m256i bytes, int byte)
{
    const __m256i shift = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
    return _mm256_sllv_epi32(bytes, _mm256_sub_epi32(shift, _mm256_set1_epi32(8 * byte)));
}

/* x, or -x where a word's first bit is 1. */
BNN_AVX2 BNN_INLINE __m256 with_signs(const float *x, __m256i words)
{
    const __m256 signs = _mm256_and_ps(_mm256_castsi256_ps(words), _mm256_set1_ps(-0.0F));
    return _mm256_xor_ps(_mm256_broadcast_ss(x), signs);
}

BNN_AVX2 void bnn_dense_sign_avx2(float *out, const float *x, const uint8_t *w, size_t k, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++, out += 8) {
        __m256 sum[CHAINS] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        size_t n = 0;
        for (; n + CHAINS <= k; n += CHAINS, w += CHAINS) {
            int32_t four;
            bnn_memcpy(&four, w, sizeof four);
            const __m256i bytes = _mm256_set1_epi32(four);
            BNN_UNROLL
            for (size_t i = 0; i < CHAINS; i++) {
                sum[i] = _mm256_add_ps(sum[i], with_signs(x + n + i, spread_bits(bytes, (int)i)));
            }
        }
        for (; n < k; n++, w++) {
            sum[0] = _mm256_add_ps(sum[0], with_signs(x + n, spread_bits(_mm256_set1_epi32(*w), 0)));
        }
        _mm256_storeu_ps(out, total(sum));
    }
}

BNN_AVX2 void bnn_sign_weights_avx2(float *out, const uint8_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        _mm256_storeu_ps(out + 8 * i, bnn_numbers(spread_bits(_mm256_set1_epi32(w[i]), 0)));
    }
}

#endif
