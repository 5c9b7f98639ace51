/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sums of 8-bit products to floats, 8 outputs of a pixel at a time.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
acc             .req r1
mul             .req r2
add_            .req r3
step            .req r2
pixels          .req r12

/*yaml
name: bnn_sum_affine_neon
slot: sum_affine
arguments: {out: r0, acc: r1, mul: r2, add: r3, pixels: stack0, out_step: stack1}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 32 if pixels else 0"}
  acc: {access: read, bytes: 32 * pixels}
  mul: {access: read, bytes: "32 if pixels else 0"}
  add: {access: read, bytes: "32 if pixels else 0"}
registers: [r0-r2, r12, q0, q1, q8-q11]
saved: []
stack: 0
*/
func bnn_sum_affine_neon
        ldr             pixels, [sp]
        cmp             pixels, #0
        bxeq            lr
        vld1.32         {d16 - d19}, [mul]
        vld1.32         {d20 - d23}, [add_]
        ldr             step, [sp, #4]
1:      vld1.32         {d0 - d3}, [acc]!
        vcvt.f32.s32    q0, q0
        vcvt.f32.s32    q1, q1
        vmul.f32        q0, q0, q8
        vmul.f32        q1, q1, q9
        vadd.f32        q0, q0, q10
        vadd.f32        q1, q1, q11
        vst1.32         {d0 - d3}, [out], step
        subs            pixels, pixels, #1
        bne             1b
        bx              lr
endfunc bnn_sum_affine_neon

#endif
