/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to 8-bit numbers, 16 and then 1 at a time. What is limited fits 9 bits, so its last 8 and those of the zero point add up to
 * the number. fmaxnm takes the limit for NaN.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
tile            .req x2
pixels          .req x5
channels        .req x6
out_step        .req x7
x_step          .req x8
to              .req x9
from            .req x10
left            .req x11
zero_w          .req w4
low             .req w12

.macro quantise n
        fdiv            v\n\().4s, v\n\().4s, v16.4s
        fmaxnm          v\n\().4s, v\n\().4s, v17.4s
        fminnm          v\n\().4s, v\n\().4s, v18.4s
        fcvtns          v\n\().4s, v\n\().4s
.endm

/*yaml
name: bnn_pack_i8_neon
slot: pack_i8
arguments: {out: x0, x: x1, tile: x2, scale: x3, zero: x4}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  scale: {access: read, bytes: 4}
  zero: {access: read, bytes: 4}
registers: [x0, x1, x4-x12, v0-v3, v16-v19]
saved: []
stack: 0
*/
func bnn_pack_i8_neon
        ldp             pixels, channels, [tile, #TILE_PIXELS]
        ldp             out_step, x_step, [tile, #TILE_OUT_STEP]
        ld1r            {v16.4s}, [x3]
        ldr             zero_w, [x4]
        mov             low, #-128
        sub             low, low, zero_w
        dup             v17.4s, low
        add             low, low, #255
        dup             v18.4s, low
        scvtf           v17.4s, v17.4s
        scvtf           v18.4s, v18.4s
        dup             v19.16b, zero_w
        cbz             pixels, 6f
1:                                              // pixel
        mov             to, out
        mov             from, src
        subs            left, channels, #16
        b.lo            3f
2:
        ldp             q0, q1, [from], #32
        ldp             q2, q3, [from], #32
        quantise        0
        quantise        1
        quantise        2
        quantise        3
        uzp1            v0.8h, v0.8h, v1.8h
        uzp1            v2.8h, v2.8h, v3.8h
        uzp1            v0.16b, v0.16b, v2.16b
        add             v0.16b, v0.16b, v19.16b
        str             q0, [to], #16
        subs            left, left, #16
        b.hs            2b
3:
        adds            left, left, #16
        b.eq            5f
4:
        ldr             s0, [from], #4
        quantise        0
        add             v0.16b, v0.16b, v19.16b
        st1             {v0.b}[0], [to], #1
        subs            left, left, #1
        b.ne            4b
5:
        add             out, out, out_step
        add             src, src, x_step
        subs            pixels, pixels, #1
        b.ne            1b
6:
        ret
endfunc bnn_pack_i8_neon

#endif
