/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Float convolution: panels of activations, and their products with blocks of 8 outputs, which are a register.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#define TILE 12 /* pixels: as many sums are under way as two FMA units of a latency of 4 or 5 need, and fit the registers */

/* 4 pixels of a run: 4 floats of each at a time are turned into columns. */
BNN_FMA BNN_INLINE void put_four(float *out, const float *const x[4], const struct bnn_panel *p)
{
    size_t c = 0;
    for (; c + 4 <= p->run; c += 4) {
        __m128 a = _mm_loadu_ps(x[0] + c), b = _mm_loadu_ps(x[1] + c), d = _mm_loadu_ps(x[2] + c), e = _mm_loadu_ps(x[3] + c);
        _MM_TRANSPOSE4_PS(a, b, d, e);
        _mm_storeu_ps(bnn_out_row(out, c * p->step), a);
        _mm_storeu_ps(bnn_out_row(out, (c + 1) * p->step), b);
        _mm_storeu_ps(bnn_out_row(out, (c + 2) * p->step), d);
        _mm_storeu_ps(bnn_out_row(out, (c + 3) * p->step), e);
    }
    for (; c < p->run; c++) {
        _mm_storeu_ps(bnn_out_row(out, c * p->step), _mm_setr_ps(x[0][c], x[1][c], x[2][c], x[3][c]));
    }
}

BNN_FMA void bnn_panel_f32_avx2(float *out, const float *x, const struct bnn_panel *p, const uint32_t *at, size_t pixels)
{
    for (size_t r = 0; r < p->count; r++) {
        const float *row = bnn_row(x, p->offsets[r]);
        for (size_t i = 0; i < pixels; i += 4) {
            const float *const four[4] = {bnn_row(row, at[i]), bnn_row(row, at[i + 1]), bnn_row(row, at[i + 2]),
                                          bnn_row(row, at[i + 3])};
            put_four(bnn_out_row(out, r * p->run * p->step) + i, four, p);
        }
    }
}

/* A tile; the panel has `columns` (a constant: 4, 8 or 12) of its pixels, of which `pixels` are stored. */
BNN_FMA BNN_INLINE void multiply(float *out, const float *panel, const float *w, const struct bnn_gemm *p, size_t columns,
                                 size_t pixels)
{
    __m256 sum[TILE];
    BNN_UNROLL
    for (size_t i = 0; i < columns; i++) {
        sum[i] = _mm256_setzero_ps();
    }
    for (size_t n = 0; n < p->k; n++) {
        const __m256 weights = _mm256_loadu_ps(w + 8 * n);
        BNN_UNROLL
        for (size_t i = 0; i < columns; i++) {
            sum[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(panel + i), weights, sum[i]);
        }
        panel = bnn_row(panel, p->panel_step);
    }
    BNN_UNROLL
    for (size_t i = 0; i < columns; i++) {
        if (p->mul != NULL) {
            const __m256 scaled = _mm256_mul_ps(sum[i], _mm256_loadu_ps(p->mul)); /* rounded here: never fused */
            sum[i] = _mm256_add_ps(scaled, _mm256_loadu_ps(p->add));
        }
        if (i < pixels) {
            _mm256_storeu_ps(bnn_out_row(out, i * p->out_step), sum[i]);
        }
    }
}

BNN_FMA void bnn_gemm_f32_avx2(float *out, const float *panel, const float *w, const struct bnn_gemm *p, size_t pixels)
{
    for (; pixels >= TILE; pixels -= TILE, panel += TILE, out = bnn_out_row(out, TILE * p->out_step)) {
        multiply(out, panel, w, p, TILE, TILE);
    }
    if (pixels > 8) {
        multiply(out, panel, w, p, TILE, pixels);
    } else if (pixels > 4) {
        multiply(out, panel, w, p, 8, pixels);
    } else if (pixels > 0) {
        multiply(out, panel, w, p, 4, pixels);
    }
}

#endif
