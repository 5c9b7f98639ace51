/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers, 16 of them by one instruction. 3 pixels by 8 outputs are 24 sums in registers; the last pixels are
 * done one by one, as are outputs of a block that has fewer.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "dot.inc"

        .arch           armv8.2-a+dotprod

acc             .req x0
src             .req x1
weights         .req x2
vectors         .req x3
pixels          .req x4
lanes           .req x5
w_at            .req x6
left            .req x7
x_at            .req x8
lane            .req x9
step            .req x10
w_first         .req x11
sum             .req w12
old             .req w13
x_second        .req x14
x_third         .req x15

// Adds the products of v\x and a vector of 8 outputs' weights.
.macro add_vector x
        ld1             {v4.16b - v7.16b}, [w_at], #64
        sdot            v16.4s, v\x\().16b, v4.16b
        sdot            v17.4s, v\x\().16b, v5.16b
        sdot            v18.4s, v\x\().16b, v6.16b
        sdot            v19.4s, v\x\().16b, v7.16b
        ld1             {v4.16b - v7.16b}, [w_at], #64
        sdot            v20.4s, v\x\().16b, v4.16b
        sdot            v21.4s, v\x\().16b, v5.16b
        sdot            v22.4s, v\x\().16b, v6.16b
        sdot            v23.4s, v\x\().16b, v7.16b
.endm

// Adds the products of v0, v1 and v2, one of each pixel, and an output's weights.
.macro add_three w, a, b, c
        sdot            v\a\().4s, v0.16b, v\w\().16b
        sdot            v\b\().4s, v1.16b, v\w\().16b
        sdot            v\c\().4s, v2.16b, v\w\().16b
.endm

/*yaml
name: bnn_dot_s8_neon_dotprod
slot: dot_s8
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4, lanes: x5}
buffers:
  acc: {access: readwrite, bytes: "32 * (pixels - 1) + 4 * lanes if pixels and vectors else 0"}
  x: {access: read, bytes: 16 * vectors * pixels}
  w: {access: read, bytes: "16 * vectors * lanes if pixels else 0"}
registers: [x0-x15, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_dot_s8_neon_dotprod
        cbz             vectors, 12f
        cmp             lanes, #8
        b.ne            9f
        subs            pixels, pixels, #3      // pixels behind the next 3
        b.lo            3f
        lsl             step, vectors, #4
        save_d8_d15
1:                                              // 3 pixels: the sums of output i in v8 + i, v16 + i, v24 + i
        clear_sums      8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        add             x_second, src, step
        add             x_third, x_second, step
        mov             w_at, weights
        mov             left, vectors
2:
        ldr             q0, [src], #16
        ldr             q1, [x_second], #16
        ldr             q2, [x_third], #16
        ld1             {v3.16b - v6.16b}, [w_at], #64
        add_three       3, 8, 16, 24
        add_three       4, 9, 17, 25
        add_three       5, 10, 18, 26
        add_three       6, 11, 19, 27
        ld1             {v3.16b - v6.16b}, [w_at], #64
        add_three       3, 12, 20, 28
        add_three       4, 13, 21, 29
        add_three       5, 14, 22, 30
        add_three       6, 15, 23, 31
        subs            left, left, #1
        b.ne            2b

        add_across      8, 9, 10, 11, 12, 13, 14, 15
        add_across      16, 17, 18, 19, 20, 21, 22, 23
        add_across      24, 25, 26, 27, 28, 29, 30, 31
        add_to_acc      8, 12
        add_to_acc      16, 20
        add_to_acc      24, 28
        mov             src, x_third
        subs            pixels, pixels, #3
        b.hs            1b
        restore_d8_d15
3:
        adds            pixels, pixels, #3
        b.eq            12f
4:                                              // one pixel
        clear_sums      16, 17, 18, 19, 20, 21, 22, 23
        mov             w_at, weights
        subs            left, vectors, #4       // vectors behind the next 4
        b.lo            6f
5:
        ldp             q0, q1, [src], #32
        ldp             q2, q3, [src], #32
        add_vector      0
        add_vector      1
        add_vector      2
        add_vector      3
        subs            left, left, #4
        b.hs            5b
6:
        adds            left, left, #4
        b.eq            8f
7:
        ldr             q0, [src], #16
        add_vector      0
        subs            left, left, #1
        b.ne            7b
8:
        add_across      16, 17, 18, 19, 20, 21, 22, 23
        add_to_acc      16, 20
        subs            pixels, pixels, #1
        b.ne            4b
        ret

9:                                              // fewer outputs: pixel,
        cbz             pixels, 12f
        lsl             step, lanes, #4
        mov             w_first, weights
        mov             lane, lanes
10:                                              // output,
        movi            v16.4s, #0
        mov             x_at, src
        mov             w_at, w_first
        mov             left, vectors
11:                                              // vector
        ldr             q0, [x_at], #16
        ld1             {v4.16b}, [w_at], step
        sdot            v16.4s, v0.16b, v4.16b
        subs            left, left, #1
        b.ne            11b
        addv            s16, v16.4s
        fmov            sum, s16
        ldr             old, [acc]
        add             old, old, sum
        str             old, [acc], #4
        add             w_first, w_first, #16
        subs            lane, lane, #1
        b.ne            10b
        mov             src, x_at
        add             acc, acc, #32
        sub             acc, acc, lanes, lsl #2
        subs            pixels, pixels, #1
        b.ne            9b
12:
        ret
endfunc bnn_dot_s8_neon_dotprod

#endif
