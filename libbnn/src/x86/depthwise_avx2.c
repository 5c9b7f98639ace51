/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Depthwise convolution: 8 channels of 4 pixels, which share the weights.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#define TILE 4

/* n channels, 8 if there are more, of a tile of pixels, a constant of the callers. */
BNN_FMA BNN_INLINE void convolve(float *out, const float *x, const float *w, const struct bnn_depthwise *p, size_t pixels,
                                 size_t n)
{
    __m256 sum[TILE];
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        sum[i] = _mm256_setzero_ps();
    }
    for (size_t r = 0; r < p->rows; r++) {
        const float *tap_x = bnn_row(x, r * p->row_step), *tap_w = bnn_row(w, r * p->w_row_step);
        for (size_t t = 0; t < p->taps; t++) {
            const __m256 weights = bnn_load(tap_w, n);
            BNN_UNROLL
            for (size_t i = 0; i < pixels; i++) {
                sum[i] = _mm256_fmadd_ps(bnn_load(bnn_row(tap_x, i * p->pixel_step), n), weights, sum[i]);
            }
            tap_x = bnn_row(tap_x, p->tap_step);
            tap_w = bnn_row(tap_w, p->w_tap_step);
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        bnn_store(bnn_out_row(out, i * p->out_step), sum[i], n);
    }
}

BNN_FMA BNN_INLINE void convolve_all(float *out, const float *x, const float *w, const struct bnn_depthwise *p, size_t pixels)
{
    size_t c = 0;
    for (; c + 8 <= p->channels; c += 8) {
        convolve(out + c, x + c, w + c, p, pixels, 8);
    }
    if (c < p->channels) {
        convolve(out + c, x + c, w + c, p, pixels, p->channels - c);
    }
}

BNN_FMA void bnn_depthwise_f32_avx2(float *out, const float *x, const float *w, const struct bnn_depthwise *p, size_t pixels)
{
    for (; pixels >= TILE; pixels -= TILE) {
        convolve_all(out, x, w, p, TILE);
        x = bnn_row(x, TILE * p->pixel_step);
        out = bnn_out_row(out, TILE * p->out_step);
    }
    for (; pixels > 0; pixels--) {
        convolve_all(out, x, w, p, 1);
        x = bnn_row(x, p->pixel_step);
        out = bnn_out_row(out, p->out_step);
    }
}

#endif
