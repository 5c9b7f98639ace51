/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Accumulators of binary products: where they start, and what becomes of them: floats, or bits.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

class           .req r12

/*yaml
name: bnn_acc_start_neon
slot: acc_start
arguments: {acc: r0, start: r1, classes: r2, pixels: r3}
buffers:
  acc: {access: write, bytes: "16 * pixels"}
  start: {access: read, bytes: "0 if not pixels else 16 if not classes else 16 + 16 * max(classes)"}
  classes: {access: read, bytes: "4 * pixels"}
registers: [r0, r2, r3, r12, q0-q3]
saved: []
stack: 0
*/
func bnn_acc_start_neon
        cmp             r3, #0
        bxeq            lr
        cmp             r2, #0
        beq             2f
1:      ldr             class, [r2], #4
        add             class, r1, class, lsl #4
        vld1.16         {q0}, [class:128]
        vst1.16         {q0}, [r0:128]!
        subs            r3, r3, #1
        bne             1b
        bx              lr
2:      vld1.16         {q0}, [r1:128]          // all the same
        vmov            q1, q0
        vmov            q2, q0
        vmov            q3, q0
        subs            r3, r3, #4
        blo             4f
3:      vst1.16         {q0, q1}, [r0:128]!
        vst1.16         {q2, q3}, [r0:128]!
        subs            r3, r3, #4
        bhs             3b
4:      tst             r3, #2
        beq             5f
        vst1.16         {q0, q1}, [r0:128]!
5:      tst             r3, #1
        bxeq            lr
        vst1.16         {q0}, [r0:128]
        bx              lr
endfunc bnn_acc_start_neon

out             .req r0
acc             .req r1
par             .req r2                 // acc_bits: the limits
pixels          .req r3
ostep           .req r4
tmp             .req r12

/*yaml
name: bnn_acc_affine_neon
slot: acc_affine
arguments: {out: r0, acc: r1, p: r2, pixels: r3, out_step: stack0}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 32 if pixels else 0"}
  acc: {access: read, bytes: "16 * pixels"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: 32}
  p.add: {access: read, bytes: 32}
registers: [r0, r1, r3, r4, r12, q0-q3, q8-q15]
saved: [r4]
stack: 8
*/
odd             .req q8
mul0            .req q10
mul1            .req q11
add0            .req q12
add1            .req q13

// lo, hi = add - float(acc + (acc - odd)) * mul, from 8 accumulators
.macro affine lo, hi, acc, acc_lo, acc_hi
        vsub.i16        q9, \acc, odd
        vaddl.s16       \lo, d18, \acc_lo
        vaddl.s16       \hi, d19, \acc_hi
        vcvt.f32.s32    \lo, \lo
        vcvt.f32.s32    \hi, \hi
        vmul.f32        \lo, \lo, mul0
        vmul.f32        \hi, \hi, mul1
        vsub.f32        \lo, add0, \lo
        vsub.f32        \hi, add1, \hi
.endm

func bnn_acc_affine_neon
        strd            ostep, r5, [sp, #-8]!
        ldr             ostep, [sp, #8]
        ldr             tmp, [par, #ACC_AFFINE_ODD]
        vdup.16         odd, tmp
        ldr             tmp, [par, #ACC_AFFINE_MUL]
        vld1.32         {mul0, mul1}, [tmp]
        ldr             tmp, [par, #ACC_AFFINE_ADD]
        vld1.32         {add0, add1}, [tmp]
        subs            pixels, pixels, #2
        blo             2f
1:      vld1.16         {d28-d31}, [acc:128]!
        affine          q0, q1, q14, d28, d29
        affine          q2, q3, q15, d30, d31
        vst1.32         {q0, q1}, [out], ostep
        vst1.32         {q2, q3}, [out], ostep
        subs            pixels, pixels, #2
        bhs             1b
2:      tst             pixels, #1
        beq             3f
        vld1.16         {d28, d29}, [acc:128]
        affine          q0, q1, q14, d28, d29
        vst1.32         {q0, q1}, [out]
3:      ldr             ostep, [sp], #8
        bx              lr
endfunc bnn_acc_affine_neon

/*yaml
name: bnn_acc_affine_row_neon
slot: acc_affine_row
arguments: {out: r0, acc: r1, p: r2, n: r3}
buffers:
  out: {access: write, bytes: "4 * n"}
  acc: {access: read, bytes: "2 * n"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: "4 * n"}
  p.add: {access: read, bytes: "4 * n"}
registers: [r0-r3, r12, q0, q1, q8-q14]
saved: []
stack: 0
*/
next_mul        .req r2
next_add        .req r12

func bnn_acc_affine_row_neon
        ldr             tmp, [par, #ACC_AFFINE_ODD]
        vdup.16         odd, tmp
        ldr             next_add, [par, #ACC_AFFINE_ADD]
        ldr             next_mul, [par, #ACC_AFFINE_MUL]
        subs            pixels, pixels, #8
        blo             2f
1:      vld1.16         {d28, d29}, [acc]!
        vld1.32         {mul0, mul1}, [next_mul]!
        vld1.32         {add0, add1}, [next_add]!
        affine          q0, q1, q14, d28, d29
        subs            pixels, pixels, #8
        vst1.32         {q0, q1}, [out]!
        bhs             1b
2:      adds            pixels, pixels, #8
        bxeq            lr
3:      vld1.16         {d28[0]}, [acc]!        // one by one, in the first lane
        vld1.32         {d20[0]}, [next_mul]!
        vld1.32         {d24[0]}, [next_add]!
        affine          q0, q1, q14, d28, d29
        subs            pixels, pixels, #1
        vst1.32         {d0[0]}, [out]!
        bne             3b
        bx              lr
endfunc bnn_acc_affine_row_neon

/*yaml
name: bnn_acc_bits_neon
slot: acc_bits
arguments: {out: r0, acc: r1, limit: r2, pixels: r3, out_step: stack0, bit: stack1}
buffers:
  out: {access: read write, bytes: "(pixels - 1) * out_step + 8 if pixels else 0"}
  acc: {access: read, bytes: "16 * pixels"}
  limit: {access: read, bytes: 16}
registers: [r0-r5, r12, q0, q1, q8, q9]
saved: [r4, r5]
stack: 8
*/
limit           .req q8
one             .req q9                 // 1 << bit in every byte
from            .req r2                 // reads of out

func bnn_acc_bits_neon
        strd            ostep, r5, [sp, #-8]!
        ldrd            ostep, r5, [sp, #8]
        vld1.16         {limit}, [par]
        mov             tmp, #1
        lsl             tmp, tmp, r5
        vdup.8          one, tmp
        mov             from, out
        subs            pixels, pixels, #2
        blo             2f
1:      vld1.16         {q0, q1}, [acc:128]!
        vcgt.s16        q0, q0, limit
        vcgt.s16        q1, q1, limit
        vmovn.i16       d0, q0
        vmovn.i16       d1, q1
        vld1.8          {d2}, [from], ostep
        vld1.8          {d3}, [from], ostep
        vand            q0, q0, one
        vorr            q0, q0, q1
        vst1.8          {d0}, [out], ostep
        vst1.8          {d1}, [out], ostep
        subs            pixels, pixels, #2
        bhs             1b
2:      tst             pixels, #1
        beq             3f
        vld1.16         {q0}, [acc:128]
        vcgt.s16        q0, q0, limit
        vmovn.i16       d0, q0
        vld1.8          {d2}, [from]
        vand            d0, d0, d18             // half of `one`
        vorr            d0, d0, d2
        vst1.8          {d0}, [out]
3:      ldrd            ostep, r5, [sp], #8
        bx              lr
endfunc bnn_acc_bits_neon

#endif
