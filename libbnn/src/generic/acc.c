/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of popcounts: floats, or bits.
 */
#include "../kernels.h"

void bnn_acc_affine_c(float *out, const uint16_t *acc, const struct bnn_acc_affine *p, size_t pixels, size_t out_step)
{
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t j = 0; j < 8; j++) {
            const int32_t dot = p->base[j] - 2 * (int32_t)acc[j];
            const float scaled = (float)dot * p->mul[j]; /* rounded here: a statement of its own is never fused */
            out[j] = scaled + p->add[j];
        }
        acc += 8;
        out = (float *)(void *)((uint8_t *)out + out_step);
    }
}

void bnn_acc_bits_c(uint8_t *out, const uint16_t *acc, const uint16_t *limit, size_t pixels, size_t out_step, size_t bit)
{
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t j = 0; j < 8; j++) {
            out[j] |= (uint8_t)((acc[j] >= limit[j] ? 1U : 0U) << bit);
        }
        acc += 8;
        out += out_step;
    }
}
