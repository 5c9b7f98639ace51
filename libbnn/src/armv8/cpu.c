/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AArch64: the features of the cpu, and the proof of the offsets that assembly uses.
 */
#include "../kernels.h"

#if BNN_ARCH_ARMV8

#include "offsets.h"

_Static_assert(sizeof(size_t) == 8, "the assembly takes 64-bit sizes");

#define CHECK(type, field, offset) _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)

CHECK(bnn_threshold, threshold, THRESHOLD_THRESHOLD);
CHECK(bnn_threshold, flip, THRESHOLD_FLIP);

CHECK(bnn_row, x, 0);
CHECK(bnn_row, w, 4);
_Static_assert(sizeof(struct bnn_row) == 8, "rows are read as pairs of words");

CHECK(bnn_bconv, rows, BCONV_ROWS);
CHECK(bnn_bconv, row_count, BCONV_ROW_COUNT);
CHECK(bnn_bconv, taps, BCONV_TAPS);
CHECK(bnn_bconv, tap_step, BCONV_TAP_STEP);
CHECK(bnn_bconv, pixel_step, BCONV_PIXEL_STEP);

CHECK(bnn_chain, taps, CHAIN_TAPS);
CHECK(bnn_chain, wide, CHAIN_WIDE);
CHECK(bnn_chain, narrow, CHAIN_NARROW);
CHECK(bnn_chain, pixel_step, CHAIN_PIXEL_STEP);
CHECK(bnn_chain, row_step, CHAIN_ROW_STEP);
CHECK(bnn_chain, width, CHAIN_WIDTH);

CHECK(bnn_acc_affine, base, ACC_AFFINE_BASE);
CHECK(bnn_acc_affine, mul, ACC_AFFINE_MUL);
CHECK(bnn_acc_affine, add, ACC_AFFINE_ADD);

CHECK(bnn_tile, pixels, TILE_PIXELS);
CHECK(bnn_tile, channels, TILE_CHANNELS);
CHECK(bnn_tile, out_step, TILE_OUT_STEP);
CHECK(bnn_tile, x_step, TILE_X_STEP);

/* NEON is part of the architecture, with or without an operating system; optional extensions will be asked for here. */
uint32_t bnn_cpu_features(void)
{
    return BNN_CPU_NEON;
}

#endif
