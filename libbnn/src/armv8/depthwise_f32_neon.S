/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Depthwise convolution: 4 pixels that share their weights, then one by one; 16 channels at a time, then 4, then 1.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
w               .req x2
param           .req x3
pixels          .req x4
channels        .req x5
row_step        .req x6                         // from behind a row of taps to the next
tap_step        .req x7
w_row_step      .req x8                         // from behind a row of weights to the next
w_tap_step      .req x9
channel_src     .req x10                        // of the channels at hand
channel_w       .req x11
channel_out     .req x12
left            .req x13
pixel0          .req x14
pixel1          .req x15
pixel2          .req x16
pixel3          .req x17
next_w          .req x19
rows            .req x20
taps            .req x21
step            .req x22                        // of pixels of x, then of out
next_out        .req x23

// The registers of n = 16, 4 or 1 channels; `op` of them.
.macro load n, a, b, c, d, from, step
    .if \n == 16
        ld1             {v\a\().4s, v\b\().4s, v\c\().4s, v\d\().4s}, [\from], \step
    .elseif \n == 4
        ld1             {v\a\().4s}, [\from], \step
    .else
        ld1             {v\a\().s}[0], [\from], \step
    .endif
.endm

.macro store n, a, b, c, d
    .if \n == 16
        st1             {v\a\().4s, v\b\().4s, v\c\().4s, v\d\().4s}, [next_out], step
    .elseif \n == 4
        st1             {v\a\().4s}, [next_out], step
    .else
        st1             {v\a\().s}[0], [next_out], step
    .endif
.endm

.macro zero n, a, b, c, d
        movi            v\a\().4s, #0
    .if \n == 16
        movi            v\b\().4s, #0
        movi            v\c\().4s, #0
        movi            v\d\().4s, #0
    .endif
.endm

// Weights v0-v3 times v4-v7
.macro products n, a, b, c, d
        fmla            v\a\().4s, v4.4s, v0.4s
    .if \n == 16
        fmla            v\b\().4s, v5.4s, v1.4s
        fmla            v\c\().4s, v6.4s, v2.4s
        fmla            v\d\().4s, v7.4s, v3.4s
    .endif
.endm

.macro tap n, pixel, a, b, c, d
        load            \n, 4, 5, 6, 7, \pixel, tap_step
        products        \n, \a, \b, \c, \d
.endm

// n channels of one pixel, or of 4. Loads of a single float leave the other elements as they were; those are not stored.
.macro channels_of n, many
        zero            \n, 16, 17, 18, 19
        mov             next_out, channel_out
        mov             pixel0, channel_src
        mov             next_w, channel_w
        ldr             step, [param, #DEPTHWISE_PIXEL_STEP]
    .if \many
        zero            \n, 20, 21, 22, 23
        zero            \n, 24, 25, 26, 27
        zero            \n, 28, 29, 30, 31
        add             pixel1, pixel0, step
        add             pixel2, pixel1, step
        add             pixel3, pixel2, step
    .endif
        ldr             rows, [param, #DEPTHWISE_ROWS]
        ldr             step, [param, #DEPTHWISE_OUT_STEP]
        cbz             rows, 13f
11:
        ldr             taps, [param, #DEPTHWISE_TAPS]
        cbz             taps, 13f
12:
        load            \n, 0, 1, 2, 3, next_w, w_tap_step
        tap             \n, pixel0, 16, 17, 18, 19
    .if \many
        tap             \n, pixel1, 20, 21, 22, 23
        tap             \n, pixel2, 24, 25, 26, 27
        tap             \n, pixel3, 28, 29, 30, 31
    .endif
        subs            taps, taps, #1
        b.ne            12b
        add             next_w, next_w, w_row_step
        add             pixel0, pixel0, row_step
    .if \many
        add             pixel1, pixel1, row_step
        add             pixel2, pixel2, row_step
        add             pixel3, pixel3, row_step
    .endif
        subs            rows, rows, #1
        b.ne            11b
13:
        store           \n, 16, 17, 18, 19
    .if \many
        store           \n, 20, 21, 22, 23
        store           \n, 24, 25, 26, 27
        store           \n, 28, 29, 30, 31
    .endif
        add             channel_src, channel_src, #4 * \n
        add             channel_w, channel_w, #4 * \n
        add             channel_out, channel_out, #4 * \n
.endm

.macro all_channels many
        mov             channel_src, src
        mov             channel_w, w
        mov             channel_out, out
        subs            left, channels, #16     // channels left behind the next 16
        b.lo            2f
1:
        channels_of     16, \many
        subs            left, left, #16
        b.hs            1b
2:
        adds            left, left, #16 - 4
        b.lt            4f
3:
        channels_of     4, \many
        subs            left, left, #4
        b.hs            3b
4:
        adds            left, left, #4
        b.eq            6f
5:
        channels_of     1, \many
        subs            left, left, #1
        b.ne            5b
6:
.endm

/*yaml
name: bnn_depthwise_f32_neon
slot: depthwise_f32
arguments: {out: x0, x: x1, w: x2, p: x3, pixels: x4}
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
registers: [x0, x1, x4-x17, x19-x23, v0-v7, v16-v31]
saved: [x19-x23]
stack: 48
*/
func bnn_depthwise_f32_neon
        stp             x19, x20, [sp, #-48]!
        stp             x21, x22, [sp, #16]
        str             x23, [sp, #32]
        ldr             channels, [param, #DEPTHWISE_CHANNELS]
        ldp             row_step, taps, [param, #DEPTHWISE_ROW_STEP]
        ldp             tap_step, w_row_step, [param, #DEPTHWISE_TAP_STEP]
        ldr             w_tap_step, [param, #DEPTHWISE_W_TAP_STEP]
        msub            row_step, taps, tap_step, row_step
        msub            w_row_step, taps, w_tap_step, w_row_step
        subs            pixels, pixels, #4      // pixels left behind the next 4
        b.lo            20f
10:
        all_channels    1
        ldp             pixel0, pixel1, [param, #DEPTHWISE_PIXEL_STEP]
        add             src, src, pixel0, lsl #2
        add             out, out, pixel1, lsl #2
        subs            pixels, pixels, #4
        b.hs            10b
20:
        adds            pixels, pixels, #4
        b.eq            30f
21:
        all_channels    0
        ldp             pixel0, pixel1, [param, #DEPTHWISE_PIXEL_STEP]
        add             src, src, pixel0
        add             out, out, pixel1
        subs            pixels, pixels, #1
        b.ne            21b
30:
        ldr             x23, [sp, #32]
        ldp             x21, x22, [sp, #16]
        ldp             x19, x20, [sp], #48
        ret
endfunc bnn_depthwise_f32_neon

#endif
