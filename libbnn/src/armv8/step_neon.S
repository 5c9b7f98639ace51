/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps whose operands are constants; step.inc says how they go through a tile.
 */
#include "step.inc"

#if BNN_ARCH_ARMV8

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
registers: [x0, x1, x3-x11, v0-v7, v16-v19]
saved: []
stack: 0
*/
func bnn_step_affine_neon
        columns         affine, two_rows
endfunc bnn_step_affine_neon

.macro clip n
        vec             \n, fmax, value, value, low
        vec             \n, fmin, value, value, high
        vec             \n, fadd, value, value, zero
.endm

.macro relu n
        vec             \n, fmax, value, value, zero
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
registers: [x0, x1, x5-x11, v0-v3, v24-v26]
saved: []
stack: 0
*/
func bnn_step_clip_neon
        movi            zero0.4s, #0
        ldp             w5, w6, [first]
        mov             w7, #0x7f800000         // 0.0 and infinity need one comparison, which is never -0.0 either
        cmp             w6, w7
        ccmp            w5, #0, #0, eq
        b.eq            10f
        ld2r            {low0.4s, high0.4s}, [first]
        columns         clip, nothing
10:
        columns         relu, nothing
endfunc bnn_step_clip_neon

// max(x, 0) + min(x, 0) * slope: of the terms at least one is 0
.macro prelu n
        vec             \n, fmin, temp, value, zero
        vec             \n, fmax, value, value, zero
        vec             \n, fmul, temp, temp, arg
        vec             \n, fadd, value, value, temp
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
registers: [x0, x1, x3, x5-x11, v0-v7, v20-v24]
saved: []
stack: 0
*/
func bnn_step_prelu_neon
        movi            zero0.4s, #0
        columns         prelu, one_row
endfunc bnn_step_prelu_neon

// Flips, as masks `more`: -1 where the byte is 1; temp3: ones
.macro begin_sign n
        load            \n, arg, first, #4 * \n
    .if \n == 16
        ld1             {v20.16b}, [second], #16
    .elseif \n == 8
        ld1             {v20.8b}, [second], #8
    .elseif \n == 4
        ld1             {v20.s}[0], [second], #4
    .else
        ld1             {v20.b}[0], [second], #1
    .endif
        cmeq            v20.16b, v20.16b, v23.16b
        sshll2          v21.8h, v20.16b, #0
        sshll           v20.8h, v20.8b, #0
        sshll           more0.4s, v20.4h, #0
        sshll2          more1.4s, v20.8h, #0
        sshll           more2.4s, v21.4h, #0
        sshll2          more3.4s, v21.8h, #0
.endm

// (x >= threshold) != flip ? 1.0 : -1.0; the sign bit is set where both are equal
.macro sign n
        vec             \n, fcmge, value, value, arg
        vec             \n, cmeq, value, value, more
        vec             \n, and, value, value, sign_bit, 16b
        vec             \n, orr, value, value, one, 16b
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
registers: [x0, x1, x3-x11, v0-v7, v16-v21, v23, v25, v26]
saved: []
stack: 0
*/
func bnn_step_sign_neon
        fmov            one0.4s, #1.0
        movi            sign_bit0.4s, #0x80, lsl #24
        movi            v23.16b, #1
        columns         sign, begin_sign
endfunc bnn_step_sign_neon

#endif
