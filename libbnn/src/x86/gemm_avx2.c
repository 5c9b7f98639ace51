/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Float convolution: panels of activations, 4 floats of 8 pixels at a time, and their products with blocks of 8 outputs, which are
 * a register.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#define TILE 12 /* pixels: as many sums are under way as two FMA units of a latency of 4 or 5 need, and fit the registers */

/* 4 floats of pixels i and i + 4. */
BNN_FMA BNN_INLINE __m256 load_two(const float *x, const uint32_t *at, size_t i)
{
    return _mm256_set_m128(_mm_loadu_ps(bnn_row(x, at[i + 4])), _mm_loadu_ps(bnn_row(x, at[i])));
}

/* 4 floats of 8 pixels, as columns. */
BNN_FMA BNN_INLINE void put_eight(float *out, const float *x, const struct bnn_panel *p, const uint32_t *at)
{
    const __m256 v[4] = {load_two(x, at, 0), load_two(x, at, 1), load_two(x, at, 2), load_two(x, at, 3)};
    const __m256 a = _mm256_unpacklo_ps(v[0], v[1]), b = _mm256_unpackhi_ps(v[0], v[1]);
    const __m256 c = _mm256_unpacklo_ps(v[2], v[3]), d = _mm256_unpackhi_ps(v[2], v[3]);
    _mm256_storeu_ps(out, _mm256_shuffle_ps(a, c, 0x44));
    _mm256_storeu_ps(bnn_out_row(out, p->step), _mm256_shuffle_ps(a, c, 0xee));
    _mm256_storeu_ps(bnn_out_row(out, 2 * p->step), _mm256_shuffle_ps(b, d, 0x44));
    _mm256_storeu_ps(bnn_out_row(out, 3 * p->step), _mm256_shuffle_ps(b, d, 0xee));
}

/* The same of 4 pixels. */
BNN_FMA BNN_INLINE void put_four(float *out, const float *x, const struct bnn_panel *p, const uint32_t *at)
{
    __m128 a = _mm_loadu_ps(bnn_row(x, at[0])), b = _mm_loadu_ps(bnn_row(x, at[1]));
    __m128 c = _mm_loadu_ps(bnn_row(x, at[2])), d = _mm_loadu_ps(bnn_row(x, at[3]));
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(out, a);
    _mm_storeu_ps(bnn_out_row(out, p->step), b);
    _mm_storeu_ps(bnn_out_row(out, 2 * p->step), c);
    _mm_storeu_ps(bnn_out_row(out, 3 * p->step), d);
}

/* Runs of less than 4 floats. */
BNN_FMA BNN_INLINE void put_few(float *out, const float *x, const struct bnn_panel *p, const uint32_t *at, size_t pixels)
{
    for (size_t c = 0; c < p->run; c++, out = bnn_out_row(out, p->step)) {
        for (size_t i = 0; i < pixels; i++) {
            out[i] = bnn_row(x, at[i])[c];
        }
    }
}

BNN_FMA void bnn_panel_f32_avx2(float *out, const float *x, const struct bnn_panel *p, const uint32_t *at, size_t pixels)
{
    for (size_t r = 0; r < p->count; r++, out = bnn_out_row(out, p->run * p->step)) {
        const float *run = bnn_row(x, p->offsets[r]);
        if (p->run < 4) {
            put_few(out, run, p, at, pixels);
            continue;
        }
        for (size_t i = 0; i < pixels; i += 8) {
            for (size_t c = 0; c < p->run; c += 4) {
                const size_t first = c < p->run - 4 ? c : p->run - 4; /* the last 4 may overlap others */
                float *columns = bnn_out_row(out, first * p->step) + i;
                if (i + 8 <= pixels) {
                    put_eight(columns, run + first, p, at + i);
                } else {
                    put_four(columns, run + first, p, at + i);
                }
            }
        }
    }
}

/* Products of one activation of each pixel, a row of the panel. */
BNN_FMA BNN_INLINE void add_products(__m256 *sum, const float *panel, const float *w, size_t columns)
{
    const __m256 weights = _mm256_loadu_ps(w);
    BNN_UNROLL
    for (size_t i = 0; i < columns; i++) {
        sum[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(panel + i), weights, sum[i]);
    }
}

/* A tile; the panel has `columns` (a constant: 4, 8 or 12) of its pixels, of which `pixels` are stored. Few pixels have several
 * sums each. */
BNN_FMA BNN_INLINE void multiply(float *out, const float *panel, const float *w, const struct bnn_gemm *p, size_t columns,
                                 size_t pixels)
{
    const size_t chains = TILE / columns;
    __m256 sum[TILE];
    BNN_UNROLL
    for (size_t i = 0; i < chains * columns; i++) {
        sum[i] = _mm256_setzero_ps();
    }
    size_t n = 0;
    for (; n + chains <= p->k; n += chains) {
        BNN_UNROLL
        for (size_t c = 0; c < chains; c++) {
            add_products(sum + c * columns, panel, w + 8 * (n + c), columns);
            panel = bnn_row(panel, p->panel_step);
        }
    }
    for (; chains > 1 && n < p->k; n++) {
        add_products(sum, panel, w + 8 * n, columns);
        panel = bnn_row(panel, p->panel_step);
    }
    BNN_UNROLL
    for (size_t i = 0; i < columns; i++) {
        BNN_UNROLL
        for (size_t c = 1; c < chains; c++) {
            sum[i] = _mm256_add_ps(sum[i], sum[c * columns + i]);
        }
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
