/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Byte offsets of the parameter structs of kernels.h, for assembly; cpu.c proves them.
 */
#ifndef BNN_ARMV8_OFFSETS_H
#define BNN_ARMV8_OFFSETS_H

#define THRESHOLD_THRESHOLD 0
#define THRESHOLD_FLIP 8

#define BCONV_GROUPS 0
#define BCONV_GROUP_STEP 8
#define BCONV_ROWS 16
#define BCONV_ROW_STEP 24
#define BCONV_TAPS 32
#define BCONV_TAP_X 40
#define BCONV_LINE_STEP 48
#define BCONV_PHASES 56

#define CHAIN_TAPS 0
#define CHAIN_WIDE 8
#define CHAIN_NARROW 16
#define CHAIN_PIXEL_STEP 24
#define CHAIN_ROW_STEP 32
#define CHAIN_WIDTH 40

#define ACC_AFFINE_MUL 0
#define ACC_AFFINE_ADD 8
#define ACC_AFFINE_ODD 16

#define TILE_PIXELS 0
#define TILE_CHANNELS 8
#define TILE_OUT_STEP 16
#define TILE_X_STEP 24

#define PANEL_OFFSETS 0
#define PANEL_COUNT 8
#define PANEL_RUN 16
#define PANEL_STEP 24

#define GEMM_K 0
#define GEMM_PANEL_STEP 8
#define GEMM_OUT_STEP 16
#define GEMM_MUL 24
#define GEMM_ADD 32

#define DEPTHWISE_ROWS 0
#define DEPTHWISE_ROW_STEP 8
#define DEPTHWISE_TAPS 16
#define DEPTHWISE_TAP_STEP 24
#define DEPTHWISE_W_ROW_STEP 32
#define DEPTHWISE_W_TAP_STEP 40
#define DEPTHWISE_CHANNELS 48
#define DEPTHWISE_PIXEL_STEP 56
#define DEPTHWISE_OUT_STEP 64

#define POOL_ROWS 0
#define POOL_ROW_STEP 8
#define POOL_TAPS 16
#define POOL_TAP_STEP 24
#define POOL_CHANNELS 32
#define POOL_PIXEL_STEP 40
#define POOL_OUT_STEP 48
#define POOL_COUNT 56

#endif
