/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows and columns exchanged, 4 x 4 floats at a time; and the three colours of an image, whose pixels are stored as 4 floats, of
 * which the next pixel replaces the last one.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

#define SIDE 4
#define COLOURS 3

/* 4 pixels of `rows` channels. */
BNN_AVX2 BNN_INLINE void transpose_block(float *out, const float *x, const struct bnn_tile *tile, size_t rows)
{
    __m128 v[SIDE];
    BNN_UNROLL
    for (size_t i = 0; i < SIDE; i++) {
        v[i] = i < rows ? _mm_loadu_ps(bnn_row(x, i * tile->x_step)) : _mm_setzero_ps();
    }
    _MM_TRANSPOSE4_PS(v[0], v[1], v[2], v[3]);
    BNN_UNROLL
    for (size_t i = 0; i < SIDE; i++) {
        _mm_storeu_ps(bnn_out_row(out, i * tile->out_step), v[i]);
    }
}

BNN_AVX2 void bnn_transpose_f32_avx2(float *out, const float *x, const struct bnn_tile *tile)
{
    const int is_image = tile->channels == COLOURS && tile->out_step == COLOURS * sizeof *out && tile->pixels > 0;
    const size_t channels = is_image ? COLOURS : tile->channels / SIDE * SIDE;
    const size_t pixels = (tile->pixels - (size_t)is_image) / SIDE * SIDE; /* something has to follow */
    for (size_t p = 0; p < pixels; p += SIDE) {
        float *to = bnn_out_row(out, p * tile->out_step);
        if (is_image) {
            transpose_block(to, x + p, tile, COLOURS);
        }
        for (size_t c = 0; c + SIDE <= channels; c += SIDE) {
            transpose_block(to + c, bnn_row(x, c * tile->x_step) + p, tile, SIDE);
        }
    }
    const struct bnn_tile right = {pixels, tile->channels - channels, tile->out_step, tile->x_step};
    const struct bnn_tile below = {tile->pixels - pixels, tile->channels, tile->out_step, tile->x_step};
    bnn_transpose_f32_c(out + channels, bnn_row(x, channels * tile->x_step), &right);
    bnn_transpose_f32_c(bnn_out_row(out, pixels * tile->out_step), x + pixels, &below);
}

#endif
