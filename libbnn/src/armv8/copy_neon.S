/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of tiles, row by row, and their transposition, by 4 x 4 floats.
 */
#include "vec.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
tile            .req x2
pixels          .req x3
channels        .req x4
out_step        .req x5
src_step        .req x6
left            .req x7
next_out        .req x8
next_src        .req x9
row1            .req x10                        // next_src is the first of four
row2            .req x11
row3            .req x12

.macro copy n
        load            \n, value, next_src, #4 * \n
        store           \n, next_out, #4 * \n
.endm

/*yaml
name: bnn_copy_f32_neon
slot: copy_f32
arguments: {out: x0, x: x1, tile: x2}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
registers: [x0, x1, x3-x9, v0-v3]
saved: []
stack: 0
*/
func bnn_copy_f32_neon
        ldp             pixels, channels, [tile, #TILE_PIXELS]
        ldp             out_step, src_step, [tile, #TILE_OUT_STEP]
        cbz             pixels, 9f
1:
        mov             next_src, src
        mov             next_out, out
        subs            left, channels, #16     // channels left behind the next 16
        b.lo            3f
2:
        copy            16
        subs            left, left, #16
        b.hs            2b
3:
        tbz             left, #3, 4f
        copy            8
4:
        tbz             left, #2, 5f
        copy            4
5:
        ands            left, left, #3
        b.eq            7f
6:
        copy            1
        subs            left, left, #1
        b.ne            6b
7:
        add             src, src, src_step
        add             out, out, out_step
        subs            pixels, pixels, #1
        b.ne            1b
9:
        ret
endfunc bnn_copy_f32_neon

// The next 4 pixels (or 1) of n channels, which are rows of x.
.macro load_rows n, lanes
    .if \lanes == 4
        ldr             q0, [next_src], #16
      .if \n > 1
        ldr             q1, [row1], #16
      .endif
      .if \n > 2
        ldr             q2, [row2], #16
      .endif
      .if \n > 3
        ldr             q3, [row3], #16
      .endif
    .else
        ldr             s0, [next_src], #4
      .if \n > 1
        ldr             s1, [row1], #4
      .endif
      .if \n > 2
        ldr             s2, [row2], #4
      .endif
      .if \n > 3
        ldr             s3, [row3], #4
      .endif
    .endif
.endm

.macro store_lane n, lane
    .if \n == 4
        st4             {v0.s, v1.s, v2.s, v3.s}[\lane], [next_out], out_step
    .elseif \n == 3
        st3             {v0.s, v1.s, v2.s}[\lane], [next_out], out_step
    .elseif \n == 2
        st2             {v0.s, v1.s}[\lane], [next_out], out_step
    .else
        st1             {v0.s}[\lane], [next_out], out_step
    .endif
.endm

// n channels of all pixels.
.macro rows n
        mov             next_src, src
        add             row1, src, src_step
        add             row2, row1, src_step
        add             row3, row2, src_step
        mov             next_out, out
        subs            left, pixels, #4        // pixels left behind the next 4
        b.lo            6f
5:
        load_rows       \n, 4
        store_lane      \n, 0
        store_lane      \n, 1
        store_lane      \n, 2
        store_lane      \n, 3
        subs            left, left, #4
        b.hs            5b
6:
        adds            left, left, #4
        b.eq            8f
7:
        load_rows       \n, 1
        store_lane      \n, 0
        subs            left, left, #1
        b.ne            7b
8:
.endm

/*yaml
name: bnn_transpose_f32_neon
slot: transpose_f32
arguments: {out: x0, x: x1, tile: x2}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels and tile.channels else 0"}
  x: {access: read, bytes: "(tile.channels - 1) * tile.x_step + 4 * tile.pixels if tile.pixels and tile.channels else 0"}
  tile: {access: read, bytes: struct}
registers: [x0, x1, x3-x12, v0-v3]
saved: []
stack: 0
*/
func bnn_transpose_f32_neon
        ldp             pixels, channels, [tile, #TILE_PIXELS]
        ldp             out_step, src_step, [tile, #TILE_OUT_STEP]
        subs            channels, channels, #4  // channels left behind the next 4
        b.lo            2f
1:
        rows            4
        add             src, src, src_step, lsl #2
        add             out, out, #16
        subs            channels, channels, #4
        b.hs            1b
2:
        adds            channels, channels, #4
        b.eq            9f
        cmp             channels, #2
        b.eq            3f
        b.lo            4f
        rows            3
        ret
3:
        rows            2
        ret
4:
        rows            1
9:
        ret
endfunc bnn_transpose_f32_neon

#endif
