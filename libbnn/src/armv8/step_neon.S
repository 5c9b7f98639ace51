/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps on tiles of floats: pixel by pixel, 8 channels at a time, then 4, then 1. The last addition of +0.0 turns -0.0 into
 * +0.0. Products and sums are rounded one by one (never fmla), so that all variants give the same bits.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
tile            .req x2
first           .req x3                         // arguments behind the tile
second          .req x4
pixels          .req x5
channels        .req x6
out_step        .req x7
src_step        .req x8
left            .req x9
next_out        .req x10
next_src        .req x11
next_first      .req x12
next_second     .req x13

// The next n floats: v_a (and v_b if n is 8).
.macro load n, a, b, from
    .if \n == 8
        ld1             {v\a\().4s, v\b\().4s}, [\from], #32
    .elseif \n == 4
        ld1             {v\a\().4s}, [\from], #16
    .else
        ldr             s\a, [\from], #4
    .endif
.endm

// v_a = v_a op v_na (and the same of v_b, v_nb if n is 8)
.macro vec n, op, a, b, na, nb
        \op             v\a\().4s, v\a\().4s, v\na\().4s
    .if \n == 8
        \op             v\b\().4s, v\b\().4s, v\nb\().4s
    .endif
.endm

// For all channels of a pixel: `kernel` n makes v0 (v1) of the next n floats of next_src and its own operands.
.macro channels_by kernel
        subs            left, channels, #8      // channels left behind the next 8
        b.lo            2f
1:
        \kernel         8
        st1             {v0.4s, v1.4s}, [next_out], #32
        subs            left, left, #8
        b.hs            1b
2:
        tbz             left, #2, 3f
        \kernel         4
        st1             {v0.4s}, [next_out], #16
3:
        ands            left, left, #3
        b.eq            5f
4:
        \kernel         1
        str             s0, [next_out], #4
        subs            left, left, #1
        b.ne            4b
5:
.endm

// For all pixels. The operands are per channel; the first moves on from pixel to pixel by step_first, if that is given.
.macro pixels_by kernel, step_first
        ldp             pixels, channels, [tile, #TILE_PIXELS]
        ldp             out_step, src_step, [tile, #TILE_OUT_STEP]
        cbz             pixels, 9f
8:
        mov             next_out, out
        mov             next_src, src
        mov             next_first, first
        mov             next_second, second
        channels_by     \kernel
        add             out, out, out_step
        add             src, src, src_step
    .ifnb \step_first
        add             first, first, \step_first
    .endif
        subs            pixels, pixels, #1
        b.ne            8b
9:
.endm

.macro affine n
        load            \n, 0, 1, next_src
        load            \n, 2, 3, next_first
        load            \n, 4, 5, next_second
        vec             \n, fmul, 0, 1, 2, 3
        vec             \n, fadd, 0, 1, 4, 5
.endm

/*yaml
name: bnn_step_affine_neon
slot: step_affine
arguments: {out: x0, x: x1, tile: x2, mul: x3, add: x4}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  mul: {access: read, bytes: "4 * tile.channels"}
  add: {access: read, bytes: "4 * tile.channels"}
registers: [x0, x1, x5-x13, v0-v5]
saved: []
stack: 0
*/
func bnn_step_affine_neon
        pixels_by       affine
        ret
endfunc bnn_step_affine_neon

// v16: lower limit, v17: upper limit, v18: zero
.macro clip n
        load            \n, 0, 1, next_src
        vec             \n, fmax, 0, 1, 16, 16
        vec             \n, fmin, 0, 1, 17, 17
        vec             \n, fadd, 0, 1, 18, 18
.endm

/*yaml
name: bnn_step_clip_neon
slot: step_clip
arguments: {out: x0, x: x1, tile: x2, limits: x3}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  limits: {access: read, bytes: 8}
registers: [x0, x1, x5-x13, v0, v1, v16-v18]
saved: []
stack: 0
*/
func bnn_step_clip_neon
        ld2r            {v16.4s, v17.4s}, [first]
        movi            v18.4s, #0
        pixels_by       clip
        ret
endfunc bnn_step_clip_neon

// x >= 0 ? x : x * slope
.macro prelu n
        load            \n, 0, 1, next_src
        load            \n, 2, 3, next_first
        vec             \n, fmul, 2, 3, 0, 1
        fcmge           v4.4s, v0.4s, #0.0
        bif             v0.16b, v2.16b, v4.16b
    .if \n == 8
        fcmge           v5.4s, v1.4s, #0.0
        bif             v1.16b, v3.16b, v5.16b
    .endif
        vec             \n, fadd, 0, 1, 18, 18
.endm

/*yaml
name: bnn_step_prelu_neon
slot: step_prelu
arguments: {out: x0, x: x1, tile: x2, slope: x3}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  slope: {access: read, bytes: "4 * tile.channels"}
registers: [x0, x1, x5-x13, v0-v5, v18]
saved: []
stack: 0
*/
func bnn_step_prelu_neon
        movi            v18.4s, #0
        pixels_by       prelu
        ret
endfunc bnn_step_prelu_neon

.macro sum n
        load            \n, 0, 1, next_src
        load            \n, 2, 3, next_first
        vec             \n, fadd, 0, 1, 2, 3
        vec             \n, fadd, 0, 1, 18, 18
.endm

/*yaml
name: bnn_step_add_neon
slot: step_add
arguments: {out: x0, x: x1, tile: x2, other: x3, other_step: x4}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  other: {access: read, bytes: "(tile.pixels - 1) * other_step + 4 * tile.channels if tile.pixels else 0"}
registers: [x0, x1, x3, x5-x13, v0-v3, v18]
saved: []
stack: 0
*/
func bnn_step_add_neon
        movi            v18.4s, #0
        pixels_by       sum, second
        ret
endfunc bnn_step_add_neon

// Flips, as masks: v4 (v5) = -1 where the byte is 1; v20.8b: ones
.macro load_flips n
    .if \n == 8
        ld1             {v4.8b}, [next_second], #8
    .elseif \n == 4
        ldr             s4, [next_second], #4
    .else
        ldr             b4, [next_second], #1
    .endif
        cmeq            v4.8b, v4.8b, v20.8b
        sshll           v4.8h, v4.8b, #0
    .if \n == 8
        sshll2          v5.4s, v4.8h, #0
    .endif
        sshll           v4.4s, v4.4h, #0
.endm

// (x >= threshold) != flip ? 1.0 : -1.0; the sign bit is set where both are equal. v18: 1.0, v19: the sign bit
.macro sign n
        load            \n, 0, 1, next_src
        load            \n, 2, 3, next_first
        load_flips      \n
        vec             \n, fcmge, 0, 1, 2, 3
        vec             \n, cmeq, 0, 1, 4, 5
        and             v0.16b, v0.16b, v19.16b
        orr             v0.16b, v0.16b, v18.16b
    .if \n == 8
        and             v1.16b, v1.16b, v19.16b
        orr             v1.16b, v1.16b, v18.16b
    .endif
.endm

/*yaml
name: bnn_step_sign_neon
slot: step_sign
arguments: {out: x0, x: x1, tile: x2, threshold: x3, flip: x4}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  threshold: {access: read, bytes: "4 * tile.channels"}
  flip: {access: read, bytes: "tile.channels"}
registers: [x0, x1, x5-x13, v0-v5, v18-v20]
saved: []
stack: 0
*/
func bnn_step_sign_neon
        fmov            v18.4s, #1.0
        movi            v19.4s, #0x80, lsl #24
        movi            v20.8b, #1
        pixels_by       sign
        ret
endfunc bnn_step_sign_neon

#endif
