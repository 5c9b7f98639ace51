/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The proof of the offsets that an architecture's assembly uses: its cpu.c includes this behind its own offsets.h.
 */
#ifndef BNN_OFFSETS_CHECK_H
#define BNN_OFFSETS_CHECK_H

#include "kernels.h"

#define CHECK(type, field, offset) _Static_assert(offsetof(struct type, field) == (offset), #type "." #field)

CHECK(bnn_threshold, threshold, THRESHOLD_THRESHOLD);
CHECK(bnn_threshold, flip, THRESHOLD_FLIP);

CHECK(bnn_bconv, groups, BCONV_GROUPS);
CHECK(bnn_bconv, group_step, BCONV_GROUP_STEP);
CHECK(bnn_bconv, rows, BCONV_ROWS);
CHECK(bnn_bconv, row_step, BCONV_ROW_STEP);
CHECK(bnn_bconv, taps, BCONV_TAPS);
CHECK(bnn_bconv, tap_x, BCONV_TAP_X);
CHECK(bnn_bconv, line_step, BCONV_LINE_STEP);
CHECK(bnn_bconv, phases, BCONV_PHASES);

CHECK(bnn_chain, taps, CHAIN_TAPS);
CHECK(bnn_chain, wide, CHAIN_WIDE);
CHECK(bnn_chain, narrow, CHAIN_NARROW);
CHECK(bnn_chain, pixel_step, CHAIN_PIXEL_STEP);
CHECK(bnn_chain, row_step, CHAIN_ROW_STEP);
CHECK(bnn_chain, width, CHAIN_WIDTH);

CHECK(bnn_acc_affine, mul, ACC_AFFINE_MUL);
CHECK(bnn_acc_affine, add, ACC_AFFINE_ADD);
CHECK(bnn_acc_affine, odd, ACC_AFFINE_ODD);

CHECK(bnn_tile, pixels, TILE_PIXELS);
CHECK(bnn_tile, channels, TILE_CHANNELS);
CHECK(bnn_tile, out_step, TILE_OUT_STEP);
CHECK(bnn_tile, x_step, TILE_X_STEP);

CHECK(bnn_panel, offsets, PANEL_OFFSETS);
CHECK(bnn_panel, count, PANEL_COUNT);
CHECK(bnn_panel, run, PANEL_RUN);
CHECK(bnn_panel, step, PANEL_STEP);

CHECK(bnn_gemm, k, GEMM_K);
CHECK(bnn_gemm, panel_step, GEMM_PANEL_STEP);
CHECK(bnn_gemm, out_step, GEMM_OUT_STEP);
CHECK(bnn_gemm, mul, GEMM_MUL);
CHECK(bnn_gemm, add, GEMM_ADD);

CHECK(bnn_depthwise, rows, DEPTHWISE_ROWS);
CHECK(bnn_depthwise, row_step, DEPTHWISE_ROW_STEP);
CHECK(bnn_depthwise, taps, DEPTHWISE_TAPS);
CHECK(bnn_depthwise, tap_step, DEPTHWISE_TAP_STEP);
CHECK(bnn_depthwise, w_row_step, DEPTHWISE_W_ROW_STEP);
CHECK(bnn_depthwise, w_tap_step, DEPTHWISE_W_TAP_STEP);
CHECK(bnn_depthwise, channels, DEPTHWISE_CHANNELS);
CHECK(bnn_depthwise, pixel_step, DEPTHWISE_PIXEL_STEP);
CHECK(bnn_depthwise, out_step, DEPTHWISE_OUT_STEP);

CHECK(bnn_pool, rows, POOL_ROWS);
CHECK(bnn_pool, row_step, POOL_ROW_STEP);
CHECK(bnn_pool, taps, POOL_TAPS);
CHECK(bnn_pool, tap_step, POOL_TAP_STEP);
CHECK(bnn_pool, channels, POOL_CHANNELS);
CHECK(bnn_pool, pixel_step, POOL_PIXEL_STEP);
CHECK(bnn_pool, out_step, POOL_OUT_STEP);
CHECK(bnn_pool, count, POOL_COUNT);

#endif
