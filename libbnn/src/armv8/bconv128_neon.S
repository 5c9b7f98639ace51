/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 128 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * Weights and sums stay in registers; activations are read where they lie. bconv.inc walks, xnor128.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define GROUP_BYTES 16
#include "bconv.inc"
#include "xnor128.inc"

.macro first n, act
    .if \n == 7
        step            sum6, \act
    .elseif \n == 4
        step            sum3, \act
    .elseif \n == 2
        step            sum1, \act
    .else
        step            sum0, \act
    .endif
.endm

.macro others n, a1, a2, a3, a4, a5, a6
    .if \n > 1
        step            sum0, \a1
    .endif
    .if \n > 2
        step            sum1, \a2
        step            sum2, \a3
    .endif
    .if \n > 4
        step            sum3, \a4
        step            sum4, \a5
        step            sum5, \a6
    .endif
.endm

.macro finish n
    .if \n == 7
        finish_sum      sum6
    .elseif \n == 4
        finish_sum      sum3
    .elseif \n == 2
        finish_sum      sum1
    .else
        finish_sum      sum0
    .endif
.endm

.macro load_pixels n
        ld1             {act0.16b}, [next_src], pixel_step
    .if \n > 1
        ld1             {act1.16b}, [next_src], pixel_step
    .endif
    .if \n > 2
        ld1             {act2.16b}, [next_src], pixel_step
        ld1             {act3.16b}, [next_src], pixel_step
    .endif
    .if \n > 4
        ld1             {act4.16b}, [next_src], pixel_step
        ld1             {act5.16b}, [next_src], pixel_step
        ld1             {act6.16b}, [next_src], pixel_step
    .endif
.endm

.macro load_run taps
        ld1             {act0.16b - act3.16b}, [next_src], #64
    .if \taps == 1
        ld1             {act4.16b - act6.16b}, [next_src]
    .else
        ld1             {act4.16b - act7.16b}, [next_src], #64
        ld1             {act8.16b}, [next_src], #16
    .endif
.endm

.macro load_rest
        ld1             {act0.16b - act1.16b}, [next_src]
.endm

/*yaml
name: bnn_bconv128_neon
slot: bconv128
arguments: {acc: x0, x: x1, w: x2, p: x3, pixels: x4}
buffers:
  acc: {access: readwrite, bytes: "16 * pixels"}
  x: {access: read, bytes: "max(r.x for r in p.rows) + (pixels - 1) * p.pixel_step + (p.taps - 1) * p.tap_step + 16
      if pixels and p.taps and p.row_count else 0"}
  w: {access: read, bytes: "max(r.w for r in p.rows) + 128 * p.taps if pixels and p.taps and p.row_count else 0"}
  p: {access: read, bytes: struct}
  p.rows: {access: read, bytes: "8 * p.row_count"}
registers: [x0-x17, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_bconv128_neon
        bconv
endfunc bnn_bconv128_neon

#endif
