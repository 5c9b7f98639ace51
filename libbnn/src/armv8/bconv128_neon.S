/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 128 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * Weights and sums stay in registers; activations are read where they lie. bconv.inc walks, xnor128.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define WGT_AHEAD (2 * 128 - 64)
#define GOES_ON PIXEL_BYTES
#include "bconv.inc"

low             .req v14
high            .req v15

#include "xnor128.inc"

// A step completes the second pixel before the one it begins.
.macro head load, a0, a1, a2
        step            sum5, \a0, \load
        step            sum6, \a1
.endm

.macro rest load, a2, a3, a4, a5, a6
        step            sum0, \a2, \load
        step            sum1, \a3
        step            sum2, \a4
        step            sum3, \a5
        step            sum4, \a6
.endm

.macro finish_7
        finish_sums     sum5, sum6
.endm

.macro first n, act
    .if \n == 4
        step            sum2, \act
    .else
        step            sum0, \act
    .endif
.endm

.macro others n, a1, a2, a3
    .if \n == 4
        step            sum3, \a1
        step            sum0, \a2
        step            sum1, \a3
    .elseif \n == 2
        step            sum1, \a1
    .endif
.endm

.macro finish n
    .if \n == 4
        finish_sums     sum2, sum3
    .elseif \n == 2
        finish_sums     sum0, sum1
    .else
        finish_sums     sum0, sum0
    .endif
.endm

// Activations: one instruction for several of them.
.macro load_first
        ld1             {act0.16b - act3.16b}, [next_src], #4 * PIXEL_BYTES
.endm

.macro load_others part, by=#3 * PIXEL_BYTES
    .if \part == 0
        ld1             {act4.16b - act6.16b}, [next_src], \by
    .endif
.endm

.macro load_1 part, i, place, by
    .if \part == 0
        ld1             {act\i\().16b}, [next_src], \by
    .endif
.endm

.macro load_2 part, i, j, place, by=#2 * PIXEL_BYTES
    .if \part == 0
        ld1             {act\i\().16b - act\j\().16b}, [next_src], \by
    .endif
.endm

// The weights of the tap before the last.
.macro load_before part
    .if \part == 0
        ldp             q16, q17, [next_wgt, #-256]
    .elseif \part == 1
        ldp             q18, q19, [next_wgt, #-224]
    .elseif \part == 2
        ldp             q20, q21, [next_wgt, #-192]
    .else
        ldp             q22, q23, [next_wgt, #-160]
    .endif
.endm

/*yaml
name: bnn_bconv128_neon
slot: bconv128
arguments: {acc: x0, x: x1, w: x2, p: x3, lines: x4, pixels: x5}
buffers:
  acc: {access: readwrite, bytes: "16 * lines * pixels"}
  x: {access: read, bytes: "(p.groups - 1) * p.group_step + (p.rows - 1) * p.row_step + (lines - 1) * p.line_step + max(p.tap_x)
      + 16 * pixels if lines and pixels else 0"}
  w: {access: read, bytes: "128 * p.groups * p.rows * p.taps if lines and pixels else 0"}
  p: {access: read, bytes: struct}
  p.tap_x: {access: read, bytes: "4 * p.taps"}
registers: [x0-x17, x19, x20, v0-v31]
saved: [x19, x20, d8-d15]
stack: 80
*/
func bnn_bconv128_neon
        bconv
endfunc bnn_bconv128_neon

#endif
