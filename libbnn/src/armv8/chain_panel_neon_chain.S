/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Panels of the chain (docs/kernels.md, "The chain"): the taps of two output pixels at a time, gathered and summed modulo 2.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
wide            .req x1
narrow          .req x2
param           .req x3
column          .req x4                         // of the next pixel
pixels          .req x5
vectors         .req x6
wide_end        .req x7                         // behind the last wide tap's offset
last_tap        .req x8                         // the last narrow tap's offset
pixel_step      .req x9
at              .req x10                        // the next pixel, in bytes of narrow
wide0           .req x11                        // the two pixels
wide1           .req x12
narrow0         .req x13
narrow1         .req x14
tap             .req x15                        // the next tap's offset
from0           .req x16
from1           .req x17
row_step        .req x16
width           .req x17

sum0            .req v0
sum1            .req v1
new0            .req v2
new1            .req v3

// The next pixel's addresses.
.macro take_pixel wide_i, narrow_i
        add             \wide_i, wide, at, lsl #1
        add             \narrow_i, narrow, at
        ldp             row_step, width, [param, #CHAIN_ROW_STEP]
        add             column, column, #1
        add             at, at, pixel_step
        cmp             column, width
        b.ne            9f
        msub            at, width, pixel_step, at
        add             at, at, row_step
        mov             column, #0
9:
.endm

.macro add_new
        eor             sum0.16b, sum0.16b, new0.16b
        eor             sum1.16b, sum1.16b, new1.16b
        stp             q0, q1, [out], #32
.endm

/*yaml
name: bnn_chain_panel_neon_chain
slot: chain_panel
arguments: {out: x0, wide: x1, narrow: x2, p: x3, column: x4, pixels: x5}
buffers:
  out: {access: write, bytes: "32 * (p.wide + (p.narrow + 1) // 2) * ((pixels + 1) // 2)"}
  wide: {access: read, bytes: "2 * ((column + pixels - 1) // p.width * p.row_step
      + ((column + pixels - 1) % p.width - column) * p.pixel_step) + max(p.taps[:p.wide]) + 16 if pixels and p.wide else 0"}
  narrow: {access: read, bytes: "(column + pixels - 1) // p.width * p.row_step
      + ((column + pixels - 1) % p.width - column) * p.pixel_step + max(p.taps[p.wide:]) + 8 if pixels and p.narrow else 0"}
  p: {access: read, bytes: struct}
  p.taps: {access: read, bytes: "4 * (p.wide + p.narrow)"}
registers: [x0, x4-x17, v0-v3]
saved: []
stack: 0
*/
func bnn_chain_panel_neon_chain
        cbz             pixels, 8f
        ldp             tap, wide_end, [param, #CHAIN_TAPS]
        ldp             last_tap, pixel_step, [param, #CHAIN_NARROW]
        add             vectors, last_tap, #1
        add             vectors, wide_end, vectors, lsr #1
        cbz             vectors, 8f
        add             wide_end, tap, wide_end, lsl #2
        add             last_tap, wide_end, last_tap, lsl #2
        sub             last_tap, last_tap, #4
        mov             at, #0
1:                                              // for each 2 pixels
        take_pixel      wide0, narrow0
        mov             wide1, wide0
        mov             narrow1, narrow0
        subs            pixels, pixels, #1
        b.eq            2f
        take_pixel      wide1, narrow1
        sub             pixels, pixels, #1
2:
        movi            sum0.16b, #0
        movi            sum1.16b, #0
        ldr             tap, [param, #CHAIN_TAPS]
        cmp             tap, wide_end
        b.eq            4f
3:                                              // for each wide tap
        ldr             w16, [tap], #4
        ldr             q2, [wide0, w16, uxtw]
        ldr             q3, [wide1, w16, uxtw]
        cmp             tap, wide_end
        add_new
        b.ne            3b
4:
        cmp             tap, last_tap
        b.hs            6f
5:                                              // for each two narrow taps
        ldp             w16, w17, [tap], #8
        ldr             d2, [narrow0, w16, uxtw]
        ldr             d3, [narrow1, w16, uxtw]
        add             from0, narrow0, w17, uxtw
        add             from1, narrow1, w17, uxtw
        ld1             {new0.d}[1], [from0]
        ld1             {new1.d}[1], [from1]
        cmp             tap, last_tap
        add_new
        b.lo            5b
6:
        b.ne            7f
        ldr             w16, [tap]              // a narrow tap is left, with zeros behind it
        ldr             d2, [narrow0, w16, uxtw]
        ldr             d3, [narrow1, w16, uxtw]
        add_new
7:
        tbnz            vectors, #0, 10f
        stp             q2, q3, [out, #-32]     // the last vector of an even number stays alone
10:
        cbnz            pixels, 1b
8:
        ret
endfunc bnn_chain_panel_neon_chain

#endif
