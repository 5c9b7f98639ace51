/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution: rows of taps, each tap one channel group of x against 8 outputs' weights.
 */
#include "xnor.h"

/* One pixel. `bytes` is a constant in all callers, which makes the loops over words constant too. */
static inline void bconv_pixel(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t bytes)
{
    struct bnn_counts counts = {.taps = 0};
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            const uint8_t *row = x + g * p->group_step + r * p->row_step;
            for (size_t t = 0; t < p->taps; t++) {
                bnn_counts_tap(&counts, acc, row + p->tap_x[t], w, BNN_WORDS(bytes));
                w += 8 * bytes;
            }
        }
    }
    bnn_counts_flush(&counts, acc, BNN_WORDS(bytes));
}

static inline void bconv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                         size_t pixels, size_t bytes, size_t pixel_step)
{
    for (size_t l = 0; l < lines; l++) {
        for (size_t i = 0; i < pixels; i++) {
            bconv_pixel(acc, x + l * p->line_step + i * pixel_step, w, p, bytes);
            acc += 8;
        }
    }
}

void bnn_bconv128_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bconv(acc, x, w, p, lines, pixels, 16, 16);
}

static void bconv64(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels,
                    size_t pixel_step)
{
    bconv(acc, x, w, p, lines, pixels, 8, pixel_step);
}

void bnn_bconv64_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bconv64(acc, x, w, p, lines, pixels, 8);
}

void bnn_bconv64x2_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bconv64(acc, x, w, p, lines, pixels, 16);
}
