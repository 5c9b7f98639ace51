/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense: one vector of bits against blocks of 8 outputs.
 */
#include "xnor.h"

static inline void bdense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step,
                          size_t bytes)
{
    struct bnn_counts counts = {.taps = 0};
    for (size_t b = 0; b < blocks; b++) {
        for (size_t v = 0; v < vectors; v++) {
            bnn_counts_tap(&counts, acc, x + bytes * v, w + 8 * bytes * v, BNN_WORDS(bytes));
        }
        bnn_counts_flush(&counts, acc, BNN_WORDS(bytes));
        w += block_step;
        acc += 8;
    }
}

void bnn_bdense128_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bdense(acc, x, w, vectors, blocks, block_step, 16);
}

void bnn_bdense64_c(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bdense(acc, x, w, vectors, blocks, block_step, 8);
}
