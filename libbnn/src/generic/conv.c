/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Float convolution of a block of up to 8 outputs. TILE pixels are computed together: every weight is loaded once for all of
 * them, and their sums are independent of each other.
 */
#include "../kernels.h"

#define TILE 4

typedef float tile_sums[TILE][8];

/* sums[p][j] += x of pixel p * weight[j] for one tap and channel. */
static inline void add_products(tile_sums sums, const uint8_t *x, const float weight[8], size_t pixel_step, size_t pixels) {
    for (size_t p = 0; p < pixels; p++) {
        const float value = *(const float *)(const void *)(x + p * pixel_step);
        for (size_t j = 0; j < 8; j++) {
            sums[p][j] += value * weight[j];
        }
    }
}

/* Weights of one tap and channel as 8 floats; lanes that are not there are 0 and are not stored in the end. */
static inline void load_f32(float weight[8], const void *w, size_t index, size_t lanes) {
    for (size_t j = 0; j < 8; j++) {
        weight[j] = j < lanes ? ((const float *)w)[index * lanes + j] : 0.0F;
    }
}

static inline void load_sign(float weight[8], const void *w, size_t index, size_t lanes) {
    const unsigned signs = ((const uint8_t *)w)[index];
    (void)lanes;
    for (size_t j = 0; j < 8; j++) {
        weight[j] = (signs & (1U << j)) != 0 ? -1.0F : 1.0F;
    }
}

typedef void load_weights(float weight[8], const void *w, size_t index, size_t lanes);

/* `load` and often `pixels` and `lanes` are constants in the callers, which makes the loops over pixels and lanes constant. */
static inline void conv_tile(float *acc, const uint8_t *x, const uint8_t *w, const struct bnn_conv *p, size_t pixels,
                             size_t lanes, load_weights *load) {
    tile_sums sums = {{0}};
    for (size_t r = 0; r < p->row_count; r++) {
        const void *row_w = w + p->rows[r].w;
        for (size_t t = 0; t < p->taps; t++) {
            const uint8_t *tap_x = x + p->rows[r].x + t * p->tap_step;
            for (size_t c = 0; c < p->channels; c++) {
                float weight[8];
                load(weight, row_w, t * p->channels + c, lanes);
                add_products(sums, tap_x + 4 * c, weight, p->pixel_step, pixels);
            }
        }
    }
    for (size_t i = 0; i < pixels; i++) {
        for (size_t j = 0; j < lanes; j++) {
            acc[8 * i + j] += sums[i][j];
        }
    }
}

static inline void conv(float *acc, const uint8_t *x, const uint8_t *w, const struct bnn_conv *p, size_t pixels,
                        size_t lanes, load_weights *load) {
    for (; pixels >= TILE; pixels -= TILE) {
        conv_tile(acc, x, w, p, TILE, lanes, load);
        x += TILE * p->pixel_step;
        acc += TILE * 8;
    }
    for (; pixels > 0; pixels--) {
        conv_tile(acc, x, w, p, 1, lanes, load);
        x += p->pixel_step;
        acc += 8;
    }
}

void bnn_conv_f32_c(float *acc, const float *x, const float *w, const struct bnn_conv *p, size_t pixels, size_t lanes) {
    if (lanes == 8) {
        conv(acc, (const uint8_t *)x, (const uint8_t *)w, p, pixels, 8, load_f32);
    } else {
        conv(acc, (const uint8_t *)x, (const uint8_t *)w, p, pixels, lanes, load_f32);
    }
}

void bnn_conv_sign_c(float *acc, const float *x, const uint8_t *w, const struct bnn_conv *p, size_t pixels, size_t lanes) {
    conv(acc, (const uint8_t *)x, w, p, pixels, lanes, load_sign);
}
