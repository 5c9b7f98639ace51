/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Panels of the chain: the taps of two output pixels at a time, gathered and summed modulo 2.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "chain_panel.inc"

out             .req x0
wide            .req x1
narrow          .req x2
param           .req x3
column          .req x4                         // of the next pixel
pixels          .req x5                         // left; below 0 behind an odd number
vectors         .req x6
wide_end        .req x7                         // behind the last wide tap's offset
last_tap        .req x8                         // the last narrow tap's offset
pixel_step      .req x9
at              .req x10
wide0           .req x11                        // the two pixels
wide1           .req x12
narrow0         .req x13
narrow1         .req x14
tap             .req x15                        // the next tap's offset
row_step        .req x16
width           .req x17
from0           .req x16
from1           .req x17

.macro take_pixel wide_i, narrow_i
        add             \wide_i, wide, at, lsl #1
        add             \narrow_i, narrow, at
        next_pixel
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
        take_pixel      wide1, narrow1
        movi            sum0.16b, #0
        movi            sum1.16b, #0
        ldr             tap, [param, #CHAIN_TAPS]
        cmp             tap, wide_end
        b.eq            3f
2:                                              // for each wide tap
        ldr             w16, [tap], #4
        ldr             q2, [wide0, w16, uxtw]
        ldr             q3, [wide1, w16, uxtw]
        cmp             tap, wide_end
        add_new
        b.ne            2b
3:
        cmp             tap, last_tap
        b.hs            5f
4:                                              // for each two narrow taps
        ldp             w16, w17, [tap], #8
        ldr             d2, [narrow0, w16, uxtw]
        ldr             d3, [narrow1, w16, uxtw]
        add             from0, narrow0, w17, uxtw
        add             from1, narrow1, w17, uxtw
        ld1             {new0.d}[1], [from0]
        ld1             {new1.d}[1], [from1]
        cmp             tap, last_tap
        add_new
        b.lo            4b
5:
        b.ne            6f
        ldr             w16, [tap]              // a narrow tap is left, with zeros behind it
        ldr             d2, [narrow0, w16, uxtw]
        ldr             d3, [narrow1, w16, uxtw]
        add_new
6:
        tbnz            vectors, #0, 7f
        stp             q2, q3, [out, #-32]     // the last vector of an even number stays alone
7:
        cmp             pixels, #0
        b.gt            1b
8:
        ret
endfunc bnn_chain_panel_neon_chain

#endif
