/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers. No weight is -128, so two products fit 16 bits: smull, smlal2 and one sadalp for 16 of them.
 * 2 pixels by 8 outputs are 16 sums in registers, a last pixel is done alone; fewer outputs are computed one after the other. Steps of 4
 * or 8 products are interleaved, since each depends on the one before.
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
x_second        .req x14

// Of 4 outputs, whose weights are in v4 to v7: \half of the products with v\x, to v28 to v31.
.macro multiply op, half, x
        \op             v28.8h, v\x\().\half, v4.\half
        \op             v29.8h, v\x\().\half, v5.\half
        \op             v30.8h, v\x\().\half, v6.\half
        \op             v31.8h, v\x\().\half, v7.\half
.endm

// The same with v0 and v1, one of each pixel, to v24 to v31.
.macro multiply_two op, half
        \op             v24.8h, v0.\half, v4.\half
        \op             v25.8h, v1.\half, v4.\half
        \op             v26.8h, v0.\half, v5.\half
        \op             v27.8h, v1.\half, v5.\half
        \op             v28.8h, v0.\half, v6.\half
        \op             v29.8h, v1.\half, v6.\half
        \op             v30.8h, v0.\half, v7.\half
        \op             v31.8h, v1.\half, v7.\half
.endm

// Adds the products of v\x and 4 outputs' weights to their sums.
.macro add_four x, a, b, c, d
        ld1             {v4.16b - v7.16b}, [w_at], #64
        multiply        smull, 8b, \x
        multiply        smlal2, 16b, \x
        sadalp          v\a\().4s, v28.8h
        sadalp          v\b\().4s, v29.8h
        sadalp          v\c\().4s, v30.8h
        sadalp          v\d\().4s, v31.8h
.endm

.macro add_vector x
        add_four        \x, 16, 17, 18, 19
        add_four        \x, 20, 21, 22, 23
.endm

// The same of two pixels: a-d are the sums of the first, e-h of the second.
.macro add_two a, b, c, d, e, f, g, h
        ld1             {v4.16b - v7.16b}, [w_at], #64
        multiply_two    smull, 8b
        multiply_two    smlal2, 16b
        sadalp          v\a\().4s, v24.8h
        sadalp          v\e\().4s, v25.8h
        sadalp          v\b\().4s, v26.8h
        sadalp          v\f\().4s, v27.8h
        sadalp          v\c\().4s, v28.8h
        sadalp          v\g\().4s, v29.8h
        sadalp          v\d\().4s, v30.8h
        sadalp          v\h\().4s, v31.8h
.endm

/*yaml
name: bnn_dot_s8_neon
slot: dot_s8
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4, lanes: x5}
buffers:
  acc: {access: readwrite, bytes: "32 * (pixels - 1) + 4 * lanes if pixels and vectors else 0"}
  x: {access: read, bytes: 16 * vectors * pixels}
  w: {access: read, bytes: "16 * vectors * lanes if pixels else 0"}
registers: [x0-x14, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_dot_s8_neon
        cbz             vectors, 11f
        cbz             pixels, 11f
        cmp             lanes, #8
        b.ne            8f
        lsl             step, vectors, #4
        subs            pixels, pixels, #2      // pixels behind the next 2
        b.lo            3f
        save_d8_d15
1:
        clear_sums      8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23
        add             x_second, src, step
        mov             w_at, weights
        mov             left, vectors
2:
        ldr             q0, [src], #16
        ldr             q1, [x_second], #16
        add_two         8, 9, 10, 11, 16, 17, 18, 19
        add_two         12, 13, 14, 15, 20, 21, 22, 23
        subs            left, left, #1
        b.ne            2b
        add_across      8, 9, 10, 11, 12, 13, 14, 15
        add_across      16, 17, 18, 19, 20, 21, 22, 23
        add_to_acc      8, 12
        add_to_acc      16, 20
        mov             src, x_second
        subs            pixels, pixels, #2
        b.hs            1b
        restore_d8_d15
3:
        tbz             pixels, #0, 11f
        clear_sums      16, 17, 18, 19, 20, 21, 22, 23
        mov             w_at, weights
        subs            left, vectors, #4       // vectors behind the next 4
        b.lo            5f
4:
        ldp             q0, q1, [src], #32
        ldp             q2, q3, [src], #32
        add_vector      0
        add_vector      1
        add_vector      2
        add_vector      3
        subs            left, left, #4
        b.hs            4b
5:
        adds            left, left, #4
        b.eq            7f
6:
        ldr             q0, [src], #16
        add_vector      0
        subs            left, left, #1
        b.ne            6b
7:
        add_across      16, 17, 18, 19, 20, 21, 22, 23
        add_to_acc      16, 20
        ret

8:                                              // fewer outputs: pixel,
        lsl             step, lanes, #4
        mov             w_first, weights
        mov             lane, lanes
9:                                              // output,
        movi            v16.4s, #0
        mov             x_at, src
        mov             w_at, w_first
        mov             left, vectors
10:                                              // vector
        ldr             q0, [x_at], #16
        ld1             {v4.16b}, [w_at], step
        smull           v1.8h, v0.8b, v4.8b
        smlal2          v1.8h, v0.16b, v4.16b
        sadalp          v16.4s, v1.8h
        subs            left, left, #1
        b.ne            10b
        addv            s16, v16.4s
        fmov            sum, s16
        ldr             old, [acc]
        add             old, old, sum
        str             old, [acc], #4
        add             w_first, w_first, #16
        subs            lane, lane, #1
        b.ne            9b
        mov             src, x_at
        add             acc, acc, #32
        sub             acc, acc, lanes, lsl #2
        subs            pixels, pixels, #1
        b.ne            8b
11:
        ret
endfunc bnn_dot_s8_neon

#endif
