/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Float convolution of a block of up to 8 outputs. TILE pixels are computed together: every weight is loaded once for all of
 * them, and their sums are independent of each other. The 8 outputs are two vectors of 4, which gcc and clang lower to what
 * the machine has.
 */
#include "../kernels.h"

#define TILE 4

typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_bits __attribute__((vector_size(16)));
typedef float quad_in_memory __attribute__((vector_size(16), aligned(4), may_alias));

struct weights {
    quad low, high; /* outputs 0-3, 4-7 */
};

typedef void load_weights(struct weights *to, const uint8_t *w, size_t index, size_t lanes);

/* Float weights of one tap and channel; outputs that are not there get 0, and are not stored in the end. */
static inline void load_f32(struct weights *to, const uint8_t *w, size_t index, size_t lanes)
{
    const float *from = (const float *)(const void *)w + index * lanes;
    if (lanes == 8) {
        to->low = *(const quad_in_memory *)from;
        to->high = *(const quad_in_memory *)(from + 4);
        return;
    }
    float row[8] = {0};
    for (size_t j = 0; j < lanes; j++) {
        row[j] = from[j];
    }
    to->low = *(const quad_in_memory *)row;
    to->high = *(const quad_in_memory *)(row + 4);
}

/* Binary weights: 1.0 with the sign bit set where the output's bit is. */
static inline void load_sign(struct weights *to, const uint8_t *w, size_t index, size_t lanes)
{
    const quad_bits one = {0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000};
    const quad_bits low = {1, 2, 4, 8};
    const int32_t bits = w[index];
    (void)lanes;
    to->low = (quad)(one | (((bits & low) != 0) & INT32_MIN));
    to->high = (quad)(one | (((bits & (low << 4)) != 0) & INT32_MIN));
}

/* `load`, and in the fast cases `pixels` and `lanes`, are constants of the callers. */
static inline void conv_tile(float *acc, const uint8_t *x, const uint8_t *w, const struct bnn_conv *p, size_t pixels,
                             size_t lanes, load_weights *load)
{
    struct weights sums[TILE] = {{{0}, {0}}};
    for (size_t r = 0; r < p->row_count; r++) {
        const uint8_t *row_w = w + p->rows[r].w;
        for (size_t t = 0; t < p->taps; t++) {
            const uint8_t *tap_x = x + p->rows[r].x + t * p->tap_step;
            for (size_t c = 0; c < p->channels; c++) {
                struct weights weight;
                load(&weight, row_w, t * p->channels + c, lanes);
                for (size_t i = 0; i < pixels; i++) {
                    const float value = ((const float *)(const void *)(tap_x + i * p->pixel_step))[c];
                    sums[i].low += value * weight.low;
                    sums[i].high += value * weight.high;
                }
            }
        }
    }
    for (size_t i = 0; i < pixels; i++) {
        for (size_t j = 0; j < lanes; j++) {
            acc[8 * i + j] += j < 4 ? sums[i].low[j] : sums[i].high[j - 4];
        }
    }
}

static inline void conv(float *acc, const uint8_t *x, const uint8_t *w, const struct bnn_conv *p, size_t pixels, size_t lanes,
                        load_weights *load)
{
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

void bnn_conv_f32_c(float *acc, const float *x, const float *w, const struct bnn_conv *p, size_t pixels, size_t lanes)
{
    if (lanes == 8) {
        conv(acc, (const uint8_t *)x, (const uint8_t *)w, p, pixels, 8, load_f32);
    } else {
        conv(acc, (const uint8_t *)x, (const uint8_t *)w, p, pixels, lanes, load_f32);
    }
}

void bnn_conv_sign_c(float *acc, const float *x, const uint8_t *w, const struct bnn_conv *p, size_t pixels, size_t lanes)
{
    conv(acc, (const uint8_t *)x, w, p, pixels, lanes, load_sign);
}
