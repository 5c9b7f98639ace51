/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling's accumulation: one row of an image into another.
 */
#include "../kernels.h"

void bnn_max_f32_c(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = x[i] > out[i] ? x[i] : out[i];
    }
}

void bnn_add_f32_c(float *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] += x[i];
    }
}

void bnn_max_bits_c(uint8_t *out, const uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] &= x[i];
    }
}
