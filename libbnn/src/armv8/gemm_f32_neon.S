/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A panel of activations against a block of 8 outputs: tiles of 12 pixels, 24 sums in registers; what is left in tiles of 4.
 * docs/kernels.md, "AArch64", has the schedule.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
panel           .req x1
w               .req x2
param           .req x3
pixels          .req x4
k               .req x5
panel_step      .req x6
out_step        .req x7
mul             .req x8
add             .req x9
next_a          .req x10                        // activations
next_w          .req x11
left            .req x12
groups          .req x13                        // of 4 floats of k

// Activations v_a of 4 pixels times weights v_lo, v_hi of 8 outputs: sums, two vectors for each pixel, by fmla or, the first, fmul.
.macro products op, a, lo, hi, s0, s1, s2, s3, s4, s5, s6, s7
        \op             v\s0\().4s, v\lo\().4s, v\a\().s[0]
        \op             v\s1\().4s, v\hi\().4s, v\a\().s[0]
        \op             v\s2\().4s, v\lo\().4s, v\a\().s[1]
        \op             v\s3\().4s, v\hi\().4s, v\a\().s[1]
        \op             v\s4\().4s, v\lo\().4s, v\a\().s[2]
        \op             v\s5\().4s, v\hi\().4s, v\a\().s[2]
        \op             v\s6\().4s, v\lo\().4s, v\a\().s[3]
        \op             v\s7\().4s, v\hi\().4s, v\a\().s[3]
.endm

// The three fours of a tile's pixels.
.macro first a, lo, hi, op=fmla
        products        \op, \a, \lo, \hi, 8, 9, 10, 11, 12, 13, 14, 15
.endm

.macro second a, lo, hi, op=fmla
        products        \op, \a, \lo, \hi, 16, 17, 18, 19, 20, 21, 22, 23
.endm

.macro third a, lo, hi, op=fmla
        products        \op, \a, \lo, \hi, 24, 25, 26, 27, 28, 29, 30, 31
.endm

// 12 activations, in three vectors that are neighbours, and 8 weights.
.macro load_a a, b, c
        ld1             {v\a\().4s, v\b\().4s, v\c\().4s}, [next_a], panel_step
.endm

.macro load_w lo, hi
        ldp             q\lo, q\hi, [next_w], #32
.endm

.macro load_first
        load_a          4, 5, 6
        load_w          0, 1
.endm

// Four floats of k. Activations and weights of the next one are loaded into registers as soon as these are free; after four
// the same registers have their turn. It begins with what load_first loads and, unless it is the end, ends with that. `op` is that
// of the first float.
.macro four end=0, op=fmla
        first           4, 0, 1, \op
        load_a          2, 3, 4
        third           6, 0, 1, \op
        load_w          6, 7
        second          5, 0, 1, \op

        load_w          0, 1
        second          3, 6, 7
        third           4, 6, 7
        load_a          3, 4, 5
        first           2, 6, 7

        third           5, 0, 1
        load_a          5, 6, 7
        first           3, 0, 1
        load_w          2, 3
        second          4, 0, 1

    .if \end == 0
        load_w          0, 1
    .endif
        first           5, 2, 3
        second          6, 2, 3
    .if \end == 0
        load_a          4, 5, 6
    .endif
        third           7, 2, 3
.endm

// `op` on the sums of 4 pixels, or 12: outputs 0-3, outputs 4-7.
.macro each_of_4 op
    .irp n, 8, 10, 12, 14
        \op             \n
    .endr
    .irp n, 9, 11, 13, 15
        \op             \n, hi
    .endr
.endm

.macro each_of_12 op
        each_of_4       \op
    .irp n, 16, 18, 20, 22, 24, 26, 28, 30
        \op             \n
    .endr
    .irp n, 17, 19, 21, 23, 25, 27, 29, 31
        \op             \n, hi
    .endr
.endm

.macro zero n, half
        movi            v\n\().4s, #0
.endm

// v0, v1: mul; v2, v3: add
.macro scale n, half
    .ifb \half
        fmul            v\n\().4s, v\n\().4s, v0.4s
    .else
        fmul            v\n\().4s, v\n\().4s, v1.4s
    .endif
.endm

.macro shift n, half
    .ifb \half
        fadd            v\n\().4s, v\n\().4s, v2.4s
    .else
        fadd            v\n\().4s, v\n\().4s, v3.4s
    .endif
.endm

// sum * mul + add of the sums that `each` goes through, rounded twice: not fmla; without mul sum + 0, as sums that begin with a
// product may be -0.0.
.macro affine each
        movi            v2.4s, #0
        movi            v3.4s, #0
        cbz             mul, 1f
        ldp             q0, q1, [mul]
        ldp             q2, q3, [add]
        \each           scale
1:
        \each           shift
.endm

.macro store a, b
        st1             {v\a\().4s, v\b\().4s}, [out], out_step
.endm

/*yaml
name: bnn_gemm_f32_neon
slot: gemm_f32
arguments: {out: x0, panel: x1, w: x2, p: x3, pixels: x4}
buffers:
  out: {access: write, bytes: "(pixels - 1) * p.out_step + 32 if pixels else 0"}
  panel: {access: read, bytes: "(p.k - 1) * p.panel_step + (pixels + 3) // 4 * 16 if p.k else 0"}
  w: {access: read, bytes: "32 * p.k"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: 32}
  p.add: {access: read, bytes: 32}
registers: [x0, x1, x4-x13, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_gemm_f32_neon
        save_d8_d15
        ldp             k, panel_step, [param, #GEMM_K]
        ldp             out_step, mul, [param, #GEMM_OUT_STEP]
        ldr             add, [param, #GEMM_ADD]
        subs            pixels, pixels, #12     // pixels left behind the next 12
        b.lo            20f
10:                                             // for each tile of 12
        mov             next_a, panel
        mov             next_w, w
        lsr             groups, k, #2
        ands            left, k, #3
        cbz             groups, 16f
        load_first
        four            end=1, op=fmul
        subs            groups, groups, #1
        b.eq            14f
        load_first
        subs            groups, groups, #5      // less the next four fours and the last
        b.lo            12f
11:
        four
        four
        four
        four
        subs            groups, groups, #4
        b.hs            11b
12:
        adds            groups, groups, #4      // less the last
        b.eq            13f
17:
        four
        subs            groups, groups, #1
        b.ne            17b
13:
        four            end=1
14:
        cbz             left, 18f
15:                                             // what is left of k
        load_first
        first           4, 0, 1
        second          5, 0, 1
        third           6, 0, 1
        subs            left, left, #1
        b.ne            15b
18:
        affine          each_of_12
        store           8, 9
        store           10, 11
        store           12, 13
        store           14, 15
        store           16, 17
        store           18, 19
        store           20, 21
        store           22, 23
        store           24, 25
        store           26, 27
        store           28, 29
        store           30, 31
        add             panel, panel, #48
        subs            pixels, pixels, #12
        b.hs            10b
20:
        adds            pixels, pixels, #12
        b.ne            21f
30:
        restore_d8_d15
        ret
16:                                             // less than 4 floats
        each_of_12      zero
        cbnz            left, 15b
        b               18b
21:                                             // for each tile of 4, or of less
        mov             next_a, panel
        mov             next_w, w
        each_of_4       zero
        lsr             groups, k, #2
        ands            left, k, #3
        b.eq            23f
22:
        ld1             {v4.4s}, [next_a], panel_step
        load_w          0, 1
        first           4, 0, 1
        subs            left, left, #1
        b.ne            22b
23:
        cbz             groups, 25f
24:
        ld1             {v4.4s}, [next_a], panel_step
        ld1             {v16.4s - v19.4s}, [next_w], #64
        ld1             {v5.4s}, [next_a], panel_step
        first           4, 16, 17
        ld1             {v6.4s}, [next_a], panel_step
        ld1             {v20.4s - v23.4s}, [next_w], #64
        first           5, 18, 19
        ld1             {v7.4s}, [next_a], panel_step
        first           6, 20, 21
        subs            groups, groups, #1
        first           7, 22, 23
        b.ne            24b
25:
        affine          each_of_4
        store           8, 9
        subs            pixels, pixels, #1
        b.eq            30b
        store           10, 11
        subs            pixels, pixels, #1
        b.eq            30b
        store           12, 13
        subs            pixels, pixels, #1
        b.eq            30b
        store           14, 15
        add             panel, panel, #16
        subs            pixels, pixels, #1
        b.ne            21b
        b               30b
endfunc bnn_gemm_f32_neon

#endif
