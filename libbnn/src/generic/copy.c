/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of tiles.
 */
#include "../kernels.h"

#include "../port.h"

void bnn_copy_f32_c(float *out, const float *x, const struct bnn_tile *tile)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        bnn_memcpy((uint8_t *)out + p * tile->out_step, (const uint8_t *)x + p * tile->x_step, tile->channels * sizeof(float));
    }
}

/* A row of `bytes` >= `piece`, which is a constant of the callers, by pieces; the last one may overlap. */
static inline void copy_by(size_t piece, int8_t *out, const int8_t *x, size_t bytes)
{
    for (size_t i = 0; i + piece < bytes; i += piece) {
        bnn_memcpy(out + i, x + i, piece);
    }
    bnn_memcpy(out + bytes - piece, x + bytes - piece, piece);
}

/* Rows are short and there are many of them: up to 64 bytes go without a call. */
void bnn_copy_i8_c(int8_t *out, const int8_t *x, const struct bnn_tile *tile)
{
    const size_t bytes = tile->channels;
    for (size_t p = 0; p < tile->pixels; p++, out += tile->out_step, x += tile->x_step) {
        if (bytes < 4 || bytes > 64) {
            bnn_memcpy(out, x, bytes);
        } else if (bytes < 16) {
            copy_by(4, out, x, bytes);
        } else {
            copy_by(16, out, x, bytes);
        }
    }
}

void bnn_transpose_f32_c(float *out, const float *x, const struct bnn_tile *tile)
{
    /* Along the pixels: images have more of these than channels. */
    for (size_t c = 0; c < tile->channels; c++) {
        const float *row = (const float *)(const void *)((const uint8_t *)x + c * tile->x_step);
        uint8_t *to = (uint8_t *)(out + c);
        for (size_t p = 0; p < tile->pixels; p++, to += tile->out_step) {
            *(float *)(void *)to = row[p];
        }
    }
}
