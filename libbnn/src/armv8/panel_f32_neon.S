/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Panels of activations: the columns of 4 pixels at a time, whose runs are transposed 4 floats by 4.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
param           .req x2
at              .req x3
pixels          .req x4
offsets         .req x5
count           .req x6
run             .req x7
step            .req x8
next_out        .req x9
next_offset     .req x10
rows            .req x11
pixel0          .req x12
pixel1          .req x13
pixel2          .req x14
pixel3          .req x15
left            .req x16
offset          .req x17
offset_w        .req w17

// The next n floats of the 4 pixels, 16 or 32 bytes of each: v0-v3 (and v4-v7).
.macro load_4
        ldr             q0, [pixel0], #16
        ldr             q1, [pixel1], #16
        ldr             q2, [pixel2], #16
        ldr             q3, [pixel3], #16
.endm

.macro load_8
        ldp             q0, q4, [pixel0], #32
        ldp             q1, q5, [pixel1], #32
        ldp             q2, q6, [pixel2], #32
        ldp             q3, q7, [pixel3], #32
.endm

// 4 rows of the panel.
.macro store_4 a, b, c, d
    .irp n, 0, 1, 2, 3
        st4             {v\a\().s, v\b\().s, v\c\().s, v\d\().s}[\n], [next_out], step
    .endr
.endm

/*yaml
name: bnn_panel_f32_neon
slot: panel_f32
arguments: {out: x0, x: x1, p: x2, at: x3, pixels: x4}
buffers:
  out: {access: write, bytes: "(p.count * p.run - 1) * p.step + 4 * pixels if p.count * p.run and pixels else 0"}
  x: {access: read, bytes: "max(p.offsets) + max(at) + 4 * p.run if p.count * p.run and pixels else 0"}
  p: {access: read, bytes: struct}
  p.offsets: {access: read, bytes: "4 * p.count"}
  at: {access: read, bytes: "4 * pixels"}
registers: [x0, x3-x17, v0-v7]
saved: []
stack: 0
*/
func bnn_panel_f32_neon
        ldp             offsets, count, [param, #PANEL_OFFSETS]
        ldp             run, step, [param, #PANEL_RUN]
        cbz             count, 9f
        cbz             pixels, 9f
1:                                              // for each 4 pixels
        mov             next_out, out
        mov             next_offset, offsets
        mov             rows, count
2:                                              // for each run
        ldr             offset_w, [next_offset], #4
        ldp             w12, w13, [at]
        ldp             w14, w15, [at, #8]
        add             offset, src, offset
        add             pixel0, pixel0, offset
        add             pixel1, pixel1, offset
        add             pixel2, pixel2, offset
        add             pixel3, pixel3, offset
        subs            left, run, #8           // floats left behind the next 8
        b.lo            4f
3:
        load_8
        store_4         0, 1, 2, 3
        store_4         4, 5, 6, 7
        subs            left, left, #8
        b.hs            3b
4:
        tbz             left, #2, 5f
        load_4
        store_4         0, 1, 2, 3
5:
        ands            left, left, #3
        b.eq            7f
6:
        ldr             s0, [pixel0], #4
        ld1             {v0.s}[1], [pixel1], #4
        ld1             {v0.s}[2], [pixel2], #4
        ld1             {v0.s}[3], [pixel3], #4
        subs            left, left, #1
        st1             {v0.4s}, [next_out], step
        b.ne            6b
7:
        subs            rows, rows, #1
        b.ne            2b
        add             at, at, #16
        add             out, out, #16
        subs            pixels, pixels, #4
        b.ne            1b
9:
        ret
endfunc bnn_panel_f32_neon

#endif
