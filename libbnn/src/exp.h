/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The exponential of softmax and of FUNCTION steps: single IEEE operations, the same bits on every machine.
 */
#ifndef BNN_EXP_H
#define BNN_EXP_H

#include <stddef.h>
#include <stdint.h>

#include "port.h"

static inline float bnn_float_of(uint32_t bits)
{
    float value;
    bnn_memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bnn_bits_of(float value)
{
    uint32_t bits;
    bnn_memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* c[0] * x^(n - 1) + ... + c[n - 1] by Horner's rule. */
static inline float bnn_polynomial(const float *c, size_t n, float x)
{
    float p = c[0];
    for (size_t i = 1; i < n; i++) {
        p = p * x;
        p = p + c[i];
    }
    return p;
}

/* 2^n for n in -126..127. */
static inline float bnn_power_of_two(int32_t n)
{
    return bnn_float_of((uint32_t)(n + 127) << 23);
}

/* e^r - 1 where x = n ln 2 + r, |r| <= 0.35, and n; x in -87..89. Taylor's series of degree 7 is off by less than 6e-9 there. */
static inline float bnn_exp_reduced(float x, int32_t *n)
{
    static const float taylor[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f};
    const float t = x * 1.44269504f;
    *n = (int32_t)(t + (t < 0.0f ? -0.5f : 0.5f));
    /* ln 2 in two parts, the first exact when multiplied by n. */
    const float high = (float)*n * 0.693359375f;
    const float low = (float)*n * -2.12194440e-4f;
    const float r = (x - high) - low;
    float p = bnn_polynomial(taylor, sizeof taylor / sizeof taylor[0], r) * r;
    p = p * r;
    return p + r;
}

/* exp(x) within 1.04 units in the last place; 0 below -87, infinity where a float cannot hold it, NaN for NaN. */
static inline float bnn_exp(float x)
{
    if (!(x >= -87.0f && x <= 89.0f)) {
        return x > 89.0f ? bnn_float_of(0x7f800000u) : x < -87.0f ? 0.0f : x;
    }
    int32_t n;
    const float p = bnn_exp_reduced(x, &n) + 1.0f;
    return p * bnn_power_of_two(n / 2) * bnn_power_of_two(n - n / 2);
}

#endif
