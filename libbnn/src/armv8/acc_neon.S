/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of popcounts: floats, or bits. 4 pixels at a time, then 1.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
acc             .req x1
param           .req x2
limit           .req x2
pixels          .req x3
out_step        .req x4
bit             .req w5
base            .req x6
mul             .req x7
add             .req x8
wmask           .req w6
next_out        .req x7

base_lo         .req v16
base_hi         .req v17
mul_lo          .req v18
mul_hi          .req v19
add_lo          .req v20
add_hi          .req v21

// lo, hi = 2 * acc
.macro affine_widen lo, hi, acc
        ushll           v\lo\().4s, v\acc\().4h, #1
        ushll2          v\hi\().4s, v\acc\().8h, #1
.endm

// dot = base - 2 * acc
.macro affine_dot lo, hi
        sub             v\lo\().4s, base_lo.4s, v\lo\().4s
        sub             v\hi\().4s, base_hi.4s, v\hi\().4s
.endm

.macro affine_float lo, hi
        scvtf           v\lo\().4s, v\lo\().4s
        scvtf           v\hi\().4s, v\hi\().4s
.endm

// Rounded twice, as the slot asks: not fmla.
.macro affine_mul lo, hi
        fmul            v\lo\().4s, v\lo\().4s, mul_lo.4s
        fmul            v\hi\().4s, v\hi\().4s, mul_hi.4s
.endm

.macro affine_add lo, hi
        fadd            v\lo\().4s, v\lo\().4s, add_lo.4s
        fadd            v\hi\().4s, v\hi\().4s, add_hi.4s
.endm

.macro affine_store lo, hi
        st1             {v\lo\().4s, v\hi\().4s}, [out], out_step
.endm

// The same for 4 pixels: v4 to v7 and v24 to v27.
.macro affine_4 what
        affine_\what    4, 5
        affine_\what    6, 7
        affine_\what    24, 25
        affine_\what    26, 27
.endm

/*yaml
name: bnn_acc_affine_neon
slot: acc_affine
arguments: {out: x0, acc: x1, p: x2, pixels: x3, out_step: x4}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 32 if pixels else 0"}
  acc: {access: read, bytes: "16 * pixels"}
  p: {access: read, bytes: struct}
  p.base: {access: read, bytes: 32}
  p.mul: {access: read, bytes: 32}
  p.add: {access: read, bytes: 32}
registers: [x0-x8, v0-v7, v16-v21, v24-v27]
saved: []
stack: 0
*/
func bnn_acc_affine_neon
        ldp             base, mul, [param, #ACC_AFFINE_BASE]
        ldr             add, [param, #ACC_AFFINE_ADD]
        ld1             {base_lo.4s, base_hi.4s}, [base]
        ld1             {mul_lo.4s, mul_hi.4s}, [mul]
        ld1             {add_lo.4s, add_hi.4s}, [add]
        subs            pixels, pixels, #4      // pixels left behind the next 4
        b.lo            2f
1:
        ld1             {v0.8h - v3.8h}, [acc], #64
        affine_widen    4, 5, 0
        affine_widen    6, 7, 1
        affine_widen    24, 25, 2
        affine_widen    26, 27, 3
        affine_4        dot
        affine_4        float
        affine_4        mul
        affine_4        add
        affine_4        store
        subs            pixels, pixels, #4
        b.hs            1b
2:
        adds            pixels, pixels, #4
        b.eq            4f
3:
        ld1             {v0.8h}, [acc], #16
        affine_widen    4, 5, 0
        affine_dot      4, 5
        affine_float    4, 5
        affine_mul      4, 5
        affine_add      4, 5
        affine_store    4, 5
        subs            pixels, pixels, #1
        b.ne            3b
4:
        ret
endfunc bnn_acc_affine_neon

/*yaml
name: bnn_acc_bits_neon
slot: acc_bits
arguments: {out: x0, acc: x1, limit: x2, pixels: x3, out_step: x4, bit: x5}
buffers:
  out: {access: readwrite, bytes: "(pixels - 1) * out_step + 8 if pixels else 0"}
  acc: {access: read, bytes: "16 * pixels"}
  limit: {access: read, bytes: 16}
registers: [x0-x4, x6, x7, v0-v7, v16]
saved: []
stack: 0
*/
func bnn_acc_bits_neon
        ld1             {v7.8h}, [limit]
        mov             wmask, #1
        lsl             wmask, wmask, bit
        dup             v16.16b, wmask          // 1 << bit
        mov             next_out, out
        subs            pixels, pixels, #4
        b.lo            2f
1:
        ld1             {v0.8h - v3.8h}, [acc], #64
        ld1             {v4.d}[0], [next_out], out_step
        ld1             {v5.d}[0], [next_out], out_step
        ld1             {v4.d}[1], [next_out], out_step
        ld1             {v5.d}[1], [next_out], out_step
        cmhs            v0.8h, v0.8h, v7.8h     // acc >= limit ? -1 : 0
        cmhs            v1.8h, v1.8h, v7.8h
        cmhs            v2.8h, v2.8h, v7.8h
        cmhs            v3.8h, v3.8h, v7.8h
        uzp1            v0.16b, v0.16b, v2.16b  // pixels 0 and 2
        uzp1            v1.16b, v1.16b, v3.16b
        and             v0.16b, v0.16b, v16.16b
        and             v1.16b, v1.16b, v16.16b
        orr             v4.16b, v4.16b, v0.16b
        orr             v5.16b, v5.16b, v1.16b
        st1             {v4.d}[0], [out], out_step
        st1             {v5.d}[0], [out], out_step
        st1             {v4.d}[1], [out], out_step
        st1             {v5.d}[1], [out], out_step
        subs            pixels, pixels, #4
        b.hs            1b
2:
        adds            pixels, pixels, #4
        b.eq            4f
3:
        ld1             {v0.8h}, [acc], #16
        ld1             {v4.8b}, [out]
        cmhs            v0.8h, v0.8h, v7.8h
        xtn             v0.8b, v0.8h
        and             v0.8b, v0.8b, v16.8b
        orr             v4.8b, v4.8b, v0.8b
        st1             {v4.8b}, [out], out_step
        subs            pixels, pixels, #1
        b.ne            3b
4:
        ret
endfunc bnn_acc_bits_neon

#endif
