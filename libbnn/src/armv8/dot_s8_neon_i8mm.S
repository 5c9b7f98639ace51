/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Dot products of 8-bit numbers, of 2 pixels with 2 outputs at once: smmla multiplies two rows of 8 numbers with two others. Loads
 * that part halves make the rows, so nothing is moved: of two outputs' weights, and lane by lane of two pixels. Tiles of 8, 4 and
 * 2 pixels; a last pixel, and blocks of fewer outputs, are those of dotprod.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "matrix.inc"

acc             .req x0
src             .req x1
weights         .req x2
vectors         .req x3
pixels          .req x4
lanes           .req x5
w_at            .req x6
left            .req x7
step            .req x8
acc_at          .req x9

// Weights of a vector: the first halves of two outputs in v0, v2, v4 and v6, the second ones behind them.
.macro load_weights
        ld2             {v0.2d, v1.2d}, [w_at], #32
        ld2             {v2.2d, v3.2d}, [w_at], #32
        ld2             {v4.2d, v5.2d}, [w_at], #32
        ld2             {v6.2d, v7.2d}, [w_at], #32
.endm

// Adds the products of a vector of two pixels.
.macro add_pair low, high, a, b, c, d
        add_rows        \low, 0, 2, 4, 6, \a, \b, \c, \d
        add_rows        \high, 1, 3, 5, 7, \a, \b, \c, \d
.endm

.macro begin
        mov             w_at, weights
        mov             left, vectors
.endm

/*yaml
name: bnn_dot_s8_neon_i8mm
slot: dot_s8
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4, lanes: x5}
buffers:
  acc: {access: readwrite, bytes: "32 * (pixels - 1) + 4 * lanes if pixels and vectors else 0"}
  x: {access: read, bytes: 16 * vectors * pixels}
  w: {access: read, bytes: "16 * vectors * lanes if pixels else 0"}
registers: [x0-x17, v0-v31]
saved: [d8-d15]
stack: 64
*/
func bnn_dot_s8_neon_i8mm
        cmp             pixels, #2
        ccmp            lanes, #8, #0, hs       // ne if pixels < 2
        b.ne            8f
        cbz             vectors, 8f
        lsl             step, vectors, #4
        subs            pixels, pixels, #8      // pixels behind the next 8
        b.lo            3f
        save_d8_d15
1:
        mov             acc_at, acc
        load_sums       acc_at, 16, 19
        load_sums       acc_at, 20, 23
        load_sums       acc_at, 24, 27
        load_sums       acc_at, 28, 31
        add             x10, src, step
        add             x11, x10, step
        add             x12, x11, step
        add             x13, x12, step
        add             x14, x13, step
        add             x15, x14, step
        add             x16, x15, step
        begin
2:
        load_weights
        load_pair       8, 9, src, x10
        load_pair       10, 11, x11, x12
        add_pair        8, 9, 16, 17, 18, 19
        load_pair       12, 13, x13, x14
        add_pair        10, 11, 20, 21, 22, 23
        load_pair       14, 15, x15, x16
        add_pair        12, 13, 24, 25, 26, 27
        add_pair        14, 15, 28, 29, 30, 31
        subs            left, left, #1
        b.ne            2b
        store_sums      16, 19
        store_sums      20, 23
        store_sums      24, 27
        store_sums      28, 31
        mov             src, x16
        subs            pixels, pixels, #8
        b.hs            1b
        restore_d8_d15
3:
        tbz             pixels, #2, 5f
        mov             acc_at, acc
        load_sums       acc_at, 16, 19
        load_sums       acc_at, 20, 23
        add             x10, src, step
        add             x11, x10, step
        add             x12, x11, step
        begin
4:
        load_weights
        load_pair       24, 25, src, x10
        load_pair       26, 27, x11, x12
        add_pair        24, 25, 16, 17, 18, 19
        add_pair        26, 27, 20, 21, 22, 23
        subs            left, left, #1
        b.ne            4b
        store_sums      16, 19
        store_sums      20, 23
        mov             src, x12
5:
        tbz             pixels, #1, 7f
        mov             acc_at, acc
        load_sums       acc_at, 16, 19
        add             x10, src, step
        begin
6:
        load_weights
        load_pair       24, 25, src, x10
        add_pair        24, 25, 16, 17, 18, 19
        subs            left, left, #1
        b.ne            6b
        store_sums      16, 19
        mov             src, x10
7:
        ands            pixels, pixels, #1
        b.eq            9f
8:
        jump            bnn_dot_s8_neon_dotprod
9:
        ret
endfunc bnn_dot_s8_neon_i8mm

#endif
