/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of tiles, row by row, and their transposition, by 4 x 4 floats.
 */
#include "vec.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
pixels          .req r2                 // at entry the tile
channels        .req r3
out_step        .req r4
src_step        .req r5
left            .req r6
next_out        .req r7
next_src        .req r8
row1            .req r9                 // next_src is the first of four
row2            .req r10
row3            .req r11

.macro enter
        push            {r4-r11}
        ldr             channels, [r2, #TILE_CHANNELS]
        ldr             out_step, [r2, #TILE_OUT_STEP]
        ldr             src_step, [r2, #TILE_X_STEP]
        ldr             pixels, [r2, #TILE_PIXELS]
.endm

.macro leave
        pop             {r4-r11}
        bx              lr
.endm

/*yaml
name: bnn_copy_f32_neon
slot: copy_f32
arguments: {out: r0, x: r1, tile: r2}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
registers: [r0-r11, q0-q3]
saved: [r4-r11]
stack: 32
*/
func bnn_copy_f32_neon
        enter
        cmp             pixels, #0
        beq             8f
1:      mov             next_src, src
        mov             next_out, out
        subs            left, channels, #16
        blo             3f
2:      vld1.32         {q0, q1}, [next_src]!
        vld1.32         {q2, q3}, [next_src]!
        vst1.32         {q0, q1}, [next_out]!
        vst1.32         {q2, q3}, [next_out]!
        subs            left, left, #16
        bhs             2b
3:      adds            left, left, #16 - 4
        bmi             5f
4:      vld1.32         {q0}, [next_src]!
        vst1.32         {q0}, [next_out]!
        subs            left, left, #4
        bhs             4b
5:      adds            left, left, #4
        beq             7f
6:      vld1.32         {d0[0]}, [next_src]!
        vst1.32         {d0[0]}, [next_out]!
        subs            left, left, #1
        bne             6b
7:      add             src, src, src_step
        add             out, out, out_step
        subs            pixels, pixels, #1
        bne             1b
8:      leave
endfunc bnn_copy_f32_neon

// The next 4 pixels (or 1) of n channels, which are rows of x.
.macro load_rows n, q0, q1, q2, q3
        vld1.32         {\q0}, [next_src]!
.if \n > 1
        vld1.32         {\q1}, [row1]!
.endif
.if \n > 2
        vld1.32         {\q2}, [row2]!
.endif
.if \n > 3
        vld1.32         {\q3}, [row3]!
.endif
.endm

.macro store_lane n, a, b, c, d, lane
.if \n == 4
        vst4.32         {\a[\lane], \b[\lane], \c[\lane], \d[\lane]}, [next_out], out_step
.elseif \n == 3
        vst3.32         {\a[\lane], \b[\lane], \c[\lane]}, [next_out], out_step
.elseif \n == 2
        vst2.32         {\a[\lane], \b[\lane]}, [next_out], out_step
.else
        vst1.32         {\a[\lane]}, [next_out], out_step
.endif
.endm

// n channels of all pixels.
.macro rows n
        mov             next_src, src
        add             row1, src, src_step
        add             row2, row1, src_step
        add             row3, row2, src_step
        mov             next_out, out
        subs            left, pixels, #4
        blo             6f
5:      load_rows       \n, q0, q1, q2, q3
        store_lane      \n, d0, d2, d4, d6, 0
        store_lane      \n, d0, d2, d4, d6, 1
        store_lane      \n, d1, d3, d5, d7, 0
        store_lane      \n, d1, d3, d5, d7, 1
        subs            left, left, #4
        bhs             5b
6:      adds            left, left, #4
        beq             8f
7:      load_rows       \n, d0[0], d2[0], d4[0], d6[0]
        store_lane      \n, d0, d2, d4, d6, 0
        subs            left, left, #1
        bne             7b
8:
.endm

/*yaml
name: bnn_transpose_f32_neon
slot: transpose_f32
arguments: {out: r0, x: r1, tile: r2}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + 4 * tile.channels if tile.pixels and tile.channels else 0"}
  x: {access: read, bytes: "(tile.channels - 1) * tile.x_step + 4 * tile.pixels if tile.pixels and tile.channels else 0"}
  tile: {access: read, bytes: struct}
registers: [r0-r11, q0-q3]
saved: [r4-r11]
stack: 32
*/
func bnn_transpose_f32_neon
        enter
        subs            channels, channels, #4
        blo             2f
1:      rows            4
        add             src, src, src_step, lsl #2
        add             out, out, #16
        subs            channels, channels, #4
        bhs             1b
2:      adds            channels, channels, #4
        beq             9f
        cmp             channels, #2
        beq             3f
        blo             4f
        rows            3
        leave
3:      rows            2
        leave
4:      rows            1
9:      leave
endfunc bnn_transpose_f32_neon

#endif
