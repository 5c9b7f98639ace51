/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution: rows of taps, each tap one channel group of x against 8 outputs' weights.
 */
#include "xnor.h"

/* `bytes` is a constant in both callers, which makes the loops over words constant too. */
static inline void bconv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t pixels,
                         size_t bytes)
{
    struct bnn_counts counts = {.taps = 0};
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        for (size_t r = 0; r < p->row_count; r++) {
            const uint8_t *row_x = x + p->rows[r].x;
            const uint8_t *row_w = w + p->rows[r].w;
            for (size_t t = 0; t < p->taps; t++) {
                bnn_counts_tap(&counts, acc, row_x + t * p->tap_step, row_w + 8 * bytes * t, BNN_WORDS(bytes));
            }
        }
        bnn_counts_flush(&counts, acc, BNN_WORDS(bytes));
        x += p->pixel_step;
        acc += 8;
    }
}

void bnn_bconv128_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t pixels)
{
    bconv(acc, x, w, p, pixels, 16);
}

void bnn_bconv64_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t pixels)
{
    bconv(acc, x, w, p, pixels, 8);
}
