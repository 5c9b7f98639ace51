/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of short rows of bytes. Up to 64 bytes are two pieces, the first and the last ones of a row, which may overlap; longer rows
 * go by columns of 32, the last of which overlaps the one before.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
pixels          .req r2                 // at entry the tile
bytes           .req r3
out_step        .req r4
src_step        .req r5
last_out        .req r6
last_src        .req r7
offset          .req r8
left            .req r9
last            .req r10

// All rows, in two pieces of n bytes; of one lane of `size` bits, if there is one.
.macro two_pieces n, first, second, size=8
        sub             offset, bytes, #\n
        add             last_src, src, offset
        add             last_out, out, offset
1:      vld1.\size      {\first}, [src], src_step
        vld1.\size      {\second}, [last_src], src_step
        vst1.\size      {\first}, [out], out_step
        vst1.\size      {\second}, [last_out], out_step
        subs            pixels, pixels, #1
        bne             1b
        pop             {r4-r11}
        bx              lr
.endm

/*yaml
name: bnn_copy_i8_neon
slot: copy_i8
arguments: {out: r0, x: r1, tile: r2}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + tile.channels if tile.pixels and tile.channels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + tile.channels if tile.pixels and tile.channels else 0"}
  tile: {access: read, bytes: struct}
registers: [r0-r11, q0-q3]
saved: [r4-r11]
stack: 32
*/
func bnn_copy_i8_neon
        push            {r4-r11}
        ldr             bytes, [r2, #TILE_CHANNELS]
        ldr             out_step, [r2, #TILE_OUT_STEP]
        ldr             src_step, [r2, #TILE_X_STEP]
        ldr             pixels, [r2, #TILE_PIXELS]
        cmp             bytes, #0
        cmpne           pixels, #0
        beq             9f
        cmp             bytes, #16
        bls             5f
        cmp             bytes, #32
        bls             4f
        cmp             bytes, #64
        bls             3f
        sub             last, bytes, #32        // offset of the last column
        mov             offset, #0
1:      add             last_src, src, offset
        add             last_out, out, offset
        mov             left, pixels
2:      vld1.8          {d0-d3}, [last_src], src_step
        vst1.8          {d0-d3}, [last_out], out_step
        subs            left, left, #1
        bne             2b
        cmp             offset, last
        beq             9f
        add             offset, offset, #32
        cmp             offset, last
        movhi           offset, last
        b               1b
3:      two_pieces      32, d0-d3, d4-d7
4:      two_pieces      16, d0-d1, d2-d3
5:      cmp             bytes, #8
        bls             6f
        two_pieces      8, d0, d1
6:      cmp             bytes, #4
        bls             7f
        two_pieces      4, d0[0], d1[0], 32
7:      cmp             bytes, #2
        bls             8f
        two_pieces      2, d0[0], d1[0], 16
8:      two_pieces      1, d0[0], d1[0], 8
9:      pop             {r4-r11}
        bx              lr
endfunc bnn_copy_i8_neon

#endif
