/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of short rows of bytes. Up to 64 bytes are two pieces, the first and the last ones of a row, which may overlap; longer rows
 * go by columns of 64, the last of which overlaps the one before.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
tile            .req x2
pixels          .req x3
bytes           .req x4
out_step        .req x5
src_step        .req x6
last_out        .req x7
last_src        .req x8
left            .req x9
offset          .req x10
column          .req x11
column_out      .req x12

// All rows, in two pieces of n bytes: whole registers, or a lane of each.
.macro two_pieces n, first, second, lane
        sub             offset, bytes, #\n
        add             last_src, src, offset
        add             last_out, out, offset
1:
        ld1             {\first}\lane, [src], src_step
        ld1             {\second}\lane, [last_src], src_step
        st1             {\first}\lane, [out], out_step
        st1             {\second}\lane, [last_out], out_step
        subs            pixels, pixels, #1
        b.ne            1b
        ret
.endm

/*yaml
name: bnn_copy_i8_neon
slot: copy_i8
arguments: {out: x0, x: x1, tile: x2}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + tile.channels if tile.pixels and tile.channels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + tile.channels if tile.pixels and tile.channels else 0"}
  tile: {access: read, bytes: struct}
registers: [x0, x1, x3-x12, v0-v3]
saved: []
stack: 0
*/
func bnn_copy_i8_neon
        ldp             pixels, bytes, [tile, #TILE_PIXELS]
        ldp             out_step, src_step, [tile, #TILE_OUT_STEP]
        cbz             pixels, 9f
        cbz             bytes, 9f
        cmp             bytes, #16
        b.ls            5f
        cmp             bytes, #32
        b.ls            4f
        cmp             bytes, #64
        b.ls            3f
        sub             last_src, bytes, #64    // offset of the last column
        mov             offset, #0
1:
        add             column, src, offset
        add             column_out, out, offset
        mov             left, pixels
2:
        ld1             {v0.16b - v3.16b}, [column], src_step
        st1             {v0.16b - v3.16b}, [column_out], out_step
        subs            left, left, #1
        b.ne            2b
        cmp             offset, last_src
        b.eq            9f
        add             offset, offset, #64
        cmp             offset, last_src
        csel            offset, offset, last_src, lo
        b               1b
3:
        two_pieces      32, "v0.16b - v1.16b", "v2.16b - v3.16b"
4:
        two_pieces      16, v0.16b, v1.16b
5:
        cmp             bytes, #8
        b.ls            6f
        two_pieces      8, v0.8b, v1.8b
6:
        cmp             bytes, #4
        b.ls            7f
        two_pieces      4, v0.s, v1.s, [0]
7:
        cmp             bytes, #2
        b.ls            8f
        two_pieces      2, v0.h, v1.h, [0]
8:
        two_pieces      1, v0.b, v1.b, [0]
9:
        ret
endfunc bnn_copy_i8_neon

#endif
