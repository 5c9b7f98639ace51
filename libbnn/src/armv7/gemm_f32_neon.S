/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A panel of activations against a block of 8 outputs: tiles of 6 pixels, 12 sums in registers, two for each 12 pixels; what is left
 * in tiles of 4.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
panel           .req r1
w               .req r2
param           .req r3                 // until panel_step is known
panel_step      .req r3
pixels          .req r4
k               .req r5
out_step        .req r6
mul_at          .req r7
add_at          .req r8
next_a          .req r9                 // activations
next_w          .req r10
left            .req r11
half            .req lr

#define SAVED (64 + 36)                 /* d8-d15; r4-r11, lr */

// Activations d0, d1 of 4 pixels times weights q2, q3 of 8 outputs: sums, by vmla or, the first, vmul.
.macro products_4 op
        \op\().f32      q4, q2, d0[0]
        \op\().f32      q5, q3, d0[0]
        \op\().f32      q6, q2, d0[1]
        \op\().f32      q7, q3, d0[1]
        \op\().f32      q8, q2, d1[0]
        \op\().f32      q9, q3, d1[0]
        \op\().f32      q10, q2, d1[1]
        \op\().f32      q11, q3, d1[1]
.endm

// And those of 2 more in d2.
.macro products_6 op=vmla
        products_4      \op
        \op\().f32      q12, q2, d2[0]
        \op\().f32      q13, q3, d2[0]
        \op\().f32      q14, q2, d2[1]
        \op\().f32      q15, q3, d2[1]
.endm

.macro load_6
        vld1.32         {d0 - d2}, [next_a], panel_step
        vld1.32         {d4 - d7}, [next_w]!
.endm

.macro load_4
        vld1.32         {d0, d1}, [next_a], panel_step
        vld1.32         {d4 - d7}, [next_w]!
.endm

.macro step_6 op=vmla
        load_6
        products_6      \op
.endm

// q2, q3: mul; q0, q1: add
.macro scale lo, hi
        vmul.f32        \lo, \lo, q2
        vmul.f32        \hi, \hi, q3
.endm

.macro shift lo, hi
        vadd.f32        \lo, \lo, q0
        vadd.f32        \hi, \hi, q1
.endm

.macro each_of_4 op
        \op             q4, q5
        \op             q6, q7
        \op             q8, q9
        \op             q10, q11
.endm

.macro each_of_6 op
        each_of_4       \op
        \op             q12, q13
        \op             q14, q15
.endm

// sum * mul + add, rounded twice; without mul sum + 0, as sums that begin with a product may be -0.0.
.macro affine each
        vmov.i32        q0, #0
        vmov.i32        q1, #0
        cmp             mul_at, #0
        beq             1f
        vld1.32         {d4 - d7}, [mul_at]
        vld1.32         {d0 - d3}, [add_at]
        \each           scale
1:
        \each           shift
.endm

.macro zero lo, hi
        vmov.i32        \lo, #0
        vmov.i32        \hi, #0
.endm

/*yaml
name: bnn_gemm_f32_neon
slot: gemm_f32
arguments: {out: r0, panel: r1, w: r2, p: r3, pixels: stack0}
buffers:
  out: {access: write, bytes: "(pixels - 1) * p.out_step + 32 if pixels else 0"}
  panel: {access: read, bytes: "(p.k - 1) * p.panel_step + (pixels + 3) // 4 * 16 if p.k else 0"}
  w: {access: read, bytes: "32 * p.k"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: 32}
  p.add: {access: read, bytes: 32}
registers: [r0, r1, r3-r11, r14, q0-q15]
saved: [r4-r11, d8-d15]
stack: 104
*/
func bnn_gemm_f32_neon
        vpush           {d8 - d15}
        push            {r4 - r11, lr}
        ldr             pixels, [sp, #SAVED]
        ldr             k, [param, #GEMM_K]
        ldr             out_step, [param, #GEMM_OUT_STEP]
        ldr             mul_at, [param, #GEMM_MUL]
        ldr             add_at, [param, #GEMM_ADD]
        ldr             panel_step, [param, #GEMM_PANEL_STEP]
        subs            pixels, pixels, #12     // pixels left behind the next 12
        blo             20f
10:                                             // for each 12 pixels
        mov             half, #2
11:
        mov             next_a, panel
        mov             next_w, w
        subs            left, k, #1             // floats left behind the first
        blo             18f
        step_6          vmul
        subs            left, left, #8          // less the next 8
        blo             13f
12:
    .rept 8
        step_6
    .endr
        subs            left, left, #8
        bhs             12b
13:
        adds            left, left, #8
        beq             15f
14:
        step_6
        subs            left, left, #1
        bne             14b
15:
        affine          each_of_6
        vst1.32         {d8 - d11}, [out], out_step
        vst1.32         {d12 - d15}, [out], out_step
        vst1.32         {d16 - d19}, [out], out_step
        vst1.32         {d20 - d23}, [out], out_step
        vst1.32         {d24 - d27}, [out], out_step
        vst1.32         {d28 - d31}, [out], out_step
        add             panel, panel, #24
        subs            half, half, #1
        bne             11b
        subs            pixels, pixels, #12
        bhs             10b
20:
        adds            pixels, pixels, #12
        bne             21f
30:
        pop             {r4 - r11, lr}
        vpop            {d8 - d15}
        bx              lr
18:                                             // no floats at all
        each_of_6       zero
        b               15b
21:                                             // for each 4 pixels, or less
        mov             next_a, panel
        mov             next_w, w
        each_of_4       zero
        subs            left, k, #4
        blo             23f
22:
    .rept 4
        load_4
        products_4      vmla
    .endr
        subs            left, left, #4
        bhs             22b
23:
        adds            left, left, #4
        beq             25f
24:
        load_4
        products_4      vmla
        subs            left, left, #1
        bne             24b
25:
        affine          each_of_4
        vst1.32         {d8 - d11}, [out], out_step
        subs            pixels, pixels, #1
        beq             30b
        vst1.32         {d12 - d15}, [out], out_step
        subs            pixels, pixels, #1
        beq             30b
        vst1.32         {d16 - d19}, [out], out_step
        subs            pixels, pixels, #1
        beq             30b
        vst1.32         {d20 - d23}, [out], out_step
        add             panel, panel, #16
        subs            pixels, pixels, #1
        bne             21b
        b               30b
endfunc bnn_gemm_f32_neon

#endif
