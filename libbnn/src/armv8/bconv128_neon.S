/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, groups of 128 channels: 8 outputs x 7 pixels at a time, then 4, 2 and 1.
 *
 * A tap of a pixel costs 8 eor + 8 cnt + 7 addp + 1 uadalp for its 8 x 128 products: the addp tree turns 8 vectors of byte
 * counts into one vector with two bytes per output, in the order of the outputs, and uadalp adds these pairs to the pixel's
 * eight 16-bit sums. Weights and sums stay in registers; activations are read where they lie.
 *
 * In-order cores: no vector instruction depends on one of the 3 before it, save at the end of a tile. So that this holds, the
 * tree of a pixel is mixed with the eors of the next one (macro step), over the bounds of taps and rows.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define GROUP_BYTES 16
#include "bconv.inc"

// v16-v23: weights of 8 outputs; v24-v31: differences, counts, their sums.
wgt0            .req v16
wgt1            .req v17
wgt2            .req v18
wgt3            .req v19
wgt4            .req v20
wgt5            .req v21
wgt6            .req v22
wgt7            .req v23
cnt0            .req v24
cnt1            .req v25
cnt2            .req v26
cnt3            .req v27
cnt4            .req v28
cnt5            .req v29
cnt6            .req v30
cnt7            .req v31

// cnt_j = act ^ wgt_j
.macro differ j, act
        eor             cnt\j\().16b, \act\().16b, wgt\j\().16b
.endm

// cnt_j = ones in each byte of it
.macro count j
        cnt             cnt\j\().16b, cnt\j\().16b
.endm

// cnt_i = sums of neighbouring bytes of cnt_i and cnt_j
.macro pairs i, j
        addp            cnt\i\().16b, cnt\i\().16b, cnt\j\().16b
.endm

// Begins the chain with the first pixel's activation.
.macro begin act
        differ          1, \act
        differ          3, \act
        differ          5, \act
        differ          7, \act
        differ          6, \act
        differ          2, \act
        differ          4, \act
        count           1
        count           3
        count           5
        differ          0, \act
.endm

// Counts the pixel that was begun before, adds it to its sum, and begins the pixel whose activation is `next`. All weights
// are free for the next tap afterwards.
.macro step sum, next
        count           7
        count           2
        count           6
        count           4
        count           0
        pairs           2, 3
        pairs           6, 7
        pairs           4, 5
        pairs           0, 1
        differ          1, \next
        differ          3, \next
        pairs           4, 6
        pairs           0, 2
        differ          5, \next
        differ          7, \next
        differ          6, \next
        differ          2, \next
        pairs           0, 4                    // two bytes per output
        differ          4, \next
        count           1
        count           3
        count           5
        uadalp          \sum\().8h, cnt0.16b    // sum[j] += popcount(x ^ w[j])
        differ          0, \next
.endm

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

// Counts the last pixel and ends the chain.
.macro finish_sum sum
        count           7
        count           2
        count           6
        count           4
        count           0
        pairs           2, 3
        pairs           6, 7
        pairs           4, 5
        pairs           0, 1
        pairs           4, 6
        pairs           0, 2
        pairs           0, 4
        uadalp          \sum\().8h, cnt0.16b
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

.macro load_weights
        ld1             {wgt0.16b - wgt3.16b}, [tap_wgt], #64
        ld1             {wgt4.16b - wgt7.16b}, [tap_wgt], #64
.endm

.macro load_pixels n
        ld1             {act0.16b}, [tap_src], pixel_step
    .if \n > 1
        ld1             {act1.16b}, [tap_src], pixel_step
    .endif
    .if \n > 2
        ld1             {act2.16b}, [tap_src], pixel_step
        ld1             {act3.16b}, [tap_src], pixel_step
    .endif
    .if \n > 4
        ld1             {act4.16b}, [tap_src], pixel_step
        ld1             {act5.16b}, [tap_src], pixel_step
        ld1             {act6.16b}, [tap_src], pixel_step
    .endif
.endm

.macro load_run taps
        ld1             {act0.16b - act3.16b}, [tap_src], #64
    .if \taps == 1
        ld1             {act4.16b - act6.16b}, [tap_src]
    .else
        ld1             {act4.16b - act7.16b}, [tap_src], #64
        ld1             {act8.16b}, [tap_src], #16
    .endif
.endm

.macro load_rest
        ld1             {act0.16b - act1.16b}, [tap_src]
.endm

/*yaml
name: bnn_bconv128_neon
slot: bconv128
arguments: {acc: x0, x: x1, w: x2, p: x3, pixels: x4}
buffers:
  acc: {access: read write, bytes: "16 * pixels"}
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
