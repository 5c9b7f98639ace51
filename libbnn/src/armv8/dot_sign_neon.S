/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers with binary weights: the sum of all numbers less twice those that an output negates, 16 at a time;
 * 64 times 16 of these fit sums of 16 bits. The rest of n is done number by number.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "dot.inc"

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
most            .req x10
lane_bits       .req x11

// Bytes of ones where output `bit` negates.
.macro select by, bit
        cmtst           v\by\().16b, v1.16b, v\bit\().16b
.endm

// The numbers of v0 that are selected.
.macro keep by
        and             v\by\().16b, v\by\().16b, v0.16b
.endm

// Their sums, of 16 bits.
.macro add_up to, by
        sadalp          v\to\().8h, v\by\().16b
.endm

// 16-bit sums to 32-bit ones.
.macro widen n
        saddlp          v\n\().4s, v\n\().8h
.endm

/*yaml
name: bnn_dot_sign_neon
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
func bnn_dot_sign_neon
        cbz             pixels, 7f
        cbz             count, 7f
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
        add             row, count, #15
        and             row, row, #-16
        mov             most, #64
1:                                              // pixel
        mov             x_at, src
        mov             w_at, weights
        lsr             vectors, count, #4
        movi            v5.4s, #0               // sum of all
        movi            v6.4s, #0               // of those negated, by output
        movi            v7.4s, #0
        cbz             vectors, 4f
2:                                              // up to 64 vectors
        cmp             vectors, most
        csel            left, vectors, most, lo
        sub             vectors, vectors, left
        clear_sums      3, 16, 17, 18, 19, 20, 21, 22, 23
3:
        ldr             q0, [x_at], #16
        ldr             q1, [w_at], #16
        sadalp          v3.8h, v0.16b
        select          8, 24
        select          9, 25
        select          10, 26
        select          11, 27
        select          12, 28
        select          13, 29
        select          14, 30
        select          15, 31
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
        keep            \n
    .endr
        add_up          16, 8
        add_up          17, 9
        add_up          18, 10
        add_up          19, 11
        add_up          20, 12
        add_up          21, 13
        add_up          22, 14
        add_up          23, 15
        subs            left, left, #1
        b.ne            3b

        sadalp          v5.4s, v3.8h
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23
        widen           \n
    .endr
        add_across      16, 17, 18, 19, 20, 21, 22, 23
        add             v6.4s, v6.4s, v16.4s
        add             v7.4s, v7.4s, v20.4s
        cbnz            vectors, 2b
4:
        addv            s5, v5.4s
        dup             v5.4s, v5.s[0]
        ands            left, count, #15
        b.eq            6f
        fmov            d4, lane_bits
        movi            v3.8h, #0
        movi            v16.8h, #0
5:                                              // number: a lane is an output
        ld1r            {v0.8b}, [x_at], #1
        ld1r            {v1.8b}, [w_at], #1
        cmtst           v1.8b, v1.8b, v4.8b
        and             v1.8b, v1.8b, v0.8b
        saddw           v3.8h, v3.8h, v0.8b
        saddw           v16.8h, v16.8h, v1.8b
        subs            left, left, #1
        b.ne            5b
        saddw           v5.4s, v5.4s, v3.4h
        saddw           v6.4s, v6.4s, v16.4h
        saddw2          v7.4s, v7.4s, v16.8h
6:
        shl             v6.4s, v6.4s, #1
        shl             v7.4s, v7.4s, #1
        sub             v6.4s, v5.4s, v6.4s
        sub             v7.4s, v5.4s, v7.4s
        add_to_acc      6, 7
        add             src, src, row
        subs            pixels, pixels, #1
        b.ne            1b
        restore_d8_d15
7:
        ret
endfunc bnn_dot_sign_neon

#endif
