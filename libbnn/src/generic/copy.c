/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of tiles of floats.
 */
#include "../kernels.h"

#include "../port.h"

void bnn_copy_f32_c(float *out, const float *x, const struct bnn_tile *tile)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        bnn_memcpy((uint8_t *)out + p * tile->out_step, (const uint8_t *)x + p * tile->x_step, tile->channels * sizeof(float));
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
