/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense layers with words: panels, whose products are dot_thumb2.S, on ARMv6-M dot_thumb.c.
 */
#include "panel.h"

#if BNN_ARCH_CORTEXM

bnn_panel_dot_fn bnn_panel_dot128_thumb, bnn_panel_dot64_thumb;

void bnn_bconv128_thumb(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                        size_t pixels)
{
    bnn_panel_bconv(acc, x, w, p, lines, pixels, 4, bnn_panel_dot128_thumb);
}

void bnn_bconv64_thumb(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                       size_t pixels)
{
    bnn_panel_bconv(acc, x, w, p, lines, pixels, 2, bnn_panel_dot64_thumb);
}

void bnn_bdense128_thumb(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bnn_panel_bdense(acc, x, w, vectors, blocks, block_step, 4, bnn_panel_dot128_thumb);
}

void bnn_bdense64_thumb(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bnn_panel_bdense(acc, x, w, vectors, blocks, block_step, 2, bnn_panel_dot64_thumb);
}

#endif
