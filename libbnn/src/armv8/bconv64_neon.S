/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 64 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * A vector holds the 64-bit weights of two outputs, and an activation twice, so nothing is padded: a tap of a pixel costs 4 eor
 * + 4 cnt + 3 addp + 1 uadalp for its 8 x 64 products. The addp tree gives two bytes per output, in the order of the outputs.
 *
 * In-order cores: no vector instruction depends on one of the 3 before it, save at the ends of a tile. So that this holds, three
 * pixels are on their way at once (macro step), over the bounds of taps and rows.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define GROUP_BYTES 8
#include "bconv.inc"

// v16-v19: weights, two outputs each; v24-v27: differences and their counts; v28-v30: their sums.
wgt0            .req v16                        // outputs 0, 1
wgt1            .req v17
wgt2            .req v18
wgt3            .req v19
cnt0            .req v24
cnt1            .req v25
cnt2            .req v26
cnt3            .req v27
half0           .req v28                        // 4 bytes per output: outputs 0-3
half1           .req v29                        // outputs 4-7
both            .req v30                        // 2 bytes per output

// cnt = act ^ wgt
.macro differ act
        eor             cnt0.16b, \act\().16b, wgt0.16b
        eor             cnt1.16b, \act\().16b, wgt1.16b
        eor             cnt2.16b, \act\().16b, wgt2.16b
        eor             cnt3.16b, \act\().16b, wgt3.16b
.endm

// cnt = ones in each byte of it
.macro count
        cnt             cnt0.16b, cnt0.16b
        cnt             cnt1.16b, cnt1.16b
        cnt             cnt2.16b, cnt2.16b
        cnt             cnt3.16b, cnt3.16b
.endm

// Sums of neighbouring bytes.
.macro pairs_of_counts
        addp            half0.16b, cnt0.16b, cnt1.16b
        addp            half1.16b, cnt2.16b, cnt3.16b
.endm

.macro pairs_of_halves
        addp            both.16b, half0.16b, half1.16b
.endm

// sum[j] += popcount(x ^ w[j])
.macro add_to sum
        uadalp          \sum\().8h, both.16b
.endm

// Begins the chain with the first pixel's activation; the two pixels before it are nothing.
.macro begin act
        movi            half0.16b, #0
        movi            half1.16b, #0
        movi            both.16b, #0
        differ          \act
.endm

// Begins the pixel whose activation is `next`, goes on with the two before it, and adds the third before it to its sum.
.macro step sum, next
        count
        add_to          \sum
        pairs_of_halves
        pairs_of_counts
        differ          \next
.endm

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

// Ends the chain: the sums of its last three pixels.
.macro finish_sums s1, s2, s3
        count
        add_to          \s1
        pairs_of_halves
        pairs_of_counts
        add_to          \s2
        pairs_of_halves
        add_to          \s3
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

.macro load_weights
        ld1             {wgt0.16b - wgt3.16b}, [tap_wgt], #64
.endm

.macro load_pixels n
        ld1r            {act0.2d}, [tap_src], pixel_step
    .if \n > 1
        ld1r            {act1.2d}, [tap_src], pixel_step
    .endif
    .if \n > 2
        ld1r            {act2.2d}, [tap_src], pixel_step
        ld1r            {act3.2d}, [tap_src], pixel_step
    .endif
    .if \n > 4
        ld1r            {act4.2d}, [tap_src], pixel_step
        ld1r            {act5.2d}, [tap_src], pixel_step
        ld1r            {act6.2d}, [tap_src], pixel_step
    .endif
.endm

.macro load_run taps
        ld4r            {act0.2d - act3.2d}, [tap_src], #32
    .if \taps == 1
        ld3r            {act4.2d - act6.2d}, [tap_src]
    .else
        ld4r            {act4.2d - act7.2d}, [tap_src], #32
        ld1r            {act8.2d}, [tap_src], #8
    .endif
.endm

.macro load_rest
        ld2r            {act0.2d - act1.2d}, [tap_src]
.endm

/*yaml
name: bnn_bconv64_neon
slot: bconv64
arguments: {acc: x0, x: x1, w: x2, p: x3, pixels: x4}
buffers:
  acc: {access: read write, bytes: "16 * pixels"}
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
