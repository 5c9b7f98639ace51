/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 64 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * Weights and sums stay in registers; activations are read where they lie. bconv.inc walks, xnor64.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define WGT_AHEAD (2 * 64)
#define GOES_ON 0
#include "bconv.inc"
#include "xnor64.inc"

// A step completes the third pixel before the one it begins.
.macro head load, a0, a1, a2
        step            sum4, \a0, \load
        step            sum5, \a1
        step            sum6, \a2
.endm

.macro rest load, a2, a3, a4, a5, a6
        step            sum0, \a3, \load
        step            sum1, \a4
        step            sum2, \a5
        step            sum3, \a6
.endm

.macro finish_7
        finish_sums     sum4, sum5, sum6
.endm

.macro first n, act
    .if \n == 1
        step            sum0, \act
    .else
        step            sum1, \act
    .endif
.endm

.macro others n, a1, a2, a3
    .if \n == 4
        step            sum2, \a1
        step            sum3, \a2
        step            sum0, \a3
    .elseif \n == 2
        step            sum0, \a1
    .endif
.endm

.macro finish n
    .if \n == 4
        finish_sums     sum1, sum2, sum3
    .elseif \n == 2
        finish_sums     sum1, sum0, sum1
    .else
        finish_sums     sum0, sum0, sum0
    .endif
.endm

// Activations: next_src stays until it goes to the next row, as a load that writes its address back keeps in-order cores waiting.
// So do two loads that follow each other.
.macro load_first
        ld1             {act0.16b - act3.16b}, [next_src]
.endm

.macro load_others part, by
    .if \part == 0
        ldp             quad4, quad5, [next_src, #4 * PIXEL_BYTES]
    .elseif \part == 3
        ldr             quad6, [next_src, #6 * PIXEL_BYTES]
    .endif
        go_on           \part, \by
.endm

.macro load_1 part, i, place, by
    .if \part == 0
        ldr             quad\i, [next_src, #\place * PIXEL_BYTES]
    .endif
        go_on           \part, \by
.endm

.macro load_2 part, i, j, place, by
    .if \part == 0
        ldp             quad\i, quad\j, [next_src, #\place * PIXEL_BYTES]
    .endif
        go_on           \part, \by
.endm

.macro go_on part, by
    .ifnb \by
    .if \part == 3
        add             next_src, next_src, \by
    .endif
    .endif
.endm

// The weights of the tap before the last.
.macro load_before part
    .if \part == 0
        ldp             q16, q17, [next_wgt, #-128]
    .elseif \part == 1
        ldp             q18, q19, [next_wgt, #-96]
    .endif
.endm

/*yaml
name: bnn_bconv64x2_neon
slot: bconv64x2
arguments: {acc: x0, x: x1, w: x2, p: x3, lines: x4, pixels: x5}
buffers:
  acc: {access: readwrite, bytes: "16 * lines * pixels"}
  x: {access: read, bytes: "(p.groups - 1) * p.group_step + (p.rows - 1) * p.row_step + (lines - 1) * p.line_step + max(p.tap_x)
      + 16 * pixels if lines and pixels else 0"}
  w: {access: read, bytes: "64 * p.groups * p.rows * p.taps if lines and pixels else 0"}
  p: {access: read, bytes: struct}
  p.tap_x: {access: read, bytes: "4 * p.taps"}
registers: [x0-x17, x19, x20, v0-v31]
saved: [x19, x20, d8-d15]
stack: 80
*/
func bnn_bconv64x2_neon
        bconv
endfunc bnn_bconv64x2_neon

#endif
