/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Accumulators of binary products: where they start, and what becomes of them: floats, or bits.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

start_acc       .req x0
start           .req x1
classes         .req x2
start_pixels    .req x3
class0          .req w4
class1          .req w5
class2          .req w6
class3          .req w7

.macro look_up_4
        ldp             class0, class1, [classes], #8
        ldp             class2, class3, [classes], #8
        ldr             q0, [start, class0, uxtw #4]
        ldr             q1, [start, class1, uxtw #4]
        ldr             q2, [start, class2, uxtw #4]
        ldr             q3, [start, class3, uxtw #4]
        st1             {v0.8h - v3.8h}, [start_acc], #64
.endm

/*yaml
name: bnn_acc_start_neon
slot: acc_start
arguments: {acc: x0, start: x1, classes: x2, pixels: x3}
buffers:
  acc: {access: write, bytes: "16 * pixels"}
  start: {access: read, bytes: "0 if not pixels else 16 if not classes else 16 + 16 * max(classes)"}
  classes: {access: read, bytes: "4 * pixels"}
registers: [x0, x2-x7, v0-v3]
saved: []
stack: 0
*/
func bnn_acc_start_neon
        cbz             start_pixels, 6f
        cbz             classes, 3f
        subs            start_pixels, start_pixels, #8  // pixels left behind the next 8
        b.lo            2f
1:
        look_up_4
        look_up_4
        subs            start_pixels, start_pixels, #8
        b.hs            1b
2:
        tbz             start_pixels, #2, 9f
        look_up_4
9:
        ands            start_pixels, start_pixels, #3
        b.eq            6f
10:
        ldr             class0, [classes], #4
        ldr             q0, [start, class0, uxtw #4]
        str             q0, [start_acc], #16
        subs            start_pixels, start_pixels, #1
        b.ne            10b
        ret
3:                                              // all the same
        ldr             q0, [start]
        mov             v1.16b, v0.16b
        mov             v2.16b, v0.16b
        mov             v3.16b, v0.16b
        subs            start_pixels, start_pixels, #8
        b.lo            5f
4:
        st1             {v0.8h - v3.8h}, [start_acc], #64
        st1             {v0.8h - v3.8h}, [start_acc], #64
        subs            start_pixels, start_pixels, #8
        b.hs            4b
5:
        tbz             start_pixels, #2, 7f
        st1             {v0.8h - v3.8h}, [start_acc], #64
7:
        tbz             start_pixels, #1, 8f
        st1             {v0.8h - v1.8h}, [start_acc], #32
8:
        tbz             start_pixels, #0, 6f
        str             q0, [start_acc]
6:
        ret
endfunc bnn_acc_start_neon

out             .req x0
acc             .req x1
param           .req x2
limit           .req x2
pixels          .req x3
outputs         .req x3
out_step        .req x4
bit             .req w5
mul             .req x5
add             .req x6
odd_w           .req w7
wmask           .req w6
next_out        .req x7

odd             .req v20
mul_lo          .req v16
mul_hi          .req v17
add_lo          .req v18
add_hi          .req v19

// lo, hi = -dot = 2 * acc - odd, of 8 outputs: as acc + (acc - odd) where odd may be 1
.macro even lo, hi, acc
        sshll           v\lo\().4s, v\acc\().4h, #1
        sshll2          v\hi\().4s, v\acc\().8h, #1
.endm

.macro any lo, hi, acc
        sub             v\lo\().8h, v\acc\().8h, odd.8h
        saddl2          v\hi\().4s, v\lo\().8h, v\acc\().8h
        saddl           v\lo\().4s, v\lo\().4h, v\acc\().4h
.endm

.macro to_floats lo, hi
        scvtf           v\lo\().4s, v\lo\().4s
        scvtf           v\hi\().4s, v\hi\().4s
.endm

// Rounded twice, as the slot asks: not fmls.
.macro multiply lo, hi
        fmul            v\lo\().4s, v\lo\().4s, mul_lo.4s
        fmul            v\hi\().4s, v\hi\().4s, mul_hi.4s
.endm

.macro subtract lo, hi
        fsub            v\lo\().4s, add_lo.4s, v\lo\().4s
        fsub            v\hi\().4s, add_hi.4s, v\hi\().4s
.endm

.macro store lo, hi
        st1             {v\lo\().4s, v\hi\().4s}, [out], out_step
.endm

// For 4 pixels: v4 to v7 and v24 to v27.
.macro for_4 what
        \what           4, 5
        \what           6, 7
        \what           24, 25
        \what           26, 27
.endm

.macro affine_4 dots
        ld1             {v0.8h - v3.8h}, [acc], #64
        \dots           4, 5, 0
        \dots           6, 7, 1
        \dots           24, 25, 2
        \dots           26, 27, 3
        for_4           to_floats
        for_4           multiply
        for_4           subtract
        for_4           store
.endm

.macro affine_pixels dots
        subs            pixels, pixels, #8      // pixels left behind the next 8
        b.lo            2f
1:
        affine_4        \dots
        affine_4        \dots
        subs            pixels, pixels, #8
        b.hs            1b
2:
        tbz             pixels, #2, 3f
        affine_4        \dots
3:
        ands            pixels, pixels, #3
        b.eq            5f
4:
        ldr             q0, [acc], #16
        \dots           4, 5, 0
        to_floats       4, 5
        multiply        4, 5
        subtract        4, 5
        store           4, 5
        subs            pixels, pixels, #1
        b.ne            4b
5:
        ret
.endm

/*yaml
name: bnn_acc_affine_neon
slot: acc_affine
arguments: {out: x0, acc: x1, p: x2, pixels: x3, out_step: x4}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 32 if pixels else 0"}
  acc: {access: read, bytes: "16 * pixels"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: 32}
  p.add: {access: read, bytes: 32}
registers: [x0, x1, x3, x5-x7, v0-v7, v16-v20, v24-v27]
saved: []
stack: 0
*/
func bnn_acc_affine_neon
        ldp             mul, add, [param, #ACC_AFFINE_MUL]
        ldr             odd_w, [param, #ACC_AFFINE_ODD]
        ld1             {mul_lo.4s, mul_hi.4s}, [mul]
        ld1             {add_lo.4s, add_hi.4s}, [add]
        cbnz            odd_w, 10f
        affine_pixels   even
10:
        dup             odd.8h, odd_w
        affine_pixels   any
endfunc bnn_acc_affine_neon

// Half of 32 outputs.
.macro multiply_16 a, b, c, d
        ld1             {v16.4s - v19.4s}, [mul], #64
        fmul            v\a\().4s, v\a\().4s, v16.4s
        fmul            v\b\().4s, v\b\().4s, v17.4s
        fmul            v\c\().4s, v\c\().4s, v18.4s
        fmul            v\d\().4s, v\d\().4s, v19.4s
.endm

.macro subtract_16 a, b, c, d
        ld1             {v28.4s - v31.4s}, [add], #64
        fsub            v\a\().4s, v28.4s, v\a\().4s
        fsub            v\b\().4s, v29.4s, v\b\().4s
        fsub            v\c\().4s, v30.4s, v\c\().4s
        fsub            v\d\().4s, v31.4s, v\d\().4s
.endm

/*yaml
name: bnn_acc_affine_row_neon
slot: acc_affine_row
arguments: {out: x0, acc: x1, p: x2, n: x3}
buffers:
  out: {access: write, bytes: "4 * n"}
  acc: {access: read, bytes: "2 * n"}
  p: {access: read, bytes: struct}
  p.mul: {access: read, bytes: "4 * n"}
  p.add: {access: read, bytes: "4 * n"}
registers: [x0, x1, x3, x5-x7, v0-v7, v16-v20, v24-v31]
saved: []
stack: 0
*/
func bnn_acc_affine_row_neon
        ldp             mul, add, [param, #ACC_AFFINE_MUL]
        ldr             odd_w, [param, #ACC_AFFINE_ODD]
        dup             odd.8h, odd_w
        subs            outputs, outputs, #32   // outputs left behind the next 32
        b.lo            2f
1:
        ld1             {v0.8h - v3.8h}, [acc], #64
        any             4, 5, 0
        any             6, 7, 1
        any             24, 25, 2
        any             26, 27, 3
        for_4           to_floats
        multiply_16     4, 5, 6, 7
        subtract_16     4, 5, 6, 7
        multiply_16     24, 25, 26, 27
        subtract_16     24, 25, 26, 27
        st1             {v4.4s - v7.4s}, [out], #64
        st1             {v24.4s - v27.4s}, [out], #64
        subs            outputs, outputs, #32
        b.hs            1b
2:
        adds            outputs, outputs, #32 - 8
        b.lt            4f
3:
        ldr             q0, [acc], #16
        ld1             {mul_lo.4s, mul_hi.4s}, [mul], #32
        ld1             {add_lo.4s, add_hi.4s}, [add], #32
        any             4, 5, 0
        to_floats       4, 5
        multiply        4, 5
        subtract        4, 5
        st1             {v4.4s, v5.4s}, [out], #32
        subs            outputs, outputs, #8
        b.hs            3b
4:
        adds            outputs, outputs, #8
        b.eq            6f
5:
        ldr             h0, [acc], #2
        ldr             s16, [mul], #4
        ldr             s18, [add], #4
        any             4, 5, 0
        scvtf           s4, s4
        fmul            s4, s4, s16
        fsub            s4, s18, s4
        str             s4, [out], #4
        subs            outputs, outputs, #1
        b.ne            5b
6:
        ret
endfunc bnn_acc_affine_row_neon

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
        cmgt            v0.8h, v0.8h, v7.8h     // acc > limit ? -1 : 0
        cmgt            v1.8h, v1.8h, v7.8h
        cmgt            v2.8h, v2.8h, v7.8h
        cmgt            v3.8h, v3.8h, v7.8h
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
        cmgt            v0.8h, v0.8h, v7.8h
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
