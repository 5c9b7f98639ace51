/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 64 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * Weights and sums stay in registers; activations are read where they lie. bconv.inc walks, xnor64.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define GROUP_BYTES 8
#define GROUP_BYTES_LOG2 3
#define WGT_AHEAD (2 * 64)
#define LONE_BYTES (7 * GROUP_BYTES)
#include "bconv.inc"
#include "xnor64.inc"

// A step completes the third pixel before the one it begins.
.macro head load, a0, a1, a2
        step            sum4, \a0, \load
        step            sum5, \a1
        step            sum6, \a2
.endm

.macro rest a2, a3, a4, a5, a6
        step            sum0, \a3
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

// The next activations, each twice.
.macro load_1 a, by=#1 * GROUP_BYTES
        ld1r            {\a\().2d}, [next_src], \by
.endm

.macro load_2 a, b, by=#2 * GROUP_BYTES
        ld2r            {\a\().2d, \b\().2d}, [next_src], \by
.endm

.macro load_3 a, b, c, by=#3 * GROUP_BYTES
        ld3r            {\a\().2d, \b\().2d, \c\().2d}, [next_src], \by
.endm

.macro load_4 a, b, c, d, by=#4 * GROUP_BYTES
        ld4r            {\a\().2d, \b\().2d, \c\().2d, \d\().2d}, [next_src], \by
.endm

.macro load_lone part
    .if \part == 2
        load_4          act0, act1, act2, act3
    .elseif \part == 4
        load_3          act4, act5, act6
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
name: bnn_bconv64_neon
slot: bconv64
arguments: {acc: x0, x: x1, w: x2, p: x3, lines: x4, pixels: x5}
buffers:
  acc: {access: readwrite, bytes: "16 * lines * pixels"}
  x: {access: read, bytes: "(p.groups - 1) * p.group_step + (p.rows - 1) * p.row_step + (lines - 1) * p.line_step + max(p.tap_x)
      + 8 * pixels if lines and pixels else 0"}
  w: {access: read, bytes: "64 * p.groups * p.rows * p.taps if lines and pixels else 0"}
  p: {access: read, bytes: struct}
  p.tap_x: {access: read, bytes: "4 * p.taps"}
registers: [x0-x17, x19, x20, v0-v31]
saved: [x19, x20, d8-d15]
stack: 80
*/
func bnn_bconv64_neon
        bconv
endfunc bnn_bconv64_neon

#endif
