/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Panels of activations: the columns of 4 pixels at a time, whose runs are transposed 4 floats by 4.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
param           .req r2
at              .req r3
rows            .req r4
pixels          .req r5
step            .req r6
left            .req r7
offset          .req r7
next_out        .req r8
next_offset     .req r9
pixel0          .req r10
pixel1          .req r11
pixel2          .req r12
pixel3          .req lr

#define SAVED 36                        /* r4-r11, lr */

/*yaml
name: bnn_panel_f32_neon
slot: panel_f32
arguments: {out: r0, x: r1, p: r2, at: r3, pixels: stack0}
buffers:
  out: {access: write, bytes: "(p.count * p.run - 1) * p.step + 4 * pixels if p.count * p.run and pixels else 0"}
  x: {access: read, bytes: "max(p.offsets) + max(at) + 4 * p.run if p.count * p.run and pixels else 0"}
  p: {access: read, bytes: struct}
  p.offsets: {access: read, bytes: "4 * p.count"}
  at: {access: read, bytes: "4 * pixels"}
registers: [r0, r3-r12, r14, q0-q3]
saved: [r4-r11]
stack: 40
*/
func bnn_panel_f32_neon
        push            {r4 - r11, lr}
        ldr             pixels, [sp, #SAVED]
        ldr             rows, [param, #PANEL_COUNT]
        ldr             step, [param, #PANEL_STEP]
        cmp             rows, #0
        cmpne           pixels, #0
        beq             9f
1:                                              // for each 4 pixels
        mov             next_out, out
        ldr             next_offset, [param, #PANEL_OFFSETS]
        ldr             rows, [param, #PANEL_COUNT]
2:                                              // for each run
        ldr             offset, [next_offset], #4
        ldm             at, {pixel0, pixel1, pixel2, pixel3}
        add             offset, src, offset
        add             pixel0, pixel0, offset
        add             pixel1, pixel1, offset
        add             pixel2, pixel2, offset
        add             pixel3, pixel3, offset
        ldr             left, [param, #PANEL_RUN]
        subs            left, left, #4          // floats left behind the next 4
        blo             4f
3:
        vld1.32         {d0, d1}, [pixel0]!
        vld1.32         {d2, d3}, [pixel1]!
        vld1.32         {d4, d5}, [pixel2]!
        vld1.32         {d6, d7}, [pixel3]!
        subs            left, left, #4
        vst4.32         {d0[0], d2[0], d4[0], d6[0]}, [next_out], step
        vst4.32         {d0[1], d2[1], d4[1], d6[1]}, [next_out], step
        vst4.32         {d1[0], d3[0], d5[0], d7[0]}, [next_out], step
        vst4.32         {d1[1], d3[1], d5[1], d7[1]}, [next_out], step
        bhs             3b
4:
        adds            left, left, #4
        beq             6f
5:
        vld1.32         {d0[0]}, [pixel0]!
        vld1.32         {d0[1]}, [pixel1]!
        vld1.32         {d1[0]}, [pixel2]!
        vld1.32         {d1[1]}, [pixel3]!
        subs            left, left, #1
        vst1.32         {d0, d1}, [next_out], step
        bne             5b
6:
        subs            rows, rows, #1
        bne             2b
        add             at, at, #16
        add             out, out, #16
        subs            pixels, pixels, #4
        bne             1b
9:
        pop             {r4 - r11, lr}
        bx              lr
endfunc bnn_panel_f32_neon

#endif
