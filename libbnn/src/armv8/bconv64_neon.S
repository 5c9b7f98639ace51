/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 64 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * Weights and sums stay in registers; activations are read where they lie. bconv.inc walks, xnor64.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define GROUP_BYTES 8
#include "bconv.inc"
#include "xnor64.inc"

.macro first n, act
    .if \n == 7
        step            sum4, \act
    .elseif \n == 4
        step            sum1, \act
    .elseif \n == 2
        step            sum1, \act
    .else
        step            sum0, \act
    .endif
.endm

.macro others n, a1, a2, a3, a4, a5, a6
    .if \n == 7
        step            sum5, \a1
        step            sum6, \a2
        step            sum0, \a3
        step            sum1, \a4
        step            sum2, \a5
        step            sum3, \a6
    .elseif \n == 4
        step            sum2, \a1
        step            sum3, \a2
        step            sum0, \a3
    .elseif \n == 2
        step            sum0, \a1
    .endif
.endm

.macro finish n
    .if \n == 7
        finish_sums     sum4, sum5, sum6
    .elseif \n == 4
        finish_sums     sum1, sum2, sum3
    .elseif \n == 2
        finish_sums     sum1, sum0, sum1
    .else
        finish_sums     sum0, sum0, sum0
    .endif
.endm

.macro load_pixels n
        ld1r            {act0.2d}, [next_src], pixel_step
    .if \n > 1
        ld1r            {act1.2d}, [next_src], pixel_step
    .endif
    .if \n > 2
        ld1r            {act2.2d}, [next_src], pixel_step
        ld1r            {act3.2d}, [next_src], pixel_step
    .endif
    .if \n > 4
        ld1r            {act4.2d}, [next_src], pixel_step
        ld1r            {act5.2d}, [next_src], pixel_step
        ld1r            {act6.2d}, [next_src], pixel_step
    .endif
.endm

.macro load_run taps
        ld4r            {act0.2d - act3.2d}, [next_src], #32
    .if \taps == 1
        ld3r            {act4.2d - act6.2d}, [next_src]
    .else
        ld4r            {act4.2d - act7.2d}, [next_src], #32
        ld1r            {act8.2d}, [next_src], #8
    .endif
.endm

.macro load_rest
        ld2r            {act0.2d - act1.2d}, [next_src]
.endm

/*yaml
name: bnn_bconv64_neon
slot: bconv64
arguments: {acc: x0, x: x1, w: x2, p: x3, pixels: x4}
buffers:
  acc: {access: readwrite, bytes: "16 * pixels"}
  x: {access: read, bytes: "max(r.x for r in p.rows) + (pixels - 1) * p.pixel_step + (p.taps - 1) * p.tap_step + 8
      if pixels and p.taps and p.row_count else 0"}
  w: {access: read, bytes: "max(r.w for r in p.rows) + 64 * p.taps if pixels and p.taps and p.row_count else 0"}
  p: {access: read, bytes: struct}
  p.rows: {access: read, bytes: "8 * p.row_count"}
registers: [x0-x17, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_bconv64_neon
        bconv
endfunc bnn_bconv64_neon

#endif
