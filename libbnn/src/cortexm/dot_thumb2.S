/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ones of a panel of vectors against the weights of 8 outputs, in the 14 registers of ARMv7-M and later. A word is 32 columns of
 * one bit. Sums of the weights 1, 2 and 4 stay in registers; of 8 words one, of weight 8, has its bits counted.
 *
 * An adder of two words a and b to a sum s wants p = a ^ b: the carry is p ? s : a, the new sum s ^ p, 5 operations in all, and no
 * register but these. Where two such adders follow each other (Demenkov, Kojevnikov, Kulikov, Yaroslavtsev, "New upper bounds on
 * the Boolean circuit complexity of symmetric functions", 2010), 8 operations on a, p of both give the first carry and its
 * difference to the second: the a and p of the next weight's adder, which then takes 4.
 *
 * Inner loop: 57 instructions for 8 words.
 */
#include "../arch.h"

#if defined(__ELF__)
        .section        .note.GNU-stack, "", %progbits
        .text
#endif

#if BNN_ARCH_HAS_THUMB2

        .syntax         unified
        .thumb

ones            .req r0                 // those that occur most have short instructions
x               .req r1
w               .req r2
twos            .req r3
left            .req r4                 // words of different bits; two pairs
left2           .req r5
right           .req r6
right2          .req r7
tmp             .req r8
tmp2            .req r9
fours           .req r10
eights          .req r11                // bytes
carry           .req r12
count           .req lr

// of the stack
acc_at          = 0
x_at            = 4
back_at         = 8                     // from the end of one output's weights to the next one's
vectors_at      = 12
pixels_at       = 56

.macro func name
        .p2align        2
        .globl          \name
        .hidden         \name
        .type           \name, %function
        .thumb_func
\name:
        push            {r3-r11, lr}
        push            {r0-r3}
.endm

.macro endfunc name
        add             sp, sp, #16
        pop             {r3-r11, pc}
        .size           \name, . - \name
.endm

// Four words of panel ^ weights, which come in pairs; to the next pair there are `step` bytes, and from it `step2`.
.macro different4 step, step2
        ldm             x!, {left, left2, right, right2}
        ldrd            tmp, tmp2, [w], #\step
        eors            left, left, tmp
        eors            left2, left2, tmp2
        ldrd            tmp, tmp2, [w], #\step2
        eors            right, right, tmp
        eors            right2, right2, tmp2
.endm

// sum += a + a2; the carry is in `a`, or in `to`; a2 becomes p.
.macro add_pair sum, a, a2, to
        eors            \a2, \a2, \a
        add_known       \sum, \a, \a2, \to
.endm

// The same with p in place of a2.
.macro add_known sum, a, p, to
        eors            \a, \a, \sum
        bics            \a, \a, \p
    .ifb \to
        eors            \a, \a, \sum
    .else
        eor             \to, \a, \sum
    .endif
        eors            \sum, \sum, \p
.endm

// ones += a + a2 + b + b2; of the carries the first is in a2, and its difference to the second in a.
.macro add_quad
        eors            left2, left2, left      // p
        eors            right2, right2, right
        eors            left, left, ones
        orrs            left, left, left2       // what changes ones ^ p into the carry
        eors            ones, ones, left2
        eor             left2, ones, left
        eors            right, right, ones
        bics            right, right, right2    // the same of the second pair
        eors            left, left, right
        eors            ones, ones, right2
.endm

// ones, twos += a word of each of the four; to: the carry, of weight 4.
.macro add_four step, step2, to
        different4      \step, \step2
        add_quad
        add_known       twos, left2, left, \to
.endm

// Numbers of ones in the 4-bit fields of v.
.macro nibbles v
        and             tmp, \v, #0xaaaaaaaa
        sub             \v, \v, tmp, lsr #1
        and             tmp, \v, #0xcccccccc
        eor             \v, \v, tmp
        add             \v, \v, tmp, lsr #2
.endm

// Empty sums; count: the vectors (also in tmp) without their last `bits` bits, of which the upper one is the carry flag.
.macro begin bits
        movs            ones, #0
        movs            twos, #0
        mov             fours, #0
        mov             eights, #0
        ldr             tmp, [sp, #vectors_at]
        ldr             x, [sp, #x_at]
        lsrs            count, tmp, #\bits
.endm

// `count` times 8 words.
.macro add_groups step, step2
        cmp             count, #0
        beq             3f
1:      add_four        \step, \step2, carry
        add_four        \step, \step2
        add_pair        fours, carry, left2
        nibbles         carry
        add             carry, carry, carry, lsr #4
        and             carry, carry, #0x0f0f0f0f
        add             eights, eights, carry
        subs            count, count, #1
        bne             1b
3:
.endm

// Adds the numbers to the accumulator. Ends the loop `label` over outputs, whose weights begin in `outputs` bytes, and pixels.
.macro add_up label, outputs
        nibbles         ones
        nibbles         twos
        nibbles         fours
        add             ones, ones, twos, lsl #1
        and             tmp, ones, #0xf0f0f0f0
        eors            ones, ones, tmp
        add             ones, ones, tmp, lsr #4
        add             fours, fours, fours, lsr #4
        and             fours, fours, #0x0f0f0f0f
        add             ones, ones, fours, lsl #2 // bytes, at most 56
        ldr             left, [sp, #acc_at]
        ldrh            right, [left]
#if defined(__ARM_FEATURE_DSP)
        movs            tmp, #0
        usad8           eights, eights, tmp
        usada8          right, ones, tmp, right
#else
        and             tmp, eights, #0x00ff00ff
        eors            eights, eights, tmp
        add             eights, tmp, eights, lsr #8
        add             eights, eights, eights, lsr #16
        mov             tmp, #0x01010101
        mul             ones, ones, tmp
        add             right, right, ones, lsr #24
#endif
        add             right, right, eights, lsl #3
        strh            right, [left], #2
        str             left, [sp, #acc_at]
        ldr             tmp, [sp, #back_at]
        sub             w, w, tmp
        tst             left, #15               // accumulators of 8 outputs are 16 bytes
        bne             \label
        sub             w, w, #\outputs
        str             x, [sp, #x_at]
        ldr             tmp, [sp, #pixels_at]
        subs            tmp, tmp, #1
        str             tmp, [sp, #pixels_at]
        bne             \label
.endm

/*yaml
name: bnn_panel_dot128_thumb
arguments: {acc: r0, panel: r1, w: r2, vectors: r3, pixels: stack0}
buffers:
  acc: {access: update, bytes: "16 * pixels"}
  panel: {access: read, bytes: "16 * vectors * pixels"}
  w: {access: read, bytes: "128 * vectors"}
registers: [r0-r3, r12]
saved: [r4-r11]
stack: 56
*/
func bnn_panel_dot128_thumb
        lsls            r3, r3, #7
        subs            r3, r3, #16
        str             r3, [sp, #back_at]
8:      begin           1
        bcc             2f
        add_four        8, 120, fours
2:      add_groups      8, 120
        add_up          8b, 128
endfunc bnn_panel_dot128_thumb

/*yaml
name: bnn_panel_dot64_thumb
arguments: {acc: r0, panel: r1, w: r2, vectors: r3, pixels: stack0}
buffers:
  acc: {access: update, bytes: "16 * pixels"}
  panel: {access: read, bytes: "8 * vectors * pixels"}
  w: {access: read, bytes: "64 * vectors"}
registers: [r0-r3, r12]
saved: [r4-r11]
stack: 56
*/
func bnn_panel_dot64_thumb
        lsls            r3, r3, #6
        subs            r3, r3, #8
        str             r3, [sp, #back_at]
8:      begin           2
        ands            carry, tmp, #3
        beq             2f
1:      ldm             x!, {left, left2}             // up to three vectors: their ones have no weight of 8
        ldrd            tmp, tmp2, [w], #64
        eors            left, left, tmp
        eors            left2, left2, tmp2
        add_pair        ones, left, left2
        and             left2, twos, left
        eors            twos, twos, left
        orr             fours, fours, left2
        subs            carry, carry, #1
        bne             1b
2:      add_groups      64, 64
        add_up          8b, 64
endfunc bnn_panel_dot64_thumb

#endif
