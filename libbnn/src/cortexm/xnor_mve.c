/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense layers with the vectors of ARMv8.1-M: panels, whose products are dot_mve.S.
 */
#include "panel.h"

#if BNN_ARCH_HAS_MVE

bnn_panel_dot_fn bnn_panel_dot128_mve, bnn_panel_dot64_mve;

void bnn_bconv128_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bnn_panel_bconv(acc, x, w, p, lines, pixels, 4, bnn_panel_dot128_mve);
}

void bnn_bconv64_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bnn_panel_bconv(acc, x, w, p, lines, pixels, 2, bnn_panel_dot64_mve);
}

void bnn_bdense128_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bnn_panel_bdense(acc, x, w, vectors, blocks, block_step, 4, bnn_panel_dot128_mve);
}

void bnn_bdense64_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bnn_panel_bdense(acc, x, w, vectors, blocks, block_step, 2, bnn_panel_dot64_mve);
}

#endif
