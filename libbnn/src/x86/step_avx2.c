/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps on tiles of floats, and pooling, 8 channels at a time; channels behind the last 8 are masked. The addition of +0.0 turns
 * -0.0 into +0.0, which no step may yield. maxps and minps give their second operand where one is NaN or both are equal.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

BNN_AVX2 BNN_INLINE __m256 never_minus_zero(__m256 v)
{
    return _mm256_add_ps(v, _mm256_setzero_ps());
}

BNN_AVX2 BNN_INLINE __m256 affine(__m256 v, __m256 mul, __m256 add)
{
    const __m256 scaled = _mm256_mul_ps(v, mul); /* rounded here: never fused */
    return _mm256_add_ps(scaled, add);
}

BNN_AVX2 BNN_INLINE __m256 prelu(__m256 v, __m256 slope)
{
    const __m256 is_positive = _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GE_OQ);
    return _mm256_blendv_ps(_mm256_mul_ps(v, slope), v, is_positive);
}

BNN_AVX2 void bnn_step_affine_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *mul, const float *add)
{
    BNN_EACH_EIGHT(affine(v, bnn_load(mul + c, n), bnn_load(add + c, n)));
}

BNN_AVX2 void bnn_step_clip_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *limits)
{
    const __m256 low = _mm256_set1_ps(limits[0]), high = _mm256_set1_ps(limits[1]);
    BNN_EACH_EIGHT(never_minus_zero(_mm256_min_ps(high, _mm256_max_ps(low, v))));
}

BNN_AVX2 void bnn_step_prelu_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *slope)
{
    BNN_EACH_EIGHT(never_minus_zero(prelu(v, bnn_load(slope + c, n))));
}

/* +1.0 where v >= threshold, -1.0 elsewhere; the other way round where the flip is 1. */
BNN_AVX2 BNN_INLINE __m256 sign(__m256 v, __m256 threshold, const uint8_t *flip, size_t n)
{
    uint8_t flips[8] = {0};
    bnn_memcpy(flips, flip, n < 8 ? n : 8);
    const __m256i is_below = _mm256_castps_si256(_mm256_cmp_ps(v, threshold, _CMP_NGE_UQ));
    const __m256i flip_words = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)flips));
    return bnn_numbers(_mm256_xor_si256(is_below, _mm256_slli_epi32(flip_words, 31)));
}

BNN_AVX2 void bnn_step_sign_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *threshold,
                                 const uint8_t *flip)
{
    BNN_EACH_EIGHT(sign(v, bnn_load(threshold + c, n), flip + c, n));
}

/* An operation of 8 elements of x, v, and of other, w, in the order that is given. */
#define STEP_OF_TWO(name, operation, a, b)                                                                                     \
    BNN_AVX2 BNN_INLINE __m256 name##_of(__m256 v, __m256 w)                                                                   \
    {                                                                                                                          \
        return never_minus_zero(operation(a, b));                                                                              \
    }                                                                                                                          \
    BNN_AVX2 void bnn_step_##name##_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *other,          \
                                         size_t other_step)                                                                    \
    {                                                                                                                          \
        BNN_EACH_EIGHT(name##_of(v, bnn_load(bnn_row(other, pixel * other_step) + c, n)));                                     \
    }

STEP_OF_TWO(add, _mm256_add_ps, v, w)
STEP_OF_TWO(mul, _mm256_mul_ps, v, w)
STEP_OF_TWO(sub, _mm256_sub_ps, v, w)
STEP_OF_TWO(div, _mm256_div_ps, v, w)
STEP_OF_TWO(max, _mm256_max_ps, w, v)
STEP_OF_TWO(min, _mm256_min_ps, w, v)

/* Windows of pooling, 8 channels at a time: `begin`, `combine` of v, the value so far, and w, the tap, then `end` of v. */
#define POOL(begin, combine, end)                                                                                              \
    for (size_t pixel = 0; pixel < pixels; pixel++) {                                                                          \
        const float *taps = bnn_row(x, pixel * p->pixel_step);                                                                 \
        float *out_row = bnn_out_row(out, pixel * p->out_step);                                                                \
        for (size_t c = 0; c < p->channels; c += 8) {                                                                          \
            const size_t n = p->channels - c;                                                                                  \
            __m256 v = begin;                                                                                                  \
            for (size_t r = 0; r < p->rows; r++) {                                                                             \
                for (size_t t = 0; t < p->taps; t++) {                                                                         \
                    const __m256 w = bnn_load(bnn_row(taps, r * p->row_step + t * p->tap_step) + c, n);                        \
                    v = combine;                                                                                               \
                }                                                                                                              \
            }                                                                                                                  \
            bnn_store(out_row + c, never_minus_zero(end), n);                                                                  \
        }                                                                                                                      \
    }

BNN_AVX2 void bnn_pool_max_avx2(float *out, const float *x, const struct bnn_pool *p, size_t pixels)
{
    POOL(bnn_load(taps + c, n), _mm256_max_ps(w, v), v);
}

BNN_AVX2 void bnn_pool_average_avx2(float *out, const float *x, const struct bnn_pool *p, size_t pixels)
{
    const __m256 count = _mm256_set1_ps((float)p->count);
    POOL(_mm256_setzero_ps(), _mm256_add_ps(v, w), _mm256_div_ps(v, count));
}

BNN_AVX2 void bnn_max_bits_avx2(uint8_t *out, const uint8_t *x, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i *to = (__m256i *)(void *)(out + i);
        const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        _mm256_storeu_si256(to, _mm256_and_si256(_mm256_loadu_si256(to), v));
    }
    for (; i + 8 <= n; i += 8) {
        const uint64_t v = bnn_load64(out + i) & bnn_load64(x + i);
        bnn_memcpy(out + i, &v, sizeof v);
    }
    bnn_max_bits_c(out + i, x + i, n - i);
}

#endif
