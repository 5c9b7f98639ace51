/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Accumulators to floats: integers in vectors of four, floats one by one in the scalar registers that are parts of those, since
 * vectors of floats would take denormals for zero.
 */
#include "../arch.h"

#if defined(__ELF__)
        .section        .note.GNU-stack, "", %progbits
        .text
#endif

#if BNN_ARCH_HAS_MVE && BNN_ARCH_HAS_FPU

        .syntax         unified
        .thumb

out             .req r0
acc             .req r1
p               .req r2
pixels          .req r3
out_step        .req r4
odd             .req r5
mul             .req r2                 // instead of p
add             .req r12

// of struct bnn_acc_affine
mul_at          = 0
odd_at          = 8

.macro func name
        .p2align        2
        .globl          \name
        .hidden         \name
        .type           \name, %function
        .thumb_func
\name:
.endm

.macro endfunc name
        .size           \name, . - \name
.endm

// Four accumulators as odd - 2 * acc; minus2: a register of -2.
.macro number q, minus2
        vldrh.s32       \q, [acc], #8
        vmlas.s32       \q, \minus2, odd
.endm

// s = (float)s * mul + add, each rounded.
.macro affine s, mul, add
        vcvt.f32.s32    \s, \s
        vmul.f32        \s, \s, \mul
        vadd.f32        \s, \s, \add
.endm

/*yaml
name: bnn_acc_affine_mve
slot: acc_affine
arguments: {out: r0, acc: r1, p: r2, pixels: r3, out_step: stack0}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 32 if pixels else 0"}
  acc: {access: read, bytes: "16 * pixels"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: 32}
  p.add: {access: read, bytes: 32}
registers: [r0-r3, r12, q0-q2]
saved: [r4, r5, d8-d15]
stack: 80
*/
func bnn_acc_affine_mve
        push            {r4, r5, r6, lr}
        vpush           {d8-d15}
        ldr             out_step, [sp, #80]
        ldr             odd, [p, #odd_at]
        ldrd            mul, add, [p, #mul_at]
        vldm            mul, {s16-s23}
        vldm            add, {s24-s31}
        mvn             r6, #1
        vdup.32         q2, r6
        wls             lr, pixels, 2f
1:      number          q0, q2
        number          q1, q2
        affine          s0, s16, s24
        affine          s1, s17, s25
        affine          s2, s18, s26
        affine          s3, s19, s27
        affine          s4, s20, s28
        affine          s5, s21, s29
        affine          s6, s22, s30
        affine          s7, s23, s31
        vstm            out, {s0-s7}
        add             out, out, out_step
        le              lr, 1b
2:      vpop            {d8-d15}
        pop             {r4, r5, r6, pc}
endfunc bnn_acc_affine_mve

/*yaml
name: bnn_acc_affine_row_mve
slot: acc_affine_row
arguments: {out: r0, acc: r1, p: r2, n: r3}
buffers:
  out: {access: write, bytes: "4 * n"}
  acc: {access: read, bytes: "2 * n"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: "4 * n"}
  p.add: {access: read, bytes: "4 * n"}
registers: [r0-r3, r12, q0-q3]
saved: [r4, r5]
stack: 16
*/
func bnn_acc_affine_row_mve
        push            {r4, r5, r6, lr}
        ldr             odd, [p, #odd_at]
        ldrd            mul, add, [p, #mul_at]
        mvn             r6, #1
        vdup.32         q1, r6
        lsr             r4, pixels, #2
        wls             lr, r4, 2f
1:      number          q0, q1
        vldm            mul!, {s8-s11}
        vldm            add!, {s12-s15}
        affine          s0, s8, s12
        affine          s1, s9, s13
        affine          s2, s10, s14
        affine          s3, s11, s15
        vstm            out!, {s0-s3}
        le              lr, 1b
2:      and             r4, pixels, #3
        wls             lr, r4, 4f
3:      ldrsh           r4, [acc], #2
        sub             r4, odd, r4, lsl #1
        vmov            s0, r4
        vldm            mul!, {s8}
        vldm            add!, {s12}
        affine          s0, s8, s12
        vstm            out!, {s0}
        le              lr, 3b
4:      pop             {r4, r5, r6, pc}
endfunc bnn_acc_affine_row_mve

#endif
