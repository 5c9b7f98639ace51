/* SPDX-License-Identifier: BSD-3-Clause
 *
 * FUNCTION steps (docs/dab-format.md, section 4.1). converter/functions.py has the same operations in the same order. Products
 * and the sums they go into are separate statements: compilers may fuse within one only.
 */
#include "../exp.h"
#include "../format.h"
#include "../kernels.h"

#define SMALLEST 1.17549435e-38f /* 2^-126; results below are 0, so that there are no denormals and no -0.0 */
#define POLYNOMIAL(c, x) bnn_polynomial(c, sizeof(c) / sizeof((c)[0]), x)

static float not_a_number_or(float x) /* x if it is NaN, else NaN */
{
    return x != x ? x : bnn_float_of(0x7fc00000u);
}

static float magnitude(float x)
{
    return bnn_float_of(bnn_bits_of(x) & 0x7fffffffu);
}

static float with_sign_of(float x, float y)
{
    return x < 0.0f ? -y : y;
}

/* Correctly rounded, by the integer square root of the mantissa: no machine's own is needed. */
static float square_root(float x)
{
    if (!(x > 0.0f)) {
        return x == 0.0f ? x : not_a_number_or(x);
    }
    uint32_t bits = bnn_bits_of(x);
    if (bits >= 0x7f800000u) {
        return x;
    }
    int32_t exponent = -127;
    if (bits < 0x00800000u) { /* denormal: 2^24 times it is not */
        bits = bnn_bits_of(x * 16777216.0f);
        exponent -= 24;
    }
    exponent += (int32_t)(bits >> 23);
    uint64_t mantissa = (bits & 0x007fffffu) | 0x00800000u;
    if (exponent % 2 != 0) {
        mantissa <<= 1;
        exponent--;
    }
    /* One bit more than the result has: a last bit of 1 rounds up (there are no ties). */
    uint64_t rest = mantissa << 25, root = 0;
    for (uint64_t bit = UINT64_C(1) << 50; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return bnn_float_of(((uint32_t)(exponent / 2 + 126) << 23) + (uint32_t)((root + 1) >> 1));
}

/* From 2^23 on all floats are integers. */
static float round_down(float x)
{
    if (!(magnitude(x) < 8388608.0f)) {
        return x;
    }
    const float t = (float)(int32_t)x;
    return t > x ? t - 1.0f : t;
}

/* To the nearest integer, halves to the even one. */
static float round_nearest(float x)
{
    const float y = magnitude(x);
    return y < 8388608.0f ? with_sign_of(x, (y + 8388608.0f) - 8388608.0f) : x;
}

/* log(1 + f) for f from sqrt(1/2) - 1 to 1: 2 artanh(f / (2 + f)). */
static float log_1_plus(float f)
{
    static const float c[] = {0.280244648f, 0.279991388f, 0.400216997f, 0.666664124f};
    const float u = f / (2.0f + f);
    const float z = u * u;
    const float rest = u * z * POLYNOMIAL(c, z);
    const float twice = u * 2.0f;
    return twice + rest;
}

static float logarithm(float x)
{
    if (!(x >= SMALLEST)) {
        return x > -SMALLEST ? bnn_float_of(0xff800000u) : not_a_number_or(x);
    }
    const uint32_t bits = bnn_bits_of(x);
    if (bits >= 0x7f800000u) {
        return x;
    }
    uint32_t mantissa = (bits & 0x007fffffu) | 0x3f800000u;
    int32_t exponent = (int32_t)(bits >> 23) - 127;
    if (mantissa >= 0x3fb504f3u) { /* sqrt(2) */
        mantissa -= 0x00800000u;
        exponent++;
    }
    const float high = (float)exponent * 0.693359375f;
    const float low = (float)exponent * -2.12194440e-4f;
    return high + (log_1_plus(bnn_float_of(mantissa) - 1.0f) + low);
}

/* 1 + exp(-x) */
static float one_plus_exp(float x)
{
    return 1.0f + bnn_exp(0.0f - x);
}

static float hyperbolic_tangent(float x)
{
    static const float c[] = {-0.00590586057f, 0.0208053775f, -0.0537866801f, 0.133319587f, -0.333332986f};
    const float y = magnitude(x);
    if (y < 0.6f) {
        const float z = y * y;
        const float rest = y * z * POLYNOMIAL(c, z);
        return with_sign_of(x, rest + y);
    }
    return with_sign_of(x, 1.0f - 2.0f / (bnn_exp(y + y) + 1.0f));
}

static float error_function(float x)
{
    static const float near[] = {8.5131018e-05f, -0.00081756385f, 0.00520385895f, -0.0268605091f,
                                 0.112837151f,   -0.376126349f,   0.128379166f};
    /* -log(1 - erf(y)) from 0.9 to 3.95 */
    static const float far[] = {2.08286183e-05f, -0.000431393564f, 0.0041562547f, -0.0250806157f,
                                0.108220384f,    0.633400857f,     1.12948835f,   -0.00016920513f};
    const float y = magnitude(x);
    if (y < 0.9f) {
        const float rest = y * POLYNOMIAL(near, y * y);
        return with_sign_of(x, rest + y);
    }
    if (y < 3.95f) {
        return with_sign_of(x, 1.0f - bnn_exp(0.0f - POLYNOMIAL(far, y)));
    }
    return y == y ? with_sign_of(x, 1.0f) : x;
}

/* exp(x) - 1 below 0. */
static float exponential_linear(float x)
{
    if (!(x < 0.0f)) {
        return x;
    }
    if (x < -87.0f) {
        return -1.0f;
    }
    int32_t n;
    const float p = bnn_exp_reduced(x, &n), scale = bnn_power_of_two(n);
    const float scaled = scale * p;
    return scaled + (scale - 1.0f);
}

static float softplus(float x)
{
    return (x > 0.0f ? x : 0.0f) + log_1_plus(bnn_exp(0.0f - magnitude(x)));
}

static float hard_swish(float x)
{
    const float scaled = x * (1.0f / 6);
    const float line = scaled + 0.5f;
    const float raised = line < 0.0f ? 0.0f : line;
    return x * (raised > 1.0f ? 1.0f : raised);
}

/* x tanh(log(1 + e)) = x n / (n + 2) with n = e (e + 2), e = exp(x). */
static float mish(float x)
{
    if (x > 20.0f) {
        return x;
    }
    const float e = bnn_exp(x);
    const float n = e * (e + 2.0f);
    return x * (n / (n + 2.0f));
}

static float value_of(enum bnn_function function, float x)
{
    switch (function) {
    case BNN_FUNCTION_ABS: return magnitude(x);
    case BNN_FUNCTION_SQRT: return square_root(x);
    case BNN_FUNCTION_RECIPROCAL: return 1.0f / x;
    case BNN_FUNCTION_FLOOR: return round_down(x);
    case BNN_FUNCTION_CEIL: return -round_down(-x);
    case BNN_FUNCTION_ROUND: return round_nearest(x);
    case BNN_FUNCTION_EXP: return bnn_exp(x);
    case BNN_FUNCTION_LOG: return logarithm(x);
    case BNN_FUNCTION_SIGMOID: return 1.0f / one_plus_exp(x);
    case BNN_FUNCTION_TANH: return hyperbolic_tangent(x);
    case BNN_FUNCTION_ERF: return error_function(x);
    case BNN_FUNCTION_ELU: return exponential_linear(x);
    case BNN_FUNCTION_SOFTPLUS: return softplus(x);
    case BNN_FUNCTION_SWISH: return x / one_plus_exp(x);
    case BNN_FUNCTION_HARD_SWISH: return hard_swish(x);
    case BNN_FUNCTION_MISH: return mish(x);
    default: return x; /* the loader lets no other through */
    }
}

void bnn_step_function_c(float *out, const float *x, const struct bnn_tile *tile, size_t function)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            const float y = value_of((enum bnn_function)function, x[c]);
            out[c] = magnitude(y) < SMALLEST ? 0.0f : y;
        }
        x = (const float *)(const void *)((const uint8_t *)x + tile->x_step);
        out = (float *)(void *)((uint8_t *)out + tile->out_step);
    }
}
