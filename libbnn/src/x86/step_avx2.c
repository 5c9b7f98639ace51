/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps on tiles of floats, and the sums and maxima of pooling, 8 channels at a time; channels behind the last 8 are masked. The
 * addition of +0.0 turns -0.0 into +0.0, which no step may yield. maxps and minps give their second operand where one is NaN or
 * both are equal.
 */
#include "target.h"

#if BNN_ARCH_X86

/* Mask of the first n of 8 floats; all if there are more. */
BNN_AVX2 BNN_INLINE __m256i first(size_t n)
{
    static const int32_t there[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(there + (n < 8 ? 8 - n : 0)));
}

BNN_AVX2 BNN_INLINE __m256 load(const float *from, size_t n)
{
    return n >= 8 ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, first(n));
}

BNN_AVX2 BNN_INLINE void store(float *to, __m256 v, size_t n)
{
    if (n >= 8) {
        _mm256_storeu_ps(to, v);
    } else {
        _mm256_maskstore_ps(to, first(n), v);
    }
}

BNN_INLINE const float *row_of(const float *first_row, size_t pixel, size_t step)
{
    return (const float *)(const void *)((const uint8_t *)first_row + pixel * step);
}

BNN_INLINE float *out_row_of(float *first_row, size_t pixel, size_t step)
{
    return (float *)(void *)((uint8_t *)first_row + pixel * step);
}

/* For each 8 channels from c on, of which n are left, of each pixel: out = `result`, made of v (8 elements of x). */
#define EACH_EIGHT(result)                                                                                                     \
    for (size_t pixel = 0; pixel < tile->pixels; pixel++) {                                                                    \
        const float *row = row_of(x, pixel, tile->x_step);                                                                     \
        float *out_row = out_row_of(out, pixel, tile->out_step);                                                               \
        for (size_t c = 0; c < tile->channels; c += 8) {                                                                       \
            const size_t n = tile->channels - c;                                                                               \
            const __m256 v = load(row + c, n);                                                                                 \
            store(out_row + c, result, n);                                                                                     \
        }                                                                                                                      \
    }

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
    EACH_EIGHT(affine(v, load(mul + c, n), load(add + c, n)));
}

BNN_AVX2 void bnn_step_clip_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *limits)
{
    const __m256 low = _mm256_set1_ps(limits[0]), high = _mm256_set1_ps(limits[1]);
    EACH_EIGHT(never_minus_zero(_mm256_min_ps(high, _mm256_max_ps(low, v))));
}

BNN_AVX2 void bnn_step_prelu_avx2(float *out, const float *x, const struct bnn_tile *tile, const float *slope)
{
    EACH_EIGHT(never_minus_zero(prelu(v, load(slope + c, n))));
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
        EACH_EIGHT(name##_of(v, load(row_of(other, pixel, other_step) + c, n)));                                               \
    }

STEP_OF_TWO(add, _mm256_add_ps, v, w)
STEP_OF_TWO(mul, _mm256_mul_ps, v, w)
STEP_OF_TWO(sub, _mm256_sub_ps, v, w)
STEP_OF_TWO(div, _mm256_div_ps, v, w)
STEP_OF_TWO(max, _mm256_max_ps, w, v)
STEP_OF_TWO(min, _mm256_min_ps, w, v)

BNN_AVX2 void bnn_max_f32_avx2(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        store(out + i, _mm256_max_ps(load(x + i, n - i), load(out + i, n - i)), n - i);
    }
}

BNN_AVX2 void bnn_add_f32_avx2(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        store(out + i, _mm256_add_ps(load(out + i, n - i), load(x + i, n - i)), n - i);
    }
}

#endif
