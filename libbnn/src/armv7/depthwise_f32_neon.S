/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Depthwise convolution: 2 pixels that share their weights, then the last one; 8 channels at a time, then 4, then 1.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
w               .req r2
param           .req r3
left            .req r4                         // channels
row_step        .req r5                         // from behind a row of taps to the next
tap_step        .req r6
w_row_step      .req r7                         // from behind a row of weights to the next
w_tap_step      .req r8
pixel0          .req r9
pixel1          .req r10
next_w          .req r11
rows            .req r12
taps            .req lr
step            .req lr

#define SAVED 36                                /* r4-r11, lr */
#define LOCALS 12                               /* pixels left, and what keeps the stack aligned */

// n = 8, 4 or 1 channels: d_a to d_d.
.macro load n, a, b, c, d, from, step
    .if \n == 8
        vld1.32         {d\a, d\b, d\c, d\d}, [\from], \step
    .elseif \n == 4
        vld1.32         {d\a, d\b}, [\from], \step
    .else
        vld1.32         {d\a[0]}, [\from], \step
    .endif
.endm

.macro store n, a, b, c, d, to
    .if \n == 8
        vst1.32         {d\a, d\b, d\c, d\d}, [\to]
    .elseif \n == 4
        vst1.32         {d\a, d\b}, [\to]
    .else
        vst1.32         {d\a[0]}, [\to]
    .endif
.endm

.macro products n, lo, hi, x_lo, x_hi
        vmla.f32        \lo, \x_lo, q0
    .if \n == 8
        vmla.f32        \hi, \x_hi, q1
    .endif
.endm

// n channels of one pixel, or of 2. Loads of a single float leave the other elements as they were; those are not stored.
.macro channels_of n, many
        vmov.i32        q8, #0
        vmov.i32        q9, #0
        mov             pixel0, src
        mov             next_w, w
    .if \many
        vmov.i32        q10, #0
        vmov.i32        q11, #0
        ldr             step, [param, #DEPTHWISE_PIXEL_STEP]
        add             pixel1, src, step
    .endif
        ldr             rows, [param, #DEPTHWISE_ROWS]
        cmp             rows, #0
        beq             13f
11:
        ldr             taps, [param, #DEPTHWISE_TAPS]
        cmp             taps, #0
        beq             13f
12:
        load            \n, 0, 1, 2, 3, next_w, w_tap_step
        load            \n, 4, 5, 6, 7, pixel0, tap_step
        products        \n, q8, q9, q2, q3
    .if \many
        load            \n, 24, 25, 26, 27, pixel1, tap_step
        products        \n, q10, q11, q12, q13
    .endif
        subs            taps, taps, #1
        bne             12b
        add             next_w, next_w, w_row_step
        add             pixel0, pixel0, row_step
    .if \many
        add             pixel1, pixel1, row_step
    .endif
        subs            rows, rows, #1
        bne             11b
13:
    .if \many
        ldr             step, [param, #DEPTHWISE_OUT_STEP]
        add             step, out, step
        store           \n, 20, 21, 22, 23, step
    .endif
        store           \n, 16, 17, 18, 19, out
        add             src, src, #4 * \n
        add             w, w, #4 * \n
        add             out, out, #4 * \n
.endm

// All channels, and on to the next pixels.
.macro all_channels many
        ldr             left, [param, #DEPTHWISE_CHANNELS]
        subs            left, left, #8          // channels left behind the next 8
        blo             2f
1:
        channels_of     8, \many
        subs            left, left, #8
        bhs             1b
2:
        adds            left, left, #8 - 4
        blt             4f
        channels_of     4, \many
        sub             left, left, #4
4:
        adds            left, left, #4
        beq             6f
5:
        channels_of     1, \many
        subs            left, left, #1
        bne             5b
6:
        ldr             left, [param, #DEPTHWISE_CHANNELS]
        ldr             rows, [param, #DEPTHWISE_PIXEL_STEP]
        ldr             step, [param, #DEPTHWISE_OUT_STEP]
        sub             src, src, left, lsl #2
        sub             w, w, left, lsl #2
        sub             out, out, left, lsl #2
        add             src, src, rows, lsl #\many
        add             out, out, step, lsl #\many
.endm

/*yaml
name: bnn_depthwise_f32_neon
slot: depthwise_f32
arguments: {out: r0, x: r1, w: r2, p: r3, pixels: stack0}
buffers:
  out: {access: write, bytes: "(pixels - 1) * p.out_step + 4 * p.channels if pixels and p.channels else 0"}
  x:
    access: read
    bytes: >-
      (pixels - 1) * p.pixel_step + (p.rows - 1) * p.row_step + (p.taps - 1) * p.tap_step + 4 * p.channels
      if pixels and p.rows and p.taps and p.channels else 0
  w:
    access: read
    bytes: >-
      (p.rows - 1) * p.w_row_step + (p.taps - 1) * p.w_tap_step + 4 * p.channels
      if pixels and p.rows and p.taps and p.channels else 0
  p: {access: read, bytes: struct}
registers: [r0-r2, r4-r12, r14, q0-q3, q8-q13]
saved: [r4-r11]
stack: 48
*/
func bnn_depthwise_f32_neon
        push            {r4 - r11, lr}
        sub             sp, sp, #LOCALS
        ldr             row_step, [param, #DEPTHWISE_ROW_STEP]
        ldr             tap_step, [param, #DEPTHWISE_TAP_STEP]
        ldr             w_row_step, [param, #DEPTHWISE_W_ROW_STEP]
        ldr             w_tap_step, [param, #DEPTHWISE_W_TAP_STEP]
        ldr             taps, [param, #DEPTHWISE_TAPS]
        mls             row_step, taps, tap_step, row_step
        mls             w_row_step, taps, w_tap_step, w_row_step
        ldr             left, [sp, #SAVED + LOCALS]
        subs            left, left, #2          // pixels left behind the next 2
        blo             20f
10:
        str             left, [sp]
        all_channels    1
        ldr             left, [sp]
        subs            left, left, #2
        bhs             10b
20:
        adds            left, left, #2
        beq             30f
        all_channels    0
30:
        add             sp, sp, #LOCALS
        pop             {r4 - r11, lr}
        bx              lr
endfunc bnn_depthwise_f32_neon

#endif
