/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers with binary weights, which become rows of +1 and -1 for products of matrices: the bits of 8 numbers,
 * twice in a vector, are compared with those of two outputs, and every byte gets a 1. Tiles of 8, 4 and 2 pixels; a last pixel is that
 * of dotprod. Of the numbers behind the last 16, weights are collected first, and ones for those that are there.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "matrix.inc"

acc             .req x0
src             .req x1
weights         .req x2
count           .req x3
pixels          .req x4
w_at            .req x5
left            .req x6
row             .req x7
acc_at          .req x8
byte            .req x8
one             .req x9
rest_first      .req x10        // weights of the last numbers, 8 and 8
rest_second     .req x11
ones_first      .req x12
ones_second     .req x13

// 16 numbers of 2 * \pairs pixels: the first ones in v8, v10, v12, v14, the second ones behind them.
.macro load_numbers pairs
        load_pair       8, 9, src, x8
    .if \pairs > 1
        load_pair       10, 11, x9, x14
    .endif
    .if \pairs > 2
        load_pair       12, 13, x15, x16
        load_pair       14, 15, x17, x7
    .endif
.endm

// Adds the products of 8 numbers and two outputs, whose bits are in v\bits, by way of v\by; weights are twice in v4, ones in v7.
.macro add_outputs pairs, bits, by, x0, x1, x2, x3, a, b, c, d
        cmtst           v\by\().16b, v4.16b, v\bits\().16b
        orr             v\by\().16b, v\by\().16b, v7.16b
        smmla           v\a\().4s, v\x0\().16b, v\by\().16b
    .if \pairs > 1
        smmla           v\b\().4s, v\x1\().16b, v\by\().16b
    .endif
    .if \pairs > 2
        smmla           v\c\().4s, v\x2\().16b, v\by\().16b
        smmla           v\d\().4s, v\x3\().16b, v\by\().16b
    .endif
.endm

.macro add_numbers pairs, x0, x1, x2, x3
        add_outputs     \pairs, 0, 5, \x0, \x1, \x2, \x3, 16, 20, 24, 28
        add_outputs     \pairs, 1, 6, \x0, \x1, \x2, \x3, 17, 21, 25, 29
        add_outputs     \pairs, 2, 5, \x0, \x1, \x2, \x3, 18, 22, 26, 30
        add_outputs     \pairs, 3, 6, \x0, \x1, \x2, \x3, 19, 23, 27, 31
.endm

// The sums of 2 * \pairs pixels; \last is the address of the last one.
.macro tile pairs, last
        mov             acc_at, acc
        load_sums       acc_at, 16, 19
    .if \pairs > 1
        load_sums       acc_at, 20, 23
    .endif
    .if \pairs > 2
        load_sums       acc_at, 24, 27
        load_sums       acc_at, 28, 31
    .endif
        add             row, count, #15
        and             row, row, #-16
        add             x8, src, row
        add             x9, x8, row
        add             x14, x9, row
        add             x15, x14, row
        add             x16, x15, row
        add             x17, x16, row
        add             x7, x17, row            // this is row
        movi            v7.16b, #1
        mov             w_at, weights
        lsr             left, count, #4
        cbz             left, 2f
1:
        load_numbers    \pairs
        ld1r            {v4.2d}, [w_at], #8
        add_numbers     \pairs, 8, 10, 12, 14
        ld1r            {v4.2d}, [w_at], #8
        add_numbers     \pairs, 9, 11, 13, 15
        subs            left, left, #1
        b.ne            1b
2:
        tst             count, #15
        b.eq            3f
        load_numbers    \pairs
        dup             v4.2d, rest_first
        dup             v7.2d, ones_first
        add_numbers     \pairs, 8, 10, 12, 14
        dup             v4.2d, rest_second
        dup             v7.2d, ones_second
        add_numbers     \pairs, 9, 11, 13, 15
3:
        store_sums      16, 19
    .if \pairs > 1
        store_sums      20, 23
    .endif
    .if \pairs > 2
        store_sums      24, 27
        store_sums      28, 31
    .endif
        mov             src, \last
.endm

/*yaml
name: bnn_dot_sign_neon_i8mm
slot: dot_sign
arguments: {acc: x0, x: x1, w: x2, n: x3, pixels: x4}
buffers:
  acc: {access: readwrite, bytes: "32 * pixels if n else 0"}
  x: {access: read, bytes: "(n + 15) // 16 * 16 * pixels"}
  w: {access: read, bytes: "n if pixels else 0"}
registers: [x0-x17, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_dot_sign_neon_i8mm
        cmp             pixels, #2
        b.lo            9f
        cbz             count, 9f
        save_d8_d15
        movi            v0.8b, #1               // the bits of two outputs, 8 bytes each
        movi            v4.8b, #2
        ins             v0.d[1], v4.d[0]
        shl             v1.16b, v0.16b, #2
        shl             v2.16b, v0.16b, #4
        shl             v3.16b, v0.16b, #6
        mov             rest_first, #0
        mov             rest_second, #0
        mov             ones_first, #0
        mov             ones_second, #0
        mov             one, #1
        add             w_at, weights, count
        ands            left, count, #15
        b.eq            5f
4:                                              // from the last one on
        ldrb            w8, [w_at, #-1]!
        extr            rest_second, rest_second, rest_first, #56
        extr            ones_second, ones_second, ones_first, #56
        orr             rest_first, byte, rest_first, lsl #8
        orr             ones_first, one, ones_first, lsl #8
        subs            left, left, #1
        b.ne            4b
5:
        subs            pixels, pixels, #8      // pixels behind the next 8
        b.lo            7f
6:
        tile            4, x7
        subs            pixels, pixels, #8
        b.hs            6b
7:
        tbz             pixels, #2, 8f
        tile            2, x14
8:
        tbz             pixels, #1, 8f
        tile            1, x8
8:
        and             pixels, pixels, #1
        restore_d8_d15
9:
        jump            bnn_dot_sign_neon_dotprod
endfunc bnn_dot_sign_neon_i8mm

#endif
