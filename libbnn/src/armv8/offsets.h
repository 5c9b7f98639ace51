/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Byte offsets of the parameter structs of kernels.h, for assembly; cpu.c proves them.
 */
#ifndef BNN_ARMV8_OFFSETS_H
#define BNN_ARMV8_OFFSETS_H

#define THRESHOLD_THRESHOLD 0
#define THRESHOLD_FLIP 8

#define BCONV_ROWS 0
#define BCONV_ROW_COUNT 8
#define BCONV_TAPS 16
#define BCONV_TAP_STEP 24
#define BCONV_PIXEL_STEP 32

#define CHAIN_TAPS 0
#define CHAIN_WIDE 8
#define CHAIN_NARROW 16
#define CHAIN_PIXEL_STEP 24
#define CHAIN_ROW_STEP 32
#define CHAIN_WIDTH 40

#define ACC_AFFINE_BASE 0
#define ACC_AFFINE_MUL 8
#define ACC_AFFINE_ADD 16

#define TILE_PIXELS 0
#define TILE_CHANNELS 8
#define TILE_OUT_STEP 16
#define TILE_X_STEP 24

#endif
