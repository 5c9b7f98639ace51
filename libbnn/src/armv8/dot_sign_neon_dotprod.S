/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers with binary weights: a byte is -1 where an output negates, so that the dot product with it is less
 * those numbers, and that with ones is the sum of all. Up to 2 pixels share the bytes. The rest of n is done number by number.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "dot.inc"

        .arch           armv8.2-a+dotprod

acc             .req x0
src             .req x1
weights         .req x2
count           .req x3
pixels          .req x4
w_at            .req x5
vectors         .req x6
left            .req x7
x_at            .req x8
row             .req x9
x_second        .req x10
lane_bits       .req x11

// Weights of 16 numbers are in v2: those of v0 (and of v1) that outputs `bit` and `next` negate, negated, to their sums a and b (c and
// d).
.macro add_negated bit, next, a, b, c, d
        cmtst           v3.16b, v2.16b, v\bit\().16b
        cmtst           v7.16b, v2.16b, v\next\().16b
        sdot            v\a\().4s, v0.16b, v3.16b
        sdot            v\b\().4s, v0.16b, v7.16b
    .ifnb \c
        sdot            v\c\().4s, v1.16b, v3.16b
        sdot            v\d\().4s, v1.16b, v7.16b
    .endif
.endm

// acc += the sum of all, v\all, and twice of those negated, v\low, v\high; then the numbers behind the last 16, from x_at.
.macro finish all, low, high
        addv            s\all, v\all\().4s
        dup             v\all\().4s, v\all\().s[0]
        ands            left, count, #15
        b.eq            2f
        add             w_at, weights, count
        sub             w_at, w_at, left
1:                                              // a lane is an output
        ld1r            {v2.8b}, [x_at], #1
        ld1r            {v3.8b}, [w_at], #1
        cmtst           v3.8b, v3.8b, v6.8b
        and             v3.8b, v3.8b, v2.8b
        sxtl            v2.8h, v2.8b
        sxtl            v3.8h, v3.8b
        saddw           v\all\().4s, v\all\().4s, v2.4h
        ssubw           v\low\().4s, v\low\().4s, v3.4h
        ssubw2          v\high\().4s, v\high\().4s, v3.8h
        subs            left, left, #1
        b.ne            1b
2:
        shl             v\low\().4s, v\low\().4s, #1
        shl             v\high\().4s, v\high\().4s, #1
        add             v\low\().4s, v\low\().4s, v\all\().4s
        add             v\high\().4s, v\high\().4s, v\all\().4s
        add_to_acc      \low, \high
.endm

/*yaml
name: bnn_dot_sign_neon_dotprod
slot: dot_sign
arguments: {acc: x0, x: x1, w: x2, n: x3, pixels: x4}
buffers:
  acc: {access: readwrite, bytes: "32 * pixels if n else 0"}
  x: {access: read, bytes: "(n + 15) // 16 * 16 * pixels"}
  w: {access: read, bytes: "n if pixels else 0"}
registers: [x0-x11, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_dot_sign_neon_dotprod
        cbz             pixels, 10f
        cbz             count, 10f
        save_d8_d15
        movi            v24.16b, #1
        movi            v25.16b, #2
        movi            v26.16b, #4
        movi            v27.16b, #8
        movi            v28.16b, #16
        movi            v29.16b, #32
        movi            v30.16b, #64
        movi            v31.16b, #128
        mov             lane_bits, #0x0201
        movk            lane_bits, #0x0804, lsl #16
        movk            lane_bits, #0x2010, lsl #32
        movk            lane_bits, #0x8040, lsl #48
        fmov            d6, lane_bits
        add             row, count, #15
        and             row, row, #-16
        lsr             vectors, count, #4
        subs            pixels, pixels, #2      // pixels behind the next 2
        b.lo            6f
3:                                              // 2 pixels: the sums of output i in v8 + i, v16 + i, all in v4, v5
        clear_sums      4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23
        add             x_second, src, row
        mov             x_at, src
        mov             w_at, weights
        cbz             vectors, 5f
        mov             left, vectors
4:
        ldr             q0, [x_at], #16
        ldr             q1, [x_second], #16
        ldr             q2, [w_at], #16
        sdot            v4.4s, v0.16b, v24.16b
        sdot            v5.4s, v1.16b, v24.16b
        add_negated     24, 25, 8, 9, 16, 17
        add_negated     26, 27, 10, 11, 18, 19
        add_negated     28, 29, 12, 13, 20, 21
        add_negated     30, 31, 14, 15, 22, 23
        subs            left, left, #1
        b.ne            4b
        add_across      8, 9, 10, 11, 12, 13, 14, 15
        add_across      16, 17, 18, 19, 20, 21, 22, 23
5:
        finish          4, 8, 12
        mov             x_at, x_second
        finish          5, 16, 20
        add             src, src, row, lsl #1
        subs            pixels, pixels, #2
        b.hs            3b
6:
        tbz             pixels, #0, 9f
        clear_sums      4, 16, 17, 18, 19, 20, 21, 22, 23
        mov             x_at, src
        mov             w_at, weights
        cbz             vectors, 8f
        mov             left, vectors
7:
        ldr             q0, [x_at], #16
        ldr             q2, [w_at], #16
        sdot            v4.4s, v0.16b, v24.16b
        add_negated     24, 25, 16, 17
        add_negated     26, 27, 18, 19
        add_negated     28, 29, 20, 21
        add_negated     30, 31, 22, 23
        subs            left, left, #1
        b.ne            7b
        add_across      16, 17, 18, 19, 20, 21, 22, 23
8:
        finish          4, 16, 20
9:
        restore_d8_d15
10:
        ret
endfunc bnn_dot_sign_neon_dotprod

#endif
