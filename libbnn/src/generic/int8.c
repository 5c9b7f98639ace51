/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 8-bit numbers: from floats, to floats, and their dot products, which are exact.
 */
#include "../kernels.h"

#if defined(__FAST_MATH__)
#error "libbnn must not be compiled with -ffast-math: its variants would differ"
#endif

/* The sum's last place is 1, so it is rounded to an integer, of two the even one. |x| is at most 255. */
static int32_t nearest(float x)
{
    const float large = 12582912.0F; /* 3 * 2^22 */
    const float sum = x + large;
    return (int32_t)(sum - large);
}

void bnn_pack_i8_c(int8_t *out, const float *x, const struct bnn_tile *tile, const float *scale, const int32_t *zero)
{
    const float low = (float)(-128 - *zero);
    const float high = (float)(127 - *zero);
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            const float scaled = x[c] / *scale;
            const float raised = scaled > low ? scaled : low;
            out[c] = (int8_t)(nearest(raised < high ? raised : high) + *zero);
        }
        x = (const float *)(const void *)((const uint8_t *)x + tile->x_step);
        out += tile->out_step;
    }
}

/* In lanes, which compilers can keep in vectors. */
void bnn_limits_f32_c(float *limits, const float *x, size_t n)
{
    enum { LANES = 16 };
    float low[LANES], high[LANES];
    for (size_t j = 0; j < LANES; j++) {
        low[j] = limits[0];
        high[j] = limits[1];
    }
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            low[j] = x[i + j] < low[j] ? x[i + j] : low[j];
            high[j] = x[i + j] > high[j] ? x[i + j] : high[j];
        }
    }
    for (size_t i = n - n % LANES; i < n; i++) {
        low[0] = x[i] < low[0] ? x[i] : low[0];
        high[0] = x[i] > high[0] ? x[i] : high[0];
    }
    for (size_t j = 0; j < LANES; j++) {
        limits[0] = low[j] < limits[0] ? low[j] : limits[0];
        limits[1] = high[j] > limits[1] ? high[j] : limits[1];
    }
}

void bnn_unpack_i8_c(float *out, const int8_t *x, const struct bnn_tile *tile)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            out[c] = (float)x[c];
        }
        x += tile->x_step;
        out = (float *)(void *)((uint8_t *)out + tile->out_step);
    }
}

void bnn_dot_s8_c(int32_t *acc, const int8_t *x, const int8_t *w, size_t vectors, size_t pixels, size_t lanes)
{
    for (size_t p = 0; p < pixels; p++) {
        for (size_t v = 0; v < vectors; v++) {
            for (size_t j = 0; j < lanes; j++) {
                const int8_t *weights = w + 16 * (lanes * v + j);
                int32_t sum = 0;
                for (size_t k = 0; k < 16; k++) {
                    sum += x[16 * v + k] * weights[k];
                }
                acc[j] += sum;
            }
        }
        x += 16 * vectors;
        acc += 8;
    }
}

void bnn_dot_sign_c(int32_t *acc, const int8_t *x, const uint8_t *w, size_t n, size_t pixels)
{
    for (size_t p = 0; p < pixels; p++) {
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < 8; j++) {
                acc[j] += w[i] >> j & 1 ? -x[i] : x[i];
            }
        }
        x += (n + 15) / 16 * 16;
        acc += 8;
    }
}

void bnn_sum_affine_c(float *out, const int32_t *acc, const float *mul, const float *add, size_t pixels, size_t out_step)
{
    for (size_t p = 0; p < pixels; p++) {
        for (size_t j = 0; j < 8; j++) {
            const float scaled = (float)acc[j] * mul[j]; /* a statement of its own: not to be fused */
            out[j] = scaled + add[j];
        }
        acc += 8;
        out = (float *)(void *)((uint8_t *)out + out_step);
    }
}
