/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps of a tile and another tensor; step.inc says how they go through a tile.
 */
#include "step.inc"

#if BNN_ARCH_ARMV8

// Steps of two: `other` goes from pixel to pixel by a step, which is `second`.
.macro begin_other n
        mov             next_other, first
        add             first, first, #4 * \n
.endm

.macro operation n, op
        load            \n, arg, next_other, second
        vec             \n, \op, value, value, arg
        vec             \n, fadd, value, value, zero
.endm

// The other value where s > t.
.macro choice n, s, t
        load            \n, arg, next_other, second
        vec             \n, fcmgt, temp, \s, \t
        vec             \n, bit, value, arg, temp, 16b
        vec             \n, fadd, value, value, zero
.endm

.macro sum n
        operation       \n, fadd
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
registers: [x0, x1, x3, x5-x12, v0-v7, v24]
saved: []
stack: 0
*/
func bnn_step_add_neon
        movi            zero0.4s, #0
        columns         sum, begin_other
endfunc bnn_step_add_neon

.macro product n
        operation       \n, fmul
.endm

/*yaml
name: bnn_step_mul_neon
slot: step_mul
like: bnn_step_add_neon
*/
func bnn_step_mul_neon
        movi            zero0.4s, #0
        columns         product, begin_other
endfunc bnn_step_mul_neon

.macro difference n
        operation       \n, fsub
.endm

/*yaml
name: bnn_step_sub_neon
slot: step_sub
like: bnn_step_add_neon
*/
func bnn_step_sub_neon
        movi            zero0.4s, #0
        columns         difference, begin_other
endfunc bnn_step_sub_neon

.macro quotient n
        operation       \n, fdiv
.endm

/*yaml
name: bnn_step_div_neon
slot: step_div
like: bnn_step_add_neon
*/
func bnn_step_div_neon
        movi            zero0.4s, #0
        columns         quotient, begin_other
endfunc bnn_step_div_neon

.macro greater n
        choice          \n, arg, value
.endm

/*yaml
name: bnn_step_max_neon
slot: step_max
like: bnn_step_add_neon
registers: [x0, x1, x3, x5-x12, v0-v7, v20-v24]
*/
func bnn_step_max_neon
        movi            zero0.4s, #0
        columns         greater, begin_other
endfunc bnn_step_max_neon

.macro less n
        choice          \n, value, arg
.endm

/*yaml
name: bnn_step_min_neon
slot: step_min
like: bnn_step_max_neon
*/
func bnn_step_min_neon
        movi            zero0.4s, #0
        columns         less, begin_other
endfunc bnn_step_min_neon

#endif
