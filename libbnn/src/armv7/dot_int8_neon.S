/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers, with weights of 8 bits or of one. See armv8/dot_s8_neon.S and dot_sign_neon.S: the same, but
 * most bits of binary weights are shifted to the top instead of tested where they are, which saves registers.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

acc             .req r0
src             .req r1
weights         .req r2
count           .req r3
pixels          .req r4
lanes           .req r5
w_at            .req r6
left            .req r7
w_first         .req r8
lane            .req r9
step            .req r10
x_at            .req r12

// Adds the products of x, x_high and a vector of weights of 4 outputs to the 4 sums of each. Registers of weights that were used
// take products; no sum waits for the product before it.
.macro add_four x, x_high, a, b, c, d
        vldm            w_at!, {d0 - d7}
        vmull.s8        q6, \x, d0
        vmull.s8        q7, \x, d2
        vmlal.s8        q6, \x_high, d1
        vmlal.s8        q7, \x_high, d3
        vmull.s8        q0, \x, d4
        vmull.s8        q1, \x, d6
        vmlal.s8        q0, \x_high, d5
        vmlal.s8        q1, \x_high, d7
        vpadal.s16      \a, q6
        vpadal.s16      \b, q7
        vpadal.s16      \c, q0
        vpadal.s16      \d, q1
.endm

// The same for 8 outputs.
.macro add_vector x, x_high
        add_four        \x, \x_high, q8, q9, q10, q11
        add_four        \x, \x_high, q12, q13, q14, q15
.endm

// q8 to q15, 4 sums each, become 8 sums in q8 and q9.
.macro add_across
        vpadd.i32       d16, d16, d17
        vpadd.i32       d17, d18, d19
        vpadd.i32       d18, d20, d21
        vpadd.i32       d19, d22, d23
        vpadd.i32       d20, d24, d25
        vpadd.i32       d21, d26, d27
        vpadd.i32       d22, d28, d29
        vpadd.i32       d23, d30, d31
        vpadd.i32       d16, d16, d17
        vpadd.i32       d17, d18, d19
        vpadd.i32       d18, d20, d21
        vpadd.i32       d19, d22, d23
.endm

.macro clear_sums
        vmov.i32        q8, #0
        vmov.i32        q9, #0
        vmov.i32        q10, #0
        vmov.i32        q11, #0
        vmov.i32        q12, #0
        vmov.i32        q13, #0
        vmov.i32        q14, #0
        vmov.i32        q15, #0
.endm

// acc += low, high.
.macro add_to_acc low, high
        vld1.32         {d0 - d3}, [acc]
        vadd.i32        q0, q0, \low
        vadd.i32        q1, q1, \high
        vst1.32         {d0 - d3}, [acc]!
.endm

/*yaml
name: bnn_dot_s8_neon
slot: dot_s8
arguments: {acc: r0, x: r1, w: r2, vectors: r3, pixels: stack0, lanes: stack1}
buffers:
  acc: {access: read write, bytes: "32 * (pixels - 1) + 4 * lanes if pixels and vectors else 0"}
  x: {access: read, bytes: 16 * vectors * pixels}
  w: {access: read, bytes: "16 * vectors * lanes if pixels else 0"}
registers: [r0-r12, q0-q15]
saved: [r4-r11, d8-d15]
stack: 96
*/
func bnn_dot_s8_neon
        push            {r4 - r11}
        vpush           {d8 - d15}
        ldrd            pixels, lanes, [sp, #96]
        cmp             count, #0
        cmpne           pixels, #0
        beq             9f
        cmp             lanes, #8
        bne             6f
1:      clear_sums
        mov             w_at, weights
        subs            left, count, #4         // vectors behind the next 4
        blo             3f
2:
    .rept 2
        vld1.8          {d8 - d11}, [src]!
        add_vector      d8, d9
        add_vector      d10, d11
    .endr
        subs            left, left, #4
        bhs             2b
3:      adds            left, left, #4
        beq             5f
4:      vld1.8          {q4}, [src]!
        add_vector      d8, d9
        subs            left, left, #1
        bne             4b
5:
        add_across
        add_to_acc      q8, q9
        subs            pixels, pixels, #1
        bne             1b
        b               9f

6:      lsl             step, lanes, #4         // fewer outputs: pixel,
        mov             w_first, weights
        mov             lane, lanes
7:      vmov.i32        q8, #0                  // output,
        mov             x_at, src
        mov             w_at, w_first
        mov             left, count
8:      vld1.8          {q0}, [x_at]!           // vector
        vld1.8          {q1}, [w_at], step
        vmull.s8        q3, d0, d2
        vmlal.s8        q3, d1, d3
        vpadal.s16      q8, q3
        subs            left, left, #1
        bne             8b
        vpadd.i32       d16, d16, d17
        vpadd.i32       d16, d16, d16
        vld1.32         {d0[0]}, [acc]
        vadd.i32        d0, d0, d16
        vst1.32         {d0[0]}, [acc]!
        add             w_first, w_first, #16
        subs            lane, lane, #1
        bne             7b
        mov             src, x_at
        add             acc, acc, #32
        sub             acc, acc, lanes, lsl #2
        subs            pixels, pixels, #1
        bne             6b
9:      vpop            {d8 - d15}
        pop             {r4 - r11}
        bx              lr
endfunc bnn_dot_s8_neon

vectors         .req r5
row             .req r8

// Adds the numbers of q0 whose weight in q1 has a bit of `bit` to 16-bit sums.
.macro add_tested to, by, bit
        vtst.8          \by, q1, \bit
        vand            \by, \by, q0
        vpadal.s8       \to, \by
.endm

// The same of the top bit.
.macro add_top to, by
        vclt.s8         \by, q1, #0
        vand            \by, \by, q0
        vpadal.s8       \to, \by
.endm

// The same, and the next output's bit moves to the top.
.macro add_top_and_shift to, by
        vclt.s8         \by, q1, #0
        vadd.i8         q1, q1, q1
        vand            \by, \by, q0
        vpadal.s8       \to, \by
.endm

// A vector of numbers for all 8 outputs.
.macro add_signed
        vld1.8          {q0}, [x_at]!
        vld1.8          {q1}, [w_at]!
        vpadal.s8       q4, q0
        add_tested      q8, q2, q5
        add_tested      q9, q3, q6
        add_tested      q10, q2, q7
        add_top_and_shift q15, q3
        add_top_and_shift q14, q2
        add_top_and_shift q13, q3
        add_top_and_shift q12, q2
        add_top         q11, q3
.endm

/*yaml
name: bnn_dot_sign_neon
slot: dot_sign
arguments: {acc: r0, x: r1, w: r2, n: r3, pixels: stack0}
buffers:
  acc: {access: read write, bytes: "32 * pixels if n else 0"}
  x: {access: read, bytes: "(n + 15) // 16 * 16 * pixels"}
  w: {access: read, bytes: "n if pixels else 0"}
registers: [r0-r9, r12, q0-q15]
saved: [r4-r9, d8-d15]
stack: 136
*/
func bnn_dot_sign_neon
        push            {r4 - r9}
        vpush           {d8 - d15}
        ldr             pixels, [sp, #88]
        sub             sp, sp, #48
        cmp             count, #0
        cmpne           pixels, #0
        beq             10f
        add             row, count, #15
        bic             row, row, #15
1:      mov             x_at, src               // pixel
        mov             w_at, weights
        lsr             vectors, count, #4
        vmov.i32        q7, #0                  // sum of all
        vmov.i32        q5, #0                  // of those negated, by output
        vmov.i32        q6, #0
        cmp             vectors, #0
        beq             7f
2:      vstm            sp, {d10 - d15}
        vmov.i8         q5, #1
        vmov.i8         q6, #2
        vmov.i8         q7, #4
        cmp             vectors, #64            // up to 64 vectors
        movlo           left, vectors
        movhs           left, #64
        sub             vectors, vectors, left
        vmov.i32        q4, #0
        clear_sums
        subs            left, left, #4          // vectors behind the next 4
        blo             4f
3:
    .rept 4
        add_signed
    .endr
        subs            left, left, #4
        bhs             3b
4:      adds            left, left, #4
        beq             6f
5:      add_signed
        subs            left, left, #1
        bne             5b
6:      vldm            sp, {d10 - d15}
        vpadal.s16      q7, q4
        vpaddl.s16      q8, q8
        vpaddl.s16      q9, q9
        vpaddl.s16      q10, q10
        vpaddl.s16      q11, q11
        vpaddl.s16      q12, q12
        vpaddl.s16      q13, q13
        vpaddl.s16      q14, q14
        vpaddl.s16      q15, q15
        add_across
        vadd.i32        q5, q5, q8
        vadd.i32        q6, q6, q9
        cmp             vectors, #0
        bne             2b
7:      vpadd.i32       d14, d14, d15
        vpadd.i32       d14, d14, d14
        vmov            d15, d14
        ands            left, count, #15
        beq             9f
        movw            lane, #0x0201
        movt            lane, #0x0804
        vmov.32         d4[0], lane
        movw            lane, #0x2010
        movt            lane, #0x8040
        vmov.32         d4[1], lane
        vmov.i32        q4, #0
        vmov.i32        q8, #0
8:      vld1.8          {d0[]}, [x_at]!         // number: a lane is an output
        vld1.8          {d2[]}, [w_at]!
        vtst.8          d2, d2, d4
        vand            d2, d2, d0
        vaddw.s8        q4, q4, d0
        vaddw.s8        q8, q8, d2
        subs            left, left, #1
        bne             8b
        vaddw.s16       q7, q7, d8
        vaddw.s16       q5, q5, d16
        vaddw.s16       q6, q6, d17
9:      vshl.i32        q5, q5, #1
        vshl.i32        q6, q6, #1
        vsub.i32        q5, q7, q5
        vsub.i32        q6, q7, q6
        add_to_acc      q5, q6
        add             src, src, row
        subs            pixels, pixels, #1
        bne             1b
10:     add             sp, sp, #48
        vpop            {d8 - d15}
        pop             {r4 - r9}
        bx              lr
endfunc bnn_dot_sign_neon

#endif
