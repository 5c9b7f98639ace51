/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ones of a panel of vectors against the weights of 8 outputs, with the vectors of ARMv8.1-M, which count no ones either: the
 * carry-save adders of xnor_thumb.c, 128 columns wide. Of 4 vectors one, of weight 4, has its bits counted: into 4-bit
 * fields in the vector, whose sum is bytes + uppers - 16 * uppers with the sums of all bytes and of all upper fields.
 *
 * In assembly because compilers load ahead of what 8 registers hold. Inner loop: 38 instructions for 4 vectors, 39 where a vector
 * is two taps of 8 bytes, whose weights lie apart.
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
panel           .req r1
w               .req r2
vectors         .req r3
x               .req r4
weights         .req r5
bytes           .req r6
uppers          .req r8                 // even, as bytes: vaddva wants that
outputs         .req r7
quads           .req r9
rest            .req r10
tmp             .req r11

ones            .req q0
twos            .req q1
m55             .req q6
addresses       .req q7                 // dot64: of two taps' weights, in lanes of 64 bits

.macro func name
        .p2align        2
        .globl          \name
        .hidden         \name
        .type           \name, %function
        .thumb_func
\name:
        push            {r4-r11, lr}
        vpush           {d8-d15}
.endm

.macro endfunc name
        vpop            {d8-d15}
        pop             {r4-r11, pc}
        .size           \name, . - \name
.endm

// v = the next vector of panel ^ weights, of 16 bytes.
.macro different128 v, tmp1
        vldrw.u32       \v, [x], #16
        vldrw.u32       \tmp1, [weights], #128
        veor            \v, \v, \tmp1
.endm

// The same of two times 8 bytes.
.macro different64 v, tmp1
        vldrw.u32       \v, [x], #16
        vldrd.u64       \tmp1, [addresses, #128]!
        veor            \v, \v, \tmp1
.endm

// sum += v + v2; v becomes the carry.
.macro carry_save sum, v, v2, half
        veor            \half, \sum, \v
        vand            \v, \sum, \v
        veor            \sum, \half, \v2
        vand            \half, \half, \v2
        vorr            \v, \v, \half
.endm

// 4-bit fields of v become numbers of ones; m33: a register of 0x33.
.macro nibbles v, tmp1, m33
        vshr.u8         \tmp1, \v, #1
        vand            \tmp1, \tmp1, m55
        vsub.i8         \v, \v, \tmp1
        vshr.u8         \tmp1, \v, #2
        vand            \tmp1, \tmp1, \m33
        vand            \v, \v, \m33
        vadd.i8         \v, \v, \tmp1
.endm

// bytes and uppers += the 4-bit fields of v.
.macro add_up v
        vaddva.u8       bytes, \v
        vshr.u8         \v, \v, #4
        vaddva.u8       uppers, \v
.endm

// bytes and uppers of the current output, from `rest` vectors, at most 3, which fill the sums, and `quads` times 4. m33: q7, or
// q5, which is not kept.
.macro count different, m33
        movs            bytes, #0
        movs            uppers, #0
        vmov.i8         ones, #0
        vmov.i8         twos, #0
        wls             lr, rest, 2f
1:      \different      q2, q3
        vand            q3, ones, q2
        veor            ones, ones, q2
        vorr            twos, twos, q3
        le              lr, 1b
2:      wls             lr, quads, 4f
3:      \different      q2, q3
        \different      q3, q4
        carry_save      ones, q2, q3, q4
        \different      q3, q4
        \different      q4, q5
        carry_save      ones, q3, q4, q5
        carry_save      twos, q2, q3, q4
    .ifc \m33, q5
        vmov.i8         q5, #0x33
    .endif
        nibbles         q2, q3, \m33
        add_up          q2
        le              lr, 3b
        lsls            bytes, bytes, #2        // all of weight 4 so far
        lsls            uppers, uppers, #2
4:
    .ifc \m33, q5
        vmov.i8         q5, #0x33
    .endif
        nibbles         ones, q2, \m33
        nibbles         twos, q2, \m33
        vadd.i8         ones, ones, twos
        vadd.i8         ones, ones, twos
        add_up          ones
.endm

// Adds bytes and uppers to the accumulator of the current output; `step` bytes to the weights of the next one.
.macro store step
        ldrh            tmp, [acc]
        add             bytes, bytes, uppers
        add             bytes, bytes, tmp
        sub             bytes, bytes, uppers, lsl #4
        strh            bytes, [acc], #2
        add             w, w, #\step
        subs            outputs, outputs, #1
.endm

/*yaml
name: bnn_panel_dot128_mve
arguments: {acc: r0, panel: r1, w: r2, vectors: r3}
buffers:
  acc: {access: update, bytes: 16}
  panel: {access: read, bytes: "16 * vectors"}
  w: {access: read, bytes: "128 * vectors"}
registers: [r0, r2, r12, q0-q3]
saved: [r4-r11, d8-d15]
stack: 104
*/
func bnn_panel_dot128_mve
        vmov.i8         m55, #0x55
        vmov.i8         q7, #0x33
        lsr             quads, vectors, #2
        and             rest, vectors, #3
        mov             outputs, #8
8:      mov             x, panel
        mov             weights, w
        count           different128, q7
        store           16
        bne             8b
endfunc bnn_panel_dot128_mve

/*yaml
name: bnn_panel_dot64_mve
arguments: {acc: r0, panel: r1, w: r2, vectors: r3}
buffers:
  acc: {access: update, bytes: 16}
  panel: {access: read, bytes: "8 * vectors"}
  w: {access: read, bytes: "64 * vectors"}
registers: [r0, r2, r12, q0-q3]
saved: [r4-r11, d8-d15]
stack: 104
*/
func bnn_panel_dot64_mve
        vmov.i8         m55, #0x55
        lsr             quads, vectors, #3
        ubfx            rest, vectors, #1, #2
        mov             outputs, #8
8:      mov             x, panel
        sub             weights, w, #128
        sub             tmp, w, #64
        vmov            q7[2], q7[0], weights, tmp
        count           different64, q5
        tst             vectors, #1
        beq             9f
        mov             tmp, #0xff              // the last tap: the lower lane; the others are 0
        vmsr            p0, tmp
        vpstt
        vldrwt.u32      q2, [x]
        vldrdt.u64      q3, [addresses, #128]
        veor            q2, q2, q3
        nibbles         q2, q3, q5
        add_up          q2
9:      store           8
        bne             8b
endfunc bnn_panel_dot64_mve

#endif
