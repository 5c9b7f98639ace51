/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One pixel of floats against blocks of 8 outputs, with float and with binary weights.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
w               .req x2
k               .req x3
blocks          .req x4
next_src        .req x5
left            .req x6
weights_w       .req w7

// Four sums for each half of a block do not wait for each other: v16-v19 of outputs 0-3, v20-v23 of outputs 4-7.
.macro zero n
        movi            v\n\().4s, #0
.endm

.macro zero_sums
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23
        zero            \n
    .endr
.endm

.macro store_sums
        fadd            v16.4s, v16.4s, v17.4s
        fadd            v18.4s, v18.4s, v19.4s
        fadd            v20.4s, v20.4s, v21.4s
        fadd            v22.4s, v22.4s, v23.4s
        fadd            v16.4s, v16.4s, v18.4s
        fadd            v20.4s, v20.4s, v22.4s
        stp             q16, q20, [out], #32
.endm

// Sum n: += weights v_lo, v_hi times element n of v_x
.macro product n, lo, hi, x, sum_lo, sum_hi
        fmla            v\sum_lo\().4s, v\lo\().4s, v\x\().s[\n]
        fmla            v\sum_hi\().4s, v\hi\().4s, v\x\().s[\n]
.endm

// Weights of 4 inputs, v24-v31; first half, second half
.macro load_half a, b, c, d
        ld1             {v\a\().4s, v\b\().4s, v\c\().4s, v\d\().4s}, [w], #64
.endm

.macro four x
        load_half       24, 25, 26, 27
        product         0, 24, 25, \x, 16, 20
        load_half       28, 29, 30, 31
        product         1, 26, 27, \x, 17, 21
        product         2, 28, 29, \x, 18, 22
        product         3, 30, 31, \x, 19, 23
.endm

/*yaml
name: bnn_dense_f32_neon
slot: dense_f32
arguments: {out: x0, x: x1, w: x2, k: x3, blocks: x4}
buffers:
  out: {access: write, bytes: "32 * blocks"}
  x: {access: read, bytes: "4 * k if blocks else 0"}
  w: {access: read, bytes: "32 * k * blocks"}
registers: [x0, x2, x4-x6, v0, v1, v16-v31]
saved: []
stack: 0
*/
func bnn_dense_f32_neon
        cbz             blocks, 9f
1:                                              // for each block
        mov             next_src, src
        zero_sums
        subs            left, k, #8             // inputs left behind the next 8
        b.lo            3f
2:
        ldp             q0, q1, [next_src], #32
        four            0
        four            1
        subs            left, left, #8
        b.hs            2b
3:
        tbz             left, #2, 4f
        ldr             q0, [next_src], #16
        four            0
4:
        ands            left, left, #3
        b.eq            6f
5:
        ldr             s0, [next_src], #4
        ldp             q24, q25, [w], #32
        product         0, 24, 25, 0, 16, 20
        subs            left, left, #1
        b.ne            5b
6:
        store_sums
        subs            blocks, blocks, #1
        b.ne            1b
9:
        ret
endfunc bnn_dense_f32_neon

// Constants of binary weights. A word holds four bytes of 8 signs; v2-v5 (v6, v7, v24, v25): how far the signs of outputs 0-3 (4-7)
// in byte 0 ... 3 are from the top. v26: 1.0, v27: all but the sign bit
.macro constants
        mov             x7, #31
        movk            x7, #30, lsl #32
        mov             v2.d[0], x7
        mov             x7, #29
        movk            x7, #28, lsl #32
        mov             v2.d[1], x7
        movi            v0.4s, #4
        movi            v1.4s, #8
        sub             v6.4s, v2.4s, v0.4s
        sub             v3.4s, v2.4s, v1.4s
        sub             v7.4s, v6.4s, v1.4s
        sub             v4.4s, v3.4s, v1.4s
        sub             v24.4s, v7.4s, v1.4s
        sub             v5.4s, v4.4s, v1.4s
        sub             v25.4s, v24.4s, v1.4s
        fmov            v26.4s, #1.0
        mvni            v27.4s, #0x80, lsl #24
.endm

// v_lo, v_hi = +-1.0 from v1, words of signs, by the shifts of a byte
.macro signs lo, hi, shift_lo, shift_hi
        ushl            v\lo\().4s, v1.4s, v\shift_lo\().4s
        ushl            v\hi\().4s, v1.4s, v\shift_hi\().4s
        bit             v\lo\().16b, v26.16b, v27.16b
        bit             v\hi\().16b, v26.16b, v27.16b
.endm

.macro four_signs
        ld1r            {v1.4s}, [w], #4
        ldr             q0, [next_src], #16
        signs           28, 29, 2, 6
        signs           30, 31, 3, 7
        product         0, 28, 29, 0, 16, 20
        product         1, 30, 31, 0, 17, 21
        signs           28, 29, 4, 24
        signs           30, 31, 5, 25
        product         2, 28, 29, 0, 18, 22
        product         3, 30, 31, 0, 19, 23
.endm

/*yaml
name: bnn_dense_sign_neon
slot: dense_sign
arguments: {out: x0, x: x1, w: x2, k: x3, blocks: x4}
buffers:
  out: {access: write, bytes: "32 * blocks"}
  x: {access: read, bytes: "4 * k if blocks else 0"}
  w: {access: read, bytes: "k * blocks"}
registers: [x0, x2, x4-x7, v0-v7, v16-v31]
saved: []
stack: 0
*/
func bnn_dense_sign_neon
        cbz             blocks, 9f
        constants
1:                                              // for each block
        mov             next_src, src
        zero_sums
        subs            left, k, #32            // inputs left behind the next 32
        b.lo            3f
2:
    .rept 8
        four_signs
    .endr
        subs            left, left, #32
        b.hs            2b
3:
        adds            left, left, #32 - 4
        b.lt            6f
7:
        four_signs
        subs            left, left, #4
        b.hs            7b
6:
        ands            left, left, #3
        b.eq            5f
4:
        ldrb            weights_w, [w], #1
        ldr             s0, [next_src], #4
        dup             v1.4s, weights_w
        signs           28, 29, 2, 6
        product         0, 28, 29, 0, 16, 20
        subs            left, left, #1
        b.ne            4b
5:
        store_sums
        subs            blocks, blocks, #1
        b.ne            1b
9:
        ret
endfunc bnn_dense_sign_neon

signs_in        .req x1
n               .req x2

/*yaml
name: bnn_sign_weights_neon
slot: sign_weights
arguments: {out: x0, w: x1, n: x2}
buffers:
  out: {access: write, bytes: "32 * n"}
  w: {access: read, bytes: n}
registers: [x0-x2, x7, v0-v7, v16-v19, v24-v31]
saved: []
stack: 0
*/
func bnn_sign_weights_neon
        constants
        subs            n, n, #4                // bytes left behind the next 4
        b.lo            2f
1:
        ld1r            {v1.4s}, [signs_in], #4
        signs           28, 29, 2, 6
        signs           30, 31, 3, 7
        signs           16, 17, 4, 24
        signs           18, 19, 5, 25
        st1             {v28.4s - v31.4s}, [out], #64
        st1             {v16.4s - v19.4s}, [out], #64
        subs            n, n, #4
        b.hs            1b
2:
        ands            n, n, #3
        b.eq            4f
3:
        ldrb            weights_w, [signs_in], #1
        dup             v1.4s, weights_w
        signs           28, 29, 2, 6
        stp             q28, q29, [out], #32
        subs            n, n, #1
        b.ne            3b
4:
        ret
endfunc bnn_sign_weights_neon

#endif
