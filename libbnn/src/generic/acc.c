/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Accumulators of binary products: where they start, and what becomes of them: floats, or bits.
 */
#include "../kernels.h"

void bnn_acc_start_c(uint16_t *acc, const uint16_t *start, const uint32_t *classes, size_t pixels)
{
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        const uint16_t *from = start + (classes != NULL ? 8 * (size_t)classes[pixel] : 0);
        for (size_t j = 0; j < 8; j++) {
            acc[8 * pixel + j] = from[j];
        }
    }
}

/* The accumulator as a signed number. */
static inline int32_t number(uint16_t acc)
{
    return (int32_t)((uint32_t)acc ^ 0x8000) - 0x8000;
}

static inline float affine(uint16_t acc, const struct bnn_acc_affine *p, size_t i)
{
    const float scaled = (float)((int32_t)p->odd - 2 * number(acc)) * p->mul[i]; /* rounded here: never fused */
    return scaled + p->add[i];
}

void bnn_acc_affine_c(float *out, const uint16_t *acc, const struct bnn_acc_affine *p, size_t pixels, size_t out_step)
{
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t j = 0; j < 8; j++) {
            out[j] = affine(acc[j], p, j);
        }
        acc += 8;
        out = (float *)(void *)((uint8_t *)out + out_step);
    }
}

void bnn_acc_affine_row_c(float *out, const uint16_t *acc, const struct bnn_acc_affine *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = affine(acc[i], p, i);
    }
}

void bnn_acc_bits_c(uint8_t *out, const uint16_t *acc, const int16_t *limit, size_t pixels, size_t out_step, size_t bit)
{
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t j = 0; j < 8; j++) {
            out[j] |= (uint8_t)((number(acc[j]) > limit[j] ? 1U : 0U) << bit);
        }
        acc += 8;
        out += out_step;
    }
}
