/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps whose operands are constants; step.inc says how they go through a tile.
 */
#include "step.inc"

#if BNN_ARCH_ARMV7

/*yaml
name: bnn_step_affine_neon
slot: step_affine
arguments: {out: r0, x: r1, tile: r2, mul: r3, add: stack0}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  mul: {access: read, bytes: 4 * tile.channels}
  add: {access: read, bytes: 4 * tile.channels}
registers: [r0-r12, q0-q3, q8-q15]
saved: [r4-r11]
stack: 32
*/
.macro begin_affine width
        load            \width, q8, q9, d16[0], q10, q11, par0
        load            \width, q12, q13, d24[0], q14, q15, par1
.endm

.macro affine width
        vec             \width, vmul.f32, q8, q9, q10, q11
        vec             \width, vadd.f32, q12, q13, q14, q15
.endm

func bnn_step_affine_neon
        enter           par1
        columns         affine, begin_affine
endfunc bnn_step_affine_neon

/*yaml
name: bnn_step_clip_neon
slot: step_clip
arguments: {out: r0, x: r1, tile: r2, limits: r3}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  limits: {access: read, bytes: 8}
registers: [r0-r12, q0-q3, q8, q9, q14]
saved: [r4-r11]
stack: 32
*/
.macro clip width
        vec             \width, vmax.f32, q8, q8, q8, q8
        vec             \width, vmin.f32, q9, q9, q9, q9
        never_minus_zero \width
.endm

.macro relu width
        vec             \width, vmax.f32, zero, zero, zero, zero
.endm

func bnn_step_clip_neon
        enter
        ldrd            src, dst, [par0]
        movw            num, #0
        movt            num, #0x7f80
        cmp             src, #0                 // 0.0 and infinity need one comparison, which is never -0.0 either
        cmpeq           dst, num
        beq             10f
        vld1.32         {d16[], d17[]}, [par0]!
        vld1.32         {d18[], d19[]}, [par0]
        columns         clip, nothing
10:
        columns         relu, nothing
endfunc bnn_step_clip_neon

/*yaml
name: bnn_step_prelu_neon
slot: step_prelu
arguments: {out: r0, x: r1, tile: r2, slope: r3}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  slope: {access: read, bytes: 4 * tile.channels}
registers: [r0-r12, q0-q3, q8-q14]
saved: [r4-r11]
stack: 32
*/
.macro begin_prelu width
        load            \width, q8, q9, d16[0], q10, q11, par0
.endm

// max(x, 0) + min(x, 0) * slope: of the terms at least one is 0
.macro prelu_of a, b, slope_a, slope_b
        vmin.f32        q12, \a, zero
        vmin.f32        q13, \b, zero
        vmax.f32        \a, \a, zero
        vmax.f32        \b, \b, zero
        vmul.f32        q12, q12, \slope_a
        vmul.f32        q13, q13, \slope_b
        vadd.f32        \a, \a, q12
        vadd.f32        \b, \b, q13
.endm

.macro prelu width
        prelu_of        q0, q1, q8, q9
.if \width == 16
        prelu_of        q2, q3, q10, q11
.endif
.endm

func bnn_step_prelu_neon
        enter
        columns         prelu, begin_prelu
endfunc bnn_step_prelu_neon

/*yaml
name: bnn_step_sign_neon
slot: step_sign
arguments: {out: r0, x: r1, tile: r2, threshold: r3, flip: stack0}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  threshold: {access: read, bytes: 4 * tile.channels}
  flip: {access: read, bytes: tile.channels}
registers: [r0-r12, q0-q1, q8-q14]
saved: [r4-r11]
stack: 32
*/
.macro begin_sign width
        load            \width, q8, q9, d16[0], , , par0
.if \width == 8
        vld1.8          {d20}, [par1]!
.else
        vld1.8          {d20[0]}, [par1]!
.endif
        vmov.i8         d21, #1
        vceq.i8         d20, d20, d21           // flip == 1
        vmovl.s8        q10, d20
        vmovl.s16       q11, d21
        vmovl.s16       q10, d20
        vmov.f32        q12, #1.0
        vmov.f32        q13, #-1.0
.endm

.macro sign width
        vcge.f32        q0, q0, q8
        vcge.f32        q1, q1, q9
        veor            q0, q0, q10
        veor            q1, q1, q11
        vbsl            q0, q12, q13
        vbsl            q1, q12, q13
.endm

func bnn_step_sign_neon
        enter           par1
        columns         sign, begin_sign, 8
endfunc bnn_step_sign_neon

#endif
