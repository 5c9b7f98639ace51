/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling of floats: runs of windows, and of signs: one row into another.
 */
#include "../kernels.h"

static const float *place(const float *first, size_t bytes)
{
    return (const float *)(const void *)((const uint8_t *)first + bytes);
}

/* For every window: `begin`; for each tap in order `combine` of v, the value so far, and w, the tap; `end` of v. */
#define POOL(begin, combine, end)                                                                                              \
    for (size_t i = 0; i < pixels; i++) {                                                                                      \
        const float *first = place(x, i * p->pixel_step);                                                                      \
        for (size_t c = 0; c < p->channels; c++) {                                                                             \
            out[c] = begin;                                                                                                    \
        }                                                                                                                      \
        for (size_t r = 0; r < p->rows; r++) {                                                                                 \
            for (size_t t = 0; t < p->taps; t++) {                                                                             \
                const float *tap = place(first, r * p->row_step + t * p->tap_step);                                            \
                for (size_t c = 0; c < p->channels; c++) {                                                                     \
                    const float v = out[c];                                                                                    \
                    const float w = tap[c];                                                                                    \
                    out[c] = combine;                                                                                          \
                }                                                                                                              \
            }                                                                                                                  \
        }                                                                                                                      \
        for (size_t c = 0; c < p->channels; c++) {                                                                             \
            const float v = out[c];                                                                                            \
            const float result = end;                                                                                          \
            out[c] = result + 0.0F;                                                                                            \
        }                                                                                                                      \
        out = (float *)(void *)((uint8_t *)out + p->out_step);                                                                 \
    }

void bnn_pool_max_c(float *out, const float *x, const struct bnn_pool *p, size_t pixels)
{
    POOL(first[c], w > v ? w : v, v)
}

void bnn_pool_average_c(float *out, const float *x, const struct bnn_pool *p, size_t pixels)
{
    const float count = (float)p->count;
    POOL(0.0F, v + w, v / count)
}

void bnn_max_bits_c(uint8_t *out, const uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] &= x[i];
    }
}
