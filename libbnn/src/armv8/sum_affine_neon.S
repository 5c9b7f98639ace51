/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sums of 8-bit products to floats, 2 pixels of 8 outputs at a time.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
acc             .req x1
mul             .req x2
add_            .req x3
pixels          .req x4
step            .req x5

// v\low, v\high: sums of 8 outputs, to floats.
.macro affine low, high
        scvtf           v\low\().4s, v\low\().4s
        scvtf           v\high\().4s, v\high\().4s
        fmul            v\low\().4s, v\low\().4s, v4.4s
        fmul            v\high\().4s, v\high\().4s, v5.4s
        fadd            v\low\().4s, v\low\().4s, v6.4s
        fadd            v\high\().4s, v\high\().4s, v7.4s
        stp             q\low, q\high, [out]
        add             out, out, step
.endm

/*yaml
name: bnn_sum_affine_neon
slot: sum_affine
arguments: {out: x0, acc: x1, mul: x2, add: x3, pixels: x4, out_step: x5}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 32 if pixels else 0"}
  acc: {access: read, bytes: 32 * pixels}
  mul: {access: read, bytes: "32 if pixels else 0"}
  add: {access: read, bytes: "32 if pixels else 0"}
registers: [x0, x1, x4, v0-v7]
saved: []
stack: 0
*/
func bnn_sum_affine_neon
        cbz             pixels, 3f
        ldp             q4, q5, [mul]
        ldp             q6, q7, [add_]
        subs            pixels, pixels, #2
        b.lo            2f
1:
        ldp             q0, q1, [acc], #32
        ldp             q2, q3, [acc], #32
        affine          0, 1
        affine          2, 3
        subs            pixels, pixels, #2
        b.hs            1b
2:
        tbz             pixels, #0, 3f
        ldp             q0, q1, [acc]
        affine          0, 1
3:
        ret
endfunc bnn_sum_affine_neon

#endif
