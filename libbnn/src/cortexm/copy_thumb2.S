/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of a few words from many places, with instructions that load and store several: panels (panel.h), and the starts of
 * accumulators.
 */
#include "../arch.h"

#if defined(__ELF__)
        .section        .note.GNU-stack, "", %progbits
        .text
#endif

#if BNN_ARCH_HAS_THUMB2

        .syntax         unified
        .thumb

panel           .req r0
x               .req r1
runs            .req r2
pixels          .req r3
offset          .req r10
left            .req r11                // runs
from            .req r12
words           .req lr

// of struct bnn_panel_runs
count_at        = 0
words_at        = 4
step_at         = 8
offsets_at      = 12

.macro func name
        .p2align        2
        .globl          \name
        .hidden         \name
        .type           \name, %function
        .thumb_func
\name:
.endm

.macro endfunc name
        .size           \name, . - \name
.endm

// Pixels whose runs the instructions that follow copy, from `from`, up to end_pixels.
.macro begin_pixels
1:      ldr             left, [runs, #count_at]
        add             offset, runs, #offsets_at
2:      ldr             from, [offset], #4
        add             from, from, x
.endm

.macro end_pixels
        subs            left, left, #1
        bne             2b
        ldr             from, [runs, #step_at]
        add             x, x, from
        subs            pixels, pixels, #1
        bne             1b
        pop             {r4-r11, pc}
.endm

/*yaml
name: bnn_panel_fill_thumb
arguments: {panel: r0, x: r1, runs: r2, pixels: r3}
buffers:
  panel: {access: write, bytes: "4 * pixels * runs.count * runs.words"}
  x: {access: read, bytes: "(pixels - 1) * runs.step + max(runs.offsets) + 4 * runs.words"}
  runs: {access: read, bytes: struct}
registers: [r0, r1, r3, r12]
saved: [r4-r11]
stack: 36
*/
func bnn_panel_fill_thumb
        push            {r4-r11, lr}
        ldr             words, [runs, #words_at]
        cmp             words, #6               // the commonest: a tap of 4 or 2 words, a row of 3 of them
        beq             6f
        cmp             words, #4
        beq             4f
        cmp             words, #12
        beq             5f
        tst             words, #2
        beq             7f
        begin_pixels
        mov             r6, words
3:      ldm             from!, {r4, r5}
        stm             panel!, {r4, r5}
        subs            r6, r6, #2
        bne             3b
        end_pixels
7:      begin_pixels
        mov             r8, words
3:      ldm             from!, {r4-r7}
        stm             panel!, {r4-r7}
        subs            r8, r8, #4
        bne             3b
        end_pixels
4:      begin_pixels
        ldm             from, {r4-r7}
        stm             panel!, {r4-r7}
        end_pixels
5:      begin_pixels
        ldm             from!, {r4-r9}
        stm             panel!, {r4-r9}
        ldm             from, {r4-r9}
        stm             panel!, {r4-r9}
        end_pixels
6:      begin_pixels
        ldm             from, {r4-r9}
        stm             panel!, {r4-r9}
        end_pixels
endfunc bnn_panel_fill_thumb

acc             .req r0
start           .req r1
classes         .req r2

/*yaml
name: bnn_acc_start_thumb
slot: acc_start
arguments: {acc: r0, start: r1, classes: r2, pixels: r3}
buffers:
  acc: {access: write, bytes: "16 * pixels"}
  start: {access: read, bytes: "16 * (max(classes) + 1 if classes else 1)"}
  classes: {access: read, bytes: "4 * pixels"}
registers: [r0-r3, r12]
saved: [r4-r7]
stack: 16
*/
func bnn_acc_start_thumb
        cbz             pixels, 3f
        push            {r4-r7}
        cbz             classes, 1f
2:      ldr             from, [classes], #4
        add             from, start, from, lsl #4
        ldm             from, {r4-r7}
        stm             acc!, {r4-r7}
        subs            pixels, pixels, #1
        bne             2b
        pop             {r4-r7}
        bx              lr
1:      ldm             start, {r4-r7}
2:      stm             acc!, {r4-r7}
        subs            pixels, pixels, #1
        bne             2b
        pop             {r4-r7}
3:      bx              lr
endfunc bnn_acc_start_thumb

#endif
