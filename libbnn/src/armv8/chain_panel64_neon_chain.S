/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Panels of the chain, groups of 64 channels: the taps of four output pixels at a time, gathered and summed modulo 2.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "chain_panel.inc"

out             .req x0
narrow          .req x1
param           .req x2
column          .req x3                         // of the next pixel
pixels          .req x4                         // left; below 0 behind a number that is no multiple of 4
tap             .req x5                         // the next tap's offset
tap_end         .req x6                         // behind the last one's
pixel_step      .req x7
at              .req x8
pixel0          .req x9
pixel1          .req x10
pixel2          .req x11
pixel3          .req x12
row_step        .req x13
width           .req x14
from1           .req x13
from3           .req x14
step1           .req x13
step3           .req x14

.macro take_pixel pixel_i
        add             \pixel_i, narrow, at
        next_pixel
.endm

/*yaml
name: bnn_chain_panel64_neon_chain
slot: chain_panel64
arguments: {out: x0, narrow: x1, p: x2, column: x3, pixels: x4}
buffers:
  out: {access: write, bytes: "32 * p.narrow * ((pixels + 3) // 4)"}
  narrow: {access: read, bytes: "(column + pixels - 1) // p.width * p.row_step
      + ((column + pixels - 1) % p.width - column) * p.pixel_step + max(p.taps) + 8 if pixels and p.narrow else 0"}
  p: {access: read, bytes: struct}
  p.taps: {access: read, bytes: "4 * p.narrow"}
registers: [x0, x3-x15, v0-v3]
saved: []
stack: 0
*/
func bnn_chain_panel64_neon_chain
        cbz             pixels, 6f
        ldr             tap_end, [param, #CHAIN_NARROW]
        cbz             tap_end, 6f
        ldr             tap, [param, #CHAIN_TAPS]
        ldr             pixel_step, [param, #CHAIN_PIXEL_STEP]
        add             tap_end, tap, tap_end, lsl #2
        mov             at, #0
1:                                              // for each 4 pixels
        take_pixel      pixel0
        take_pixel      pixel1
        take_pixel      pixel2
        take_pixel      pixel3
        movi            sum0.16b, #0
        movi            sum1.16b, #0
        ldr             tap, [param, #CHAIN_TAPS]
        sub             step1, pixel1, pixel0
        sub             step3, pixel3, pixel2
        cmp             step1, #8
        ccmp            step3, #8, #0, eq
        b.ne            3f
2:                                              // for each tap of two pairs of neighbours
        ldr             w15, [tap], #4
        ldr             q2, [pixel0, w15, uxtw]
        ldr             q3, [pixel2, w15, uxtw]
        cmp             tap, tap_end
        add_new
        b.ne            2b
        b               4f
3:                                              // for each tap of any pixels
        ldr             w15, [tap], #4
        add             from1, pixel1, w15, uxtw
        add             from3, pixel3, w15, uxtw
        ldr             d2, [pixel0, w15, uxtw]
        ldr             d3, [pixel2, w15, uxtw]
        ld1             {new0.d}[1], [from1]
        ld1             {new1.d}[1], [from3]
        cmp             tap, tap_end
        add_new
        b.ne            3b
4:
        ldr             x15, [param, #CHAIN_NARROW]
        tbnz            x15, #0, 5f
        stp             q2, q3, [out, #-32]     // the last tap of an even number stays alone
5:
        cmp             pixels, #0
        b.gt            1b
6:
        ret
endfunc bnn_chain_panel64_neon_chain

#endif
