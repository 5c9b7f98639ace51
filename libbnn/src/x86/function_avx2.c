/* SPDX-License-Identifier: BSD-3-Clause
 *
 * FUNCTION steps that exponentials and hard limits are made of, 8 channels at a time: the operations of generic/functions.c and
 * exp.h in their order, where they branch by selection. Other functions take the reference.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#include "../format.h"

BNN_AVX2 BNN_INLINE __m256 one(void)
{
    return _mm256_set1_ps(1.0F);
}

BNN_AVX2 BNN_INLINE __m256 minus(__m256 x)
{
    return _mm256_sub_ps(_mm256_setzero_ps(), x);
}

BNN_AVX2 BNN_INLINE __m256 magnitude(__m256 x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), x);
}

/* no where mask, otherwise yes */
BNN_AVX2 BNN_INLINE __m256 choose(__m256 yes, __m256 no, __m256 mask)
{
    return _mm256_blendv_ps(yes, no, mask);
}

BNN_AVX2 BNN_INLINE __m256 is_below(__m256 x, float limit)
{
    return _mm256_cmp_ps(x, _mm256_set1_ps(limit), _CMP_LT_OQ);
}

/* y, or -y where x < 0. */
BNN_AVX2 BNN_INLINE __m256 with_sign_of(__m256 x, __m256 y)
{
    return choose(y, _mm256_xor_ps(y, _mm256_set1_ps(-0.0F)), is_below(x, 0));
}

/* c[0] * x^(n - 1) + ... + c[n - 1], each operation rounded; n is a constant of the callers. */
BNN_AVX2 BNN_INLINE __m256 polynomial(const float *c, size_t n, __m256 x)
{
    __m256 p = _mm256_set1_ps(c[0]);
    BNN_UNROLL
    for (size_t i = 1; i < n; i++) {
        const __m256 scaled = _mm256_mul_ps(p, x);
        p = _mm256_add_ps(scaled, _mm256_set1_ps(c[i]));
    }
    return p;
}

BNN_AVX2 BNN_INLINE __m256 power_of_two(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/* e^r - 1 where x = n ln 2 + r, and n. */
BNN_AVX2 BNN_INLINE __m256 exp_reduced(__m256 x, __m256i *n)
{
    static const float taylor[] = {1.0F / 5040, 1.0F / 720, 1.0F / 120, 1.0F / 24, 1.0F / 6, 0.5F};
    const __m256 t = _mm256_mul_ps(x, _mm256_set1_ps(1.44269504F));
    const __m256 half = choose(_mm256_set1_ps(0.5F), _mm256_set1_ps(-0.5F), is_below(t, 0));
    *n = _mm256_cvttps_epi32(_mm256_add_ps(t, half));
    const __m256 count = _mm256_cvtepi32_ps(*n);
    const __m256 high = _mm256_mul_ps(count, _mm256_set1_ps(0.693359375F));
    const __m256 low = _mm256_mul_ps(count, _mm256_set1_ps(-2.12194440e-4F));
    const __m256 r = _mm256_sub_ps(_mm256_sub_ps(x, high), low);
    const __m256 p = _mm256_mul_ps(polynomial(taylor, sizeof taylor / sizeof taylor[0], r), r);
    const __m256 scaled = _mm256_mul_ps(p, r);
    return _mm256_add_ps(scaled, r);
}

BNN_AVX2 BNN_INLINE __m256 exponential(__m256 x)
{
    __m256i n;
    const __m256 p = _mm256_add_ps(exp_reduced(x, &n), one());
    const __m256i half = _mm256_srai_epi32(_mm256_add_epi32(n, _mm256_srli_epi32(n, 31)), 1); /* n / 2, towards 0 */
    const __m256 y = _mm256_mul_ps(_mm256_mul_ps(p, power_of_two(half)), power_of_two(_mm256_sub_epi32(n, half)));
    const __m256 is_large = _mm256_cmp_ps(x, _mm256_set1_ps(89.0F), _CMP_GT_OQ);
    const __m256 infinity = _mm256_castsi256_ps(_mm256_set1_epi32(0x7f800000));
    const __m256 limited = choose(_mm256_andnot_ps(is_below(x, -87.0F), y), infinity, is_large);
    return choose(limited, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

BNN_AVX2 BNN_INLINE __m256 one_plus_exp(__m256 x)
{
    return _mm256_add_ps(one(), exponential(minus(x)));
}

BNN_AVX2 BNN_INLINE __m256 hyperbolic_tangent(__m256 x)
{
    static const float c[] = {-0.00590586057F, 0.0208053775F, -0.0537866801F, 0.133319587F, -0.333332986F};
    const __m256 y = magnitude(x), z = _mm256_mul_ps(y, y);
    const __m256 rest = _mm256_mul_ps(_mm256_mul_ps(y, z), polynomial(c, sizeof c / sizeof c[0], z));
    const __m256 quotient = _mm256_div_ps(_mm256_set1_ps(2.0F), _mm256_add_ps(exponential(_mm256_add_ps(y, y)), one()));
    const __m256 size = choose(_mm256_sub_ps(one(), quotient), _mm256_add_ps(rest, y), is_below(y, 0.6F));
    return with_sign_of(x, size);
}

BNN_AVX2 BNN_INLINE __m256 exponential_linear(__m256 x)
{
    __m256i n;
    const __m256 p = exp_reduced(x, &n), scale = power_of_two(n);
    const __m256 scaled = _mm256_mul_ps(scale, p);
    const __m256 y = _mm256_add_ps(scaled, _mm256_sub_ps(scale, one()));
    const __m256 limited = choose(y, _mm256_set1_ps(-1.0F), is_below(x, -87.0F));
    return choose(x, limited, is_below(x, 0));
}

/* maxps and minps give their second operand where one is NaN or both are equal. */
BNN_AVX2 BNN_INLINE __m256 hard_swish(__m256 x)
{
    const __m256 scaled = _mm256_mul_ps(x, _mm256_set1_ps(1.0F / 6));
    const __m256 line = _mm256_add_ps(scaled, _mm256_set1_ps(0.5F));
    const __m256 raised = _mm256_max_ps(_mm256_setzero_ps(), line);
    return _mm256_mul_ps(x, _mm256_min_ps(one(), raised));
}

/* Results below 2^-126 are 0, so that there are no denormals and no -0.0. */
BNN_AVX2 BNN_INLINE __m256 normal(__m256 y)
{
    return _mm256_andnot_ps(is_below(magnitude(y), 1.17549435e-38F), y);
}

BNN_AVX2 void bnn_step_function_avx2(float *out, const float *x, const struct bnn_tile *tile, size_t function)
{
    switch ((enum bnn_function)function) {
    case BNN_FUNCTION_EXP: BNN_EACH_EIGHT(normal(exponential(v))); break;
    case BNN_FUNCTION_SIGMOID: BNN_EACH_EIGHT(normal(_mm256_div_ps(one(), one_plus_exp(v)))); break;
    case BNN_FUNCTION_TANH: BNN_EACH_EIGHT(normal(hyperbolic_tangent(v))); break;
    case BNN_FUNCTION_ELU: BNN_EACH_EIGHT(normal(exponential_linear(v))); break;
    case BNN_FUNCTION_SWISH: BNN_EACH_EIGHT(normal(_mm256_div_ps(v, one_plus_exp(v)))); break;
    case BNN_FUNCTION_HARD_SWISH: BNN_EACH_EIGHT(normal(hard_swish(v))); break;
    default: bnn_step_function_c(out, x, tile, function); break;
    }
}

#endif
