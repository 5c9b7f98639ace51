/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps of docs/dab-format.md, section 4, on rows of floats: eight channels at a time, then one by one. Each operation is
 * rounded by itself. Adding +0.0 turns -0.0, which no step may yield, into +0.0.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
xin             .req r1
pixels          .req r2                 // at entry the tile
par0            .req r3                 // the step's operands
channels        .req r4
ostep           .req r5
xstep           .req r6
par1            .req r7
src             .req r8
dst             .req r9
ptr0            .req r10                // the operands of the next channel
ptr1            .req r11
num             .req r12

#define SAVED 32                        /* r4-r11 */

// x: q0, q1; operands: q2, q3 and q8, q9; q10, q11: masks. One channel is lane 0 of q0, q2 and q8.
zero            .req q12
low             .req q13
high            .req q14
one             .req q13
minus_one       .req q14

// 8 channels or 1, of which lane is the first.
.macro load width, a, b, lane, ptr
.if \width == 8
        vld1.32         {\a, \b}, [\ptr]!
.else
        vld1.32         {\lane}, [\ptr]!
.endif
.endm

.macro store width, a, b, lane, ptr
.if \width == 8
        vst1.32         {\a, \b}, [\ptr]!
.else
        vst1.32         {\lane}, [\ptr]!
.endif
.endm

// A function that applies `step WIDTH` to q0, q1. `begin`: once, when the arguments are in place. `each`: at a row's end.
.macro step_function step, begin, each
        push            {r4-r11}
        ldr             channels, [r2, #TILE_CHANNELS]
        ldr             ostep, [r2, #TILE_OUT_STEP]
        ldr             xstep, [r2, #TILE_X_STEP]
        ldr             pixels, [r2, #TILE_PIXELS]
        vmov.f32        zero, #0.0
        \begin
        cmp             pixels, #0
        cmpne           channels, #0
        beq             6f
1:      mov             src, xin
        mov             dst, out
        mov             ptr0, par0
        mov             ptr1, par1
        subs            num, channels, #8
        blo             3f
2:      load            8, q0, q1, d0[0], src
        \step           8
        store           8, q0, q1, d0[0], dst
        subs            num, num, #8
        bhs             2b
3:      adds            num, num, #8
        beq             5f
4:      load            1, q0, q1, d0[0], src
        \step           1
        store           1, q0, q1, d0[0], dst
        subs            num, num, #1
        bne             4b
5:      add             xin, xin, xstep
        add             out, out, ostep
        \each
        subs            pixels, pixels, #1
        bne             1b
6:      pop             {r4-r11}
        bx              lr
.endm

.macro nothing
.endm

.macro two_operands
        ldr             par1, [sp, #SAVED]
.endm

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
registers: [r0-r12, q0-q3, q8, q9, q12]
saved: [r4-r11]
stack: 32
*/
.macro affine width
        load            \width, q2, q3, d4[0], ptr0
        load            \width, q8, q9, d16[0], ptr1
        vmul.f32        q0, q0, q2
        vmul.f32        q1, q1, q3
        vadd.f32        q0, q0, q8
        vadd.f32        q1, q1, q9
.endm

func bnn_step_affine_neon
        step_function   affine, two_operands, nothing
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
registers: [r0-r12, q0, q1, q12-q14]
saved: [r4-r11]
stack: 32
*/
.macro limits
        vld1.32         {d26[], d27[]}, [par0]!
        vld1.32         {d28[], d29[]}, [par0]
.endm

.macro clip width
        vmax.f32        q0, q0, low
        vmax.f32        q1, q1, low
        vmin.f32        q0, q0, high
        vmin.f32        q1, q1, high
        vadd.f32        q0, q0, zero
        vadd.f32        q1, q1, zero
.endm

func bnn_step_clip_neon
        step_function   clip, limits, nothing
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
registers: [r0-r12, q0-q3, q10-q12]
saved: [r4-r11]
stack: 32
*/
.macro prelu width
        load            \width, q2, q3, d4[0], ptr0
        vcge.f32        q10, q0, #0
        vcge.f32        q11, q1, #0
        vmul.f32        q2, q0, q2
        vmul.f32        q3, q1, q3
        vbif            q0, q2, q10             // the product where x >= 0 is false
        vbif            q1, q3, q11
        vadd.f32        q0, q0, zero
        vadd.f32        q1, q1, zero
.endm

func bnn_step_prelu_neon
        step_function   prelu, nothing, nothing
endfunc bnn_step_prelu_neon

/*yaml
name: bnn_step_add_neon
slot: step_add
arguments: {out: r0, x: r1, tile: r2, other: r3, other_step: stack0}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  other: {access: read, bytes: "(tile.pixels - 1) * other_step + 4 * tile.channels if tile.pixels else 0"}
registers: [r0-r12, q0-q3, q12]
saved: [r4-r11]
stack: 32
*/
.macro add_other width
        load            \width, q2, q3, d4[0], ptr0
        vadd.f32        q0, q0, q2
        vadd.f32        q1, q1, q3
        vadd.f32        q0, q0, zero
        vadd.f32        q1, q1, zero
.endm

.macro next_other
        add             par0, par0, par1
.endm

func bnn_step_add_neon
        step_function   add_other, two_operands, next_other
endfunc bnn_step_add_neon

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
registers: [r0-r12, q0-q3, q8, q9, q12-q15]
saved: [r4-r11]
stack: 32
*/
.macro ones
        two_operands
        vmov.f32        one, #1.0
        vmov.f32        minus_one, #-1.0
        vmov.i8         d30, #1
.endm

.macro sign width
        load            \width, q2, q3, d4[0], ptr0
.if \width == 8
        vld1.8          {d16}, [ptr1]!
.else
        vld1.8          {d16[0]}, [ptr1]!
.endif
        vceq.i8         d16, d16, d30           // flip == 1
        vmovl.s8        q8, d16
        vmovl.s16       q9, d17
        vmovl.s16       q8, d16
        vcge.f32        q0, q0, q2
        vcge.f32        q1, q1, q3
        veor            q0, q0, q8
        veor            q1, q1, q9
        vbsl            q0, one, minus_one
        vbsl            q1, one, minus_one
.endm

func bnn_step_sign_neon
        step_function   sign, ones, nothing
endfunc bnn_step_sign_neon

#endif
