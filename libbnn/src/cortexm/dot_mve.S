/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ones of a panel of vectors against the weights of 8 outputs, with the vectors of ARMv8.1-M: the adders of dot_thumb2.S on four
 * outputs at a time. A lane is an output, whose words follow each other as in dot_thumb2.S: loads that sort the words of four
 * outputs take weights in place, and the word of the panel is repeated over the lanes. So what follows the adders is done
 * once for four outputs.
 *
 * In assembly because compilers load ahead of what 8 registers hold. Inner loop: 76 instructions for 8 words of four outputs; 78
 * where a vector is two words.
 */
#include "../arch.h"

#if defined(__ELF__)
        .section        .note.GNU-stack, "", %progbits
        .text
#endif

#if BNN_ARCH_HAS_MVE

        .syntax         unified
        .thumb

acc             .req r0
x               .req r1
w               .req r2
minus15         .req r3
minus3          .req r12
rest            .req r4                 // r4-r11: words of the panel

left            .req q0                 // words of different bits; two pairs
left2           .req q1
right           .req q2
right2          .req q3
ones            .req q4
twos            .req q5
carry           .req q6
tmp             .req q7

// of the stack
fours_at        = 0
eights_at       = 16                    // bytes
x_at            = 36
vectors_at      = 40
back_at         = 44                    // from the end of four outputs' weights to the next ones'
pixels_at       = 152
w_step_at       = 156

.macro func name
        .p2align        2
        .globl          \name
        .hidden         \name
        .type           \name, %function
        .thumb_func
\name:
        push            {r3-r11, lr}
        vpush           {d8-d15}
        push            {r0-r3}
        sub             sp, sp, #32
        mvn             minus15, #14
        mvn             minus3, #2
.endm

.macro endfunc name
        add             sp, sp, #48
        vpop            {d8-d15}
        pop             {r3-r11, pc}
        .size           \name, . - \name
.endm

// v ^= the word of the panel.
.macro differ v, word
        vdup.32         tmp, \word
        veor            \v, \v, tmp
.endm

// Four words of weights ^ panel: of one vector, and of two.
.macro different128 word, word2, word3, word4
        vld40.32        {q0, q1, q2, q3}, [w]
        vld41.32        {q0, q1, q2, q3}, [w]
        vld42.32        {q0, q1, q2, q3}, [w]
        vld43.32        {q0, q1, q2, q3}, [w]!
        adds            w, w, #64
        differ          left, \word
        differ          left2, \word2
        differ          right, \word3
        differ          right2, \word4
.endm

.macro different64 word, word2, word3, word4
        vld20.32        {q0, q1}, [w]
        vld21.32        {q0, q1}, [w]!
        adds            w, w, #32
        vld20.32        {q2, q3}, [w]
        vld21.32        {q2, q3}, [w]!
        adds            w, w, #32
        differ          left, \word
        differ          left2, \word2
        differ          right, \word3
        differ          right2, \word4
.endm

// The words of one vector of two, r5 and r6.
.macro differ_tap
        ldrd            r5, r6, [x], #8
        vld20.32        {q0, q1}, [w]
        vld21.32        {q0, q1}, [w]!
        adds            w, w, #32
        differ          left, r5
        differ          left2, r6
.endm

// sum += a word and another one, of which p is the difference; `of` is the word, then the carry; or that is in `to`.
.macro add_known sum, of, p, to
        veor            \of, \of, \sum
        vbic            \of, \of, \p
    .ifb \to
        veor            \of, \of, \sum
    .else
        veor            \to, \of, \sum
    .endif
        veor            \sum, \sum, \p
.endm

// ones += the four words, twos += the carries; to: the carry of that, of weight 4. The steps are those of dot_thumb2.S.
.macro add_four to
        veor            left2, left2, left
        veor            right2, right2, right
        veor            left, left, ones
        vorr            left, left, left2
        veor            ones, ones, left2
        veor            left2, ones, left
        veor            right, right, ones
        vbic            right, right, right2
        veor            left, left, right
        veor            ones, ones, right2
        add_known       twos, left2, left, \to
.endm

// Numbers of ones in the 4-bit fields of v; m55, m33: registers of such bytes.
.macro nibbles v, m55, m33
        vshr.u8         tmp, \v, #1
        vand            tmp, tmp, \m55
        vsub.i8         \v, \v, tmp
        vshr.u8         tmp, \v, #2
        vand            tmp, tmp, \m33
        vmla.u8         \v, tmp, minus3
.endm

// Bytes of v, of the sums of their 4-bit fields.
.macro bytes v
        vshr.u8         tmp, \v, #4
        vmla.u8         \v, tmp, minus15
.endm

// What the loops want on the stack, of vectors of 1 << bits bytes of weights, of which `outputs` bytes are of four outputs.
.macro begin bits, outputs
        ldr             r4, [sp, #back_at]
        lsls            r5, r4, #\bits
        subs            r5, r5, #\outputs
        strd            r4, r5, [sp, #vectors_at]
.endm

.macro masks
        vmov.i8         left, #0x55
        vmov.i8         left2, #0x33
.endm

// The numbers of ones in the bytes of carry.
.macro count_carry
        masks
        nibbles         carry, left, left2
        bytes           carry
.endm

// Begins the sums of weight 4 and 8: with carry, which is of weight 4, or with carry and left2.
.macro begin_fours
        vstrw.32        carry, [sp, #fours_at]
        vmov.i8         right, #0
        vstrw.32        right, [sp, #eights_at]
        masks
.endm

.macro begin_fours_two
        veor            right, carry, left2
        vand            carry, carry, left2
        vstrw.32        right, [sp, #fours_at]
        count_carry
        vmov            right, carry
        vstrw.32        carry, [sp, #eights_at]
.endm

// 8 words to the sums; the carries, of weight 4, are carry and left2.
.macro add_eight different
        ldm             x!, {r4-r11}
        \different      r4, r5, r6, r7
        add_four        carry
        \different      r8, r9, r10, r11
        add_four
.endm

// lr times 8 words.
.macro add_groups different
        wls             lr, lr, 3f
1:      add_eight       \different
        vldrw.u32       right, [sp, #fours_at]
        veor            left2, left2, carry
        add_known       right, carry, left2
        vstrw.32        right, [sp, #fours_at]
        count_carry
        vldrw.u32       right, [sp, #eights_at]
        vadd.i8         right, right, carry
        vstrw.32        right, [sp, #eights_at]
        le              lr, 1b
3:
.endm

// Adds the numbers to the accumulators. Ends the loop `label` over outputs, whose weights begin in `outputs` bytes, and pixels.
.macro add_up label, outputs
        vldrw.u32       right2, [sp, #fours_at]
        nibbles         ones, left, left2       // the masks, and eights in `right`, are left from before
        nibbles         twos, left, left2
        nibbles         right2, left, left2
        vadd.i8         ones, ones, twos
        vadd.i8         ones, ones, twos
        bytes           ones
        bytes           right2
        vshl.i8         right2, right2, #2
        vadd.i8         ones, ones, right2      // bytes, at most 56
        mvn             r4, #254
        vshr.u16        tmp, ones, #8
        vmla.u16        ones, tmp, r4
        vshr.u16        tmp, right, #8
        vmla.u16        right, tmp, r4
        vshl.i16        right, right, #3
        vadd.i16        ones, ones, right
        vshr.u32        tmp, ones, #16
        vadd.i32        ones, ones, tmp
        vldrh.u32       tmp, [acc]
        vadd.i32        ones, ones, tmp
        vstrh.32        ones, [acc], #8
        ldr             r4, [sp, #back_at]
        subs            w, w, r4
        tst             acc, #15                // accumulators of 8 outputs are 16 bytes
        bne             \label
        sub             w, w, #\outputs
        str             x, [sp, #x_at]
        ldr             r4, [sp, #pixels_at]
        subs            r4, r4, #1
        str             r4, [sp, #pixels_at]
        bne             \label
.endm

/*yaml
name: bnn_panel_dot128_mve
arguments: {acc: r0, panel: r1, w: r2, vectors: r3, pixels: stack0}
buffers:
  acc: {access: update, bytes: "16 * pixels"}
  panel: {access: read, bytes: "16 * vectors * pixels"}
  w: {access: read, bytes: "128 * vectors"}
registers: [r0-r3, r12, q0-q3]
saved: [r4-r11, d8-d15]
stack: 152
*/
func bnn_panel_dot128_mve
        begin           7, 64
8:      ldr             x, [sp, #x_at]
        ldr             lr, [sp, #vectors_at]
        ldm             x!, {r4-r7}             // the first vector: there are no sums yet
        different128    r4, r5, r6, r7
        vand            carry, left, left2
        veor            ones, left, left2
        veor            right2, right2, right
        add_known       ones, right, right2
        veor            twos, right, carry
        vand            carry, right, carry
        subs            lr, lr, #1
        lsrs            lr, lr, #1
        bcs             1f
        begin_fours
        b               2f
1:      ldm             x!, {r4-r7}             // of an even number the second, too
        different128    r4, r5, r6, r7
        add_four
        begin_fours_two
2:      add_groups      different128
        add_up          8b, 128
endfunc bnn_panel_dot128_mve

/*yaml
name: bnn_panel_dot64_mve
arguments: {acc: r0, panel: r1, w: r2, vectors: r3, pixels: stack0}
buffers:
  acc: {access: update, bytes: "16 * pixels"}
  panel: {access: read, bytes: "8 * vectors * pixels"}
  w: {access: read, bytes: "64 * vectors"}
registers: [r0-r3, r12, q0-q3]
saved: [r4-r11, d8-d15]
stack: 152
*/
func bnn_panel_dot64_mve
        begin           6, 32
8:      ldr             x, [sp, #x_at]
        ldr             lr, [sp, #vectors_at]
        ands            rest, lr, #3
        lsr             lr, lr, #2
        beq             4f
        differ_tap
        vand            twos, left, left2       // the first vector: there are no sums yet
        veor            ones, left, left2
        subs            rest, rest, #1
        bne             5f
        subs            lr, lr, #1
        blo             7f
        add_eight       different64             // no vector but that: no carries yet
        begin_fours_two
2:      add_groups      different64
        add_up          8b, 64
        b               9f
4:      vmov.i8         ones, #0
        vmov.i8         twos, #0
        vmov.i8         carry, #0
        b               6f
5:      vmov.i8         carry, #0
1:      differ_tap                              // up to three vectors: their ones have no weight of 8
        veor            left2, left2, left
        add_known       ones, left, left2
        vand            left2, twos, left
        veor            twos, twos, left
        vorr            carry, carry, left2
        subs            rest, rest, #1
        bne             1b
6:      begin_fours
        b               2b
7:      vmov.i8         carry, #0
        mov             lr, #0
        b               6b
9:
endfunc bnn_panel_dot64_mve

#endif
