/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps of a tile and another tensor; step.inc says how they go through a tile.
 */
#include "step.inc"

#if BNN_ARCH_ARMV7

// Steps of two: `other` goes from pixel to pixel by a step, which is par1.
.macro begin_other width
        mov             other, par0
        add             par0, par0, #4 * \width
.if \width == 16
        sub             other_step, par1, #32
.else
        mov             other_step, par1
.endif
.endm

.macro operation width, op
        load            \width, q8, q9, d16[0], q10, q11, other, other_step
        vec             \width, \op, q8, q9, q10, q11
        never_minus_zero \width
.endm

/*yaml
name: bnn_step_add_neon
slot: step_add
arguments: {out: r0, x: r1, tile: r2, other: r3, other_step: stack0}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  other: {access: read, bytes: "(tile.pixels - 1) * other_step + 4 * tile.channels if tile.pixels else 0"}
registers: [r0-r12, q0-q3, q8-q11, q14]
saved: [r4-r11]
stack: 32
*/
.macro sum width
        operation       \width, vadd.f32
.endm

func bnn_step_add_neon
        enter           par1
        columns         sum, begin_other
endfunc bnn_step_add_neon

/*yaml
name: bnn_step_mul_neon
slot: step_mul
like: bnn_step_add_neon
*/
.macro product width
        operation       \width, vmul.f32
.endm

func bnn_step_mul_neon
        enter           par1
        columns         product, begin_other
endfunc bnn_step_mul_neon

/*yaml
name: bnn_step_sub_neon
slot: step_sub
like: bnn_step_add_neon
*/
.macro difference width
        operation       \width, vsub.f32
.endm

func bnn_step_sub_neon
        enter           par1
        columns         difference, begin_other
endfunc bnn_step_sub_neon

/*yaml
name: bnn_step_max_neon
slot: step_max
like: bnn_step_add_neon
registers: [r0-r12, q0-q3, q8-q14]
*/
.macro greater width
        load            \width, q8, q9, d16[0], q10, q11, other, other_step
        take_greater    \width
        never_minus_zero \width
.endm

func bnn_step_max_neon
        enter           par1
        columns         greater, begin_other
endfunc bnn_step_max_neon

/*yaml
name: bnn_step_min_neon
slot: step_min
like: bnn_step_max_neon
*/
.macro less width
        load            \width, q8, q9, d16[0], q10, q11, other, other_step
        choose          q0, q1, q8, q9, q0, q8, q1, q9
.if \width == 16
        choose          q2, q3, q10, q11, q2, q10, q3, q11
.endif
        never_minus_zero \width
.endm

func bnn_step_min_neon
        enter           par1
        columns         less, begin_other
endfunc bnn_step_min_neon

/*yaml
name: bnn_step_div_neon
slot: step_div
like: bnn_step_add_neon
registers: [r0-r12, q0-q3, q14]
*/
// There is no division of vectors.
.macro quotient width
        load            \width, q2, q3, d4[0], , , other, other_step
        vdiv.f32        s0, s0, s8
.if \width == 8
        vdiv.f32        s1, s1, s9
        vdiv.f32        s2, s2, s10
        vdiv.f32        s3, s3, s11
        vdiv.f32        s4, s4, s12
        vdiv.f32        s5, s5, s13
        vdiv.f32        s6, s6, s14
        vdiv.f32        s7, s7, s15
.endif
        never_minus_zero \width
.endm

func bnn_step_div_neon
        enter           par1
        columns         quotient, begin_other, 8
endfunc bnn_step_div_neon

#endif
