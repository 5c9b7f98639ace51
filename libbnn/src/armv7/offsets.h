/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Byte offsets of the parameter structs of kernels.h, for assembly; cpu.c proves them.
 */
#ifndef BNN_ARMV7_OFFSETS_H
#define BNN_ARMV7_OFFSETS_H

#define THRESHOLD_THRESHOLD 0
#define THRESHOLD_FLIP 4

#define BCONV_GROUPS 0
#define BCONV_GROUP_STEP 4
#define BCONV_ROWS 8
#define BCONV_ROW_STEP 12
#define BCONV_TAPS 16
#define BCONV_TAP_X 20
#define BCONV_LINE_STEP 24
#define BCONV_PHASES 28

#define CHAIN_TAPS 0
#define CHAIN_WIDE 4
#define CHAIN_NARROW 8
#define CHAIN_PIXEL_STEP 12
#define CHAIN_ROW_STEP 16
#define CHAIN_WIDTH 20

#define ACC_AFFINE_MUL 0
#define ACC_AFFINE_ADD 4
#define ACC_AFFINE_ODD 8

#define TILE_PIXELS 0
#define TILE_CHANNELS 4
#define TILE_OUT_STEP 8
#define TILE_X_STEP 12

#define PANEL_OFFSETS 0
#define PANEL_COUNT 4
#define PANEL_RUN 8
#define PANEL_STEP 12

#define GEMM_K 0
#define GEMM_PANEL_STEP 4
#define GEMM_OUT_STEP 8
#define GEMM_MUL 12
#define GEMM_ADD 16

#define DEPTHWISE_ROWS 0
#define DEPTHWISE_ROW_STEP 4
#define DEPTHWISE_TAPS 8
#define DEPTHWISE_TAP_STEP 12
#define DEPTHWISE_W_ROW_STEP 16
#define DEPTHWISE_W_TAP_STEP 20
#define DEPTHWISE_CHANNELS 24
#define DEPTHWISE_PIXEL_STEP 28
#define DEPTHWISE_OUT_STEP 32

#define POOL_ROWS 0
#define POOL_ROW_STEP 4
#define POOL_TAPS 8
#define POOL_TAP_STEP 12
#define POOL_CHANNELS 16
#define POOL_PIXEL_STEP 20
#define POOL_OUT_STEP 24
#define POOL_COUNT 28

#endif
