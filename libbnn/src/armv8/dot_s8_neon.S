/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers. No weight is -128, so two products fit 16 bits: smull, smlal2 and one sadalp for 16 of them.
 * 8 outputs share the loads of x; fewer are computed one after the other.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "dot.inc"

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

// Adds the products of v0 and v\w to the 4 sums of v\to, by way of v\by.
.macro add_products to, w, by
        smull           v\by\().8h, v0.8b, v\w\().8b
        smlal2          v\by\().8h, v0.16b, v\w\().16b
        sadalp          v\to\().4s, v\by\().8h
.endm

/*yaml
name: bnn_dot_s8_neon
slot: dot_s8
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4, lanes: x5}
buffers:
  acc: {access: readwrite, bytes: "32 * (pixels - 1) + 4 * lanes if pixels and vectors else 0"}
  x: {access: read, bytes: 16 * vectors * pixels}
  w: {access: read, bytes: "16 * vectors * lanes if pixels else 0"}
registers: [x0-x13, v0-v7, v16-v24]
saved: []
stack: 0
*/
func bnn_dot_s8_neon
        cbz             vectors, 6f
        cbz             pixels, 6f
        cmp             lanes, #8
        b.ne            3f
1:
        clear_sums      16, 17, 18, 19, 20, 21, 22, 23
        mov             w_at, weights
        mov             left, vectors
2:
        ldr             q0, [src], #16
        ld1             {v4.16b - v7.16b}, [w_at], #64
        add_products    16, 4, 1
        add_products    17, 5, 2
        add_products    18, 6, 3
        add_products    19, 7, 24
        ld1             {v4.16b - v7.16b}, [w_at], #64
        add_products    20, 4, 1
        add_products    21, 5, 2
        add_products    22, 6, 3
        add_products    23, 7, 24
        subs            left, left, #1
        b.ne            2b

        add_across      16, 17, 18, 19, 20, 21, 22, 23
        add_to_acc      16, 20
        subs            pixels, pixels, #1
        b.ne            1b
        ret

3:                                              // fewer outputs: pixel,
        lsl             step, lanes, #4
        mov             w_first, weights
        mov             lane, lanes
4:                                              // output,
        movi            v16.4s, #0
        mov             x_at, src
        mov             w_at, w_first
        mov             left, vectors
5:                                              // vector
        ldr             q0, [x_at], #16
        ld1             {v4.16b}, [w_at], step
        add_products    16, 4, 1
        subs            left, left, #1
        b.ne            5b
        addv            s16, v16.4s
        fmov            sum, s16
        ldr             old, [acc]
        add             old, old, sum
        str             old, [acc], #4
        add             w_first, w_first, #16
        subs            lane, lane, #1
        b.ne            4b
        mov             src, x_at
        add             acc, acc, #32
        sub             acc, acc, lanes, lsl #2
        subs            pixels, pixels, #1
        b.ne            3b
6:
        ret
endfunc bnn_dot_s8_neon

#endif
