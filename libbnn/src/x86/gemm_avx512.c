/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Products of a panel with a block of 8 outputs, 16 pixels in a register: of what a multiplication needs, the pixels are loaded
 * once for all outputs, and a weight is repeated over a register for 48 pixels. Sums are turned into rows in the end.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#define LANES 16
#define MOST 3 /* registers of pixels of a tile: 24 sums, 3 pixels and a weight */

/* 4 outputs of 16 pixels, 4 of them in each quarter, from rows to columns: v[i] becomes the 4 outputs of pixels i, 4 + i, ... */
BNN_AVX512 BNN_INLINE void to_columns(__m512 v[4])
{
    const __m512 a = _mm512_unpacklo_ps(v[0], v[1]), b = _mm512_unpackhi_ps(v[0], v[1]);
    const __m512 c = _mm512_unpacklo_ps(v[2], v[3]), d = _mm512_unpackhi_ps(v[2], v[3]);
    v[0] = _mm512_shuffle_ps(a, c, 0x44);
    v[1] = _mm512_shuffle_ps(a, c, 0xee);
    v[2] = _mm512_shuffle_ps(b, d, 0x44);
    v[3] = _mm512_shuffle_ps(b, d, 0xee);
}

BNN_AVX512 BNN_INLINE void store_four(float *out, __m128 v, size_t pixel, const struct bnn_gemm *p)
{
    _mm_storeu_ps(bnn_out_row(out, pixel * p->out_step), v);
}

/* 16 pixels. */
BNN_AVX512 BNN_INLINE void store(float *out, __m512 sum[8], const struct bnn_gemm *p)
{
    if (p->mul != NULL) {
        BNN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            const __m512 scaled = _mm512_mul_ps(sum[j], _mm512_set1_ps(p->mul[j])); /* rounded here: never fused */
            sum[j] = _mm512_add_ps(scaled, _mm512_set1_ps(p->add[j]));
        }
    }
    BNN_UNROLL
    for (size_t half = 0; half < 2; half++) {
        to_columns(sum + 4 * half);
        BNN_UNROLL
        for (size_t i = 0; i < 4; i++) {
            const __m512 v = sum[4 * half + i];
            store_four(out + 4 * half, _mm512_castps512_ps128(v), i, p);
            store_four(out + 4 * half, _mm512_extractf32x4_ps(v, 1), 4 + i, p);
            store_four(out + 4 * half, _mm512_extractf32x4_ps(v, 2), 8 + i, p);
            store_four(out + 4 * half, _mm512_extractf32x4_ps(v, 3), 12 + i, p);
        }
    }
}

/* 16 * registers pixels; registers is a constant of the callers. */
BNN_AVX512 BNN_INLINE void multiply(float *out, const float *panel, const float *w, const struct bnn_gemm *p, size_t registers)
{
    __m512 sum[MOST][8];
    BNN_UNROLL
    for (size_t r = 0; r < registers; r++) {
        BNN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            sum[r][j] = _mm512_setzero_ps();
        }
    }
    for (size_t n = 0; n < p->k; n++, w += 8) {
        __m512 x[MOST];
        BNN_UNROLL
        for (size_t r = 0; r < registers; r++) {
            x[r] = _mm512_loadu_ps(panel + LANES * r);
        }
        BNN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            const __m512 weight = _mm512_set1_ps(w[j]);
            BNN_UNROLL
            for (size_t r = 0; r < registers; r++) {
                sum[r][j] = _mm512_fmadd_ps(x[r], weight, sum[r][j]);
            }
        }
        panel = bnn_row(panel, p->panel_step);
    }
    BNN_UNROLL
    for (size_t r = 0; r < registers; r++) {
        store(bnn_out_row(out, LANES * r * p->out_step), sum[r], p);
    }
}

BNN_AVX512 void bnn_gemm_f32_avx512(float *out, const float *panel, const float *w, const struct bnn_gemm *p, size_t pixels)
{
    for (size_t registers; pixels >= LANES; pixels -= LANES * registers) {
        registers = pixels >= MOST * LANES ? MOST : 1;
        if (registers == MOST) {
            multiply(out, panel, w, p, MOST);
        } else {
            multiply(out, panel, w, p, 1);
        }
        panel += LANES * registers;
        out = bnn_out_row(out, LANES * registers * p->out_step);
    }
    bnn_gemm_f32_avx2(out, panel, w, p, pixels);
}

#endif
