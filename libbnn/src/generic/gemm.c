/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Float convolution as a product of a panel of activations and a block of 8 outputs. TILE pixels are computed together: every
 * weight is loaded once for all of them, and their sums are independent of each other. The 8 outputs are two vectors of 4, which
 * gcc and clang lower to what the machine has.
 */
#include "../kernels.h"

#define TILE 4

typedef float quad __attribute__((vector_size(16)));
typedef float quad_in_memory __attribute__((vector_size(16), aligned(4), may_alias));

struct sums {
    quad low, high; /* outputs 0-3, 4-7 */
};

static const float *at_bytes(const float *from, size_t bytes)
{
    return (const float *)(const void *)((const uint8_t *)from + bytes);
}

static float *row_at(float *from, size_t bytes)
{
    return (float *)(void *)((uint8_t *)from + bytes);
}

void bnn_panel_f32_c(float *out, const float *x, const struct bnn_panel *p, const uint32_t *at, size_t pixels)
{
    for (size_t r = 0; r < p->count; r++) {
        for (size_t i = 0; i < pixels; i++) {
            const float *from = at_bytes(x, (size_t)p->offsets[r] + at[i]);
            float *to = row_at(out, r * p->run * p->step) + i;
            for (size_t c = 0; c < p->run; c++) {
                *row_at(to, c * p->step) = from[c];
            }
        }
    }
}

static void store(float *out, const struct sums *sums, const struct bnn_gemm *p)
{
    for (size_t j = 0; j < 8; j++) {
        const float sum = j < 4 ? sums->low[j] : sums->high[j - 4];
        if (p->mul == NULL) {
            out[j] = sum;
        } else {
            const float scaled = sum * p->mul[j]; /* a statement of its own: not to be fused */
            out[j] = scaled + p->add[j];
        }
    }
}

void bnn_gemm_f32_c(float *out, const float *panel, const float *w, const struct bnn_gemm *p, size_t pixels)
{
    for (size_t first = 0; first < pixels; first += TILE) {
        struct sums sums[TILE] = {{{0}, {0}}};
        for (size_t n = 0; n < p->k; n++) {
            const float *x = at_bytes(panel, n * p->panel_step) + first;
            const quad low = *(const quad_in_memory *)(w + 8 * n), high = *(const quad_in_memory *)(w + 8 * n + 4);
            for (size_t i = 0; i < TILE; i++) {
                sums[i].low += x[i] * low;
                sums[i].high += x[i] * high;
            }
        }
        for (size_t i = 0; i < TILE && first + i < pixels; i++) {
            store(row_at(out, (first + i) * p->out_step), &sums[i], p);
        }
    }
}

void bnn_dense_f32_c(float *out, const float *x, const float *w, size_t k, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++, out += 8) {
        quad low = {0}, high = {0};
        for (size_t n = 0; n < k; n++, w += 8) {
            low += x[n] * *(const quad_in_memory *)w;
            high += x[n] * *(const quad_in_memory *)(w + 4);
        }
        *(quad_in_memory *)out = low;
        *(quad_in_memory *)(out + 4) = high;
    }
}

void bnn_dense_sign_c(float *out, const float *x, const uint8_t *w, size_t k, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++, out += 8) {
        float sums[8] = {0};
        for (size_t n = 0; n < k; n++, w++) {
            for (size_t j = 0; j < 8; j++) {
                sums[j] += *w >> j & 1 ? -x[n] : x[n];
            }
        }
        for (size_t j = 0; j < 8; j++) {
            out[j] = sums[j];
        }
    }
}

void bnn_sign_weights_c(float *out, const uint8_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < 8; j++) {
            *out++ = w[i] >> j & 1 ? -1.0F : 1.0F;
        }
    }
}

void bnn_depthwise_f32_c(float *out, const float *x, const float *w, const struct bnn_depthwise *p, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < p->channels; c++) {
            out[c] = 0;
        }
        for (size_t r = 0; r < p->rows; r++) {
            for (size_t t = 0; t < p->taps; t++) {
                const float *tap_x = at_bytes(x, r * p->row_step + t * p->tap_step);
                const float *tap_w = at_bytes(w, r * p->w_row_step + t * p->w_tap_step);
                for (size_t c = 0; c < p->channels; c++) {
                    out[c] += tap_x[c] * tap_w[c];
                }
            }
        }
        x = at_bytes(x, p->pixel_step);
        out = row_at(out, p->out_step);
    }
}
