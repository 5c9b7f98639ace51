/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One pixel of floats against blocks of 8 outputs, with float and with binary weights.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
w               .req r2
k               .req r3
blocks          .req r4
next_src        .req r5
left            .req r12

#define SAVED 8                         /* r4, r5 */

.macro enter
        push            {r4, r5}
        ldr             blocks, [sp, #SAVED]
        cmp             blocks, #0
        beq             9f
.endm

.macro leave
9:
        pop             {r4, r5}
        bx              lr
.endm

// Two sums for each half of a block do not wait for each other: q8, q9 and q10, q11.
.macro zero_sums
        vmov.i32        q8, #0
        vmov.i32        q9, #0
        vmov.i32        q10, #0
        vmov.i32        q11, #0
.endm

.macro store_sums
        vadd.f32        q8, q8, q10
        vadd.f32        q9, q9, q11
        vst1.32         {d16 - d19}, [out]!
.endm

/*yaml
name: bnn_dense_f32_neon
slot: dense_f32
arguments: {out: r0, x: r1, w: r2, k: r3, blocks: stack0}
buffers:
  out: {access: write, bytes: "32 * blocks"}
  x: {access: read, bytes: "4 * k if blocks else 0"}
  w: {access: read, bytes: "32 * k * blocks"}
registers: [r0, r2, r4, r5, r12, q0, q2, q3, q8-q13]
saved: [r4, r5]
stack: 8
*/
func bnn_dense_f32_neon
        enter
1:                                              // for each block
        mov             next_src, src
        zero_sums
        subs            left, k, #4             // inputs left behind the next 4
        blo             3f
2:
        vld1.32         {d0, d1}, [next_src]!
        vld1.32         {d4 - d7}, [w]!
        vld1.32         {d24 - d27}, [w]!
        vmla.f32        q8, q2, d0[0]
        vmla.f32        q9, q3, d0[0]
        vld1.32         {d4 - d7}, [w]!
        vmla.f32        q10, q12, d0[1]
        vmla.f32        q11, q13, d0[1]
        vld1.32         {d24 - d27}, [w]!
        vmla.f32        q8, q2, d1[0]
        vmla.f32        q9, q3, d1[0]
        subs            left, left, #4
        vmla.f32        q10, q12, d1[1]
        vmla.f32        q11, q13, d1[1]
        bhs             2b
3:
        adds            left, left, #4
        beq             5f
4:
        vld1.32         {d0[0]}, [next_src]!
        vld1.32         {d4 - d7}, [w]!
        subs            left, left, #1
        vmla.f32        q8, q2, d0[0]
        vmla.f32        q9, q3, d0[0]
        bne             4b
5:
        store_sums
        subs            blocks, blocks, #1
        bne             1b
        leave
endfunc bnn_dense_f32_neon

// Constants of binary weights. q12, q13: how far the signs of outputs 0-3, 4-7 in a word's lowest byte are from the top; q14: 1.0,
// q15: all but the sign bit
.macro constants
        mov             left, #31
        vmov.32         d24[0], left
        mov             left, #30
        vmov.32         d24[1], left
        mov             left, #29
        vmov.32         d25[0], left
        mov             left, #28
        vmov.32         d25[1], left
        vmov.i32        q14, #4
        vsub.i32        q13, q12, q14
        vmov.f32        q14, #1.0
        vmvn.i32        q15, #0x80000000
.endm

// q2, q3 = +-1.0 from the lowest byte of the words in q1
.macro signs
        vshl.u32        q2, q1, q12
        vshl.u32        q3, q1, q13
        vbit            q2, q14, q15
        vbit            q3, q14, q15
.endm

.macro sign_product x, lo, hi
        signs
        vshr.u32        q1, q1, #8
        vmla.f32        \lo, q2, \x
        vmla.f32        \hi, q3, \x
.endm

/*yaml
name: bnn_dense_sign_neon
slot: dense_sign
arguments: {out: r0, x: r1, w: r2, k: r3, blocks: stack0}
buffers:
  out: {access: write, bytes: "32 * blocks"}
  x: {access: read, bytes: "4 * k if blocks else 0"}
  w: {access: read, bytes: "k * blocks"}
registers: [r0, r2, r4, r5, r12, q0-q3, q8-q15]
saved: [r4, r5]
stack: 8
*/
func bnn_dense_sign_neon
        enter
        constants
1:                                              // for each block
        mov             next_src, src
        zero_sums
        subs            left, k, #4             // inputs left behind the next 4
        blo             3f
2:
        vld1.8          {d2[0]}, [w]!
        vld1.8          {d2[1]}, [w]!
        vld1.8          {d2[2]}, [w]!
        vld1.8          {d2[3]}, [w]!
        vld1.32         {d0, d1}, [next_src]!
        vdup.32         q1, d2[0]
        sign_product    d0[0], q8, q9
        sign_product    d0[1], q10, q11
        sign_product    d1[0], q8, q9
        subs            left, left, #4
        sign_product    d1[1], q10, q11
        bhs             2b
3:
        adds            left, left, #4
        beq             5f
4:
        vld1.8          {d2[], d3[]}, [w]!
        vld1.32         {d0[0]}, [next_src]!
        subs            left, left, #1
        sign_product    d0[0], q8, q9
        bne             4b
5:
        store_sums
        subs            blocks, blocks, #1
        bne             1b
        leave
endfunc bnn_dense_sign_neon

signs_in        .req r1
n               .req r2

/*yaml
name: bnn_sign_weights_neon
slot: sign_weights
arguments: {out: r0, w: r1, n: r2}
buffers:
  out: {access: write, bytes: "32 * n"}
  w: {access: read, bytes: n}
registers: [r0-r2, r12, q1-q3, q12-q15]
saved: []
stack: 0
*/
func bnn_sign_weights_neon
        cmp             n, #0
        bxeq            lr
        constants
1:
        vld1.8          {d2[], d3[]}, [signs_in]!
        subs            n, n, #1
        signs
        vst1.32         {d4 - d7}, [out:128]!
        bne             1b
        bx              lr
endfunc bnn_sign_weights_neon

#endif
