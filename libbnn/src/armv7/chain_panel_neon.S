/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Panels of the chain (docs/kernels.md, "The chain"): the taps of 2 or 4 output pixels at a time, gathered and summed modulo 2.
 * Each pixel has a pointer that walks from tap to tap.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

// at0 = at; at and column: of the next pixel. Uses tmp0, tmp1.
.macro take_pixel at0, at, column, param, tmp0, tmp1
        mov             \at0, \at
        ldr             \tmp0, [\param, #CHAIN_WIDTH]
        ldr             \tmp1, [\param, #CHAIN_PIXEL_STEP]
        add             \column, \column, #1
        add             \at, \at, \tmp1
        cmp             \column, \tmp0
        bne             9f
        mls             \at, \tmp0, \tmp1, \at
        ldr             \tmp1, [\param, #CHAIN_ROW_STEP]
        mov             \column, #0
        add             \at, \at, \tmp1
9:
.endm

// step = bytes from this tap to the next, 0 from the last one; Z: it is the last.
.macro next_tap step, tap, taps, taps_end
        mov             \step, \tap
        cmp             \taps, \taps_end
        ldrne           \tap, [\taps], #4
        sub             \step, \tap, \step
.endm

.macro add_new
        veor            q0, q0, q2
        veor            q1, q1, q3
        vst1.8          {q0, q1}, [r0:128]!
.endm

// Of an even number of vectors the last stays alone.
.macro replace_last tmp
        sub             \tmp, r0, #32
        vst1.8          {q2, q3}, [\tmp:128]
.endm

out             .req r0
wide            .req r1
narrow          .req r2
param           .req r3
column          .req r4                 // of the next pixel
pixels          .req r5
taps            .req r6
taps_end        .req r7
from0           .req r8
from1           .req r9
tap             .req r10
step            .req r11
at              .req r12                // the next pixel, in bytes of narrow
vectors         .req lr

#define LOCALS 12                       /* where the two pixels are */
#define SAVED 36                        /* r4-r11, lr */

/*yaml
name: bnn_chain_panel_neon
slot: chain_panel
arguments: {out: r0, wide: r1, narrow: r2, p: r3, column: stack0, pixels: stack1}
buffers:
  out: {access: write, bytes: "32 * (p.wide + (p.narrow + 1) // 2) * ((pixels + 1) // 2)"}
  wide: {access: read, bytes: "2 * ((column + pixels - 1) // p.width * p.row_step
      + ((column + pixels - 1) % p.width - column) * p.pixel_step) + max(p.taps[:p.wide]) + 16 if pixels and p.wide else 0"}
  narrow: {access: read, bytes: "(column + pixels - 1) // p.width * p.row_step
      + ((column + pixels - 1) % p.width - column) * p.pixel_step + max(p.taps[p.wide:]) + 8 if pixels and p.narrow else 0"}
  p: {access: read, bytes: struct}
  p.taps: {access: read, bytes: "4 * (p.wide + p.narrow)"}
registers: [r0, r4-r12, lr, q0-q3]
saved: [r4-r11]
stack: 48
*/
func bnn_chain_panel_neon
        push            {r4-r11, lr}
        sub             sp, sp, #LOCALS
        ldr             column, [sp, #(LOCALS + SAVED)]
        ldr             pixels, [sp, #(LOCALS + SAVED + 4)]
        mov             at, #0
        ldr             vectors, [param, #CHAIN_NARROW]
        ldr             tap, [param, #CHAIN_WIDE]
        add             vectors, vectors, #1
        adds            vectors, tap, vectors, lsr #1
        cmpne           pixels, #0
        beq             8f
1:                                              // for each 2 pixels
        take_pixel      from0, at, column, param, tap, step
        mov             from1, from0
        subs            pixels, pixels, #1
        beq             2f
        take_pixel      from1, at, column, param, tap, step
        sub             pixels, pixels, #1
2:      strd            from0, from1, [sp]
        vmov.i8         q0, #0
        vmov.i8         q1, #0
        ldr             taps, [param, #CHAIN_TAPS]
        ldr             tap, [param, #CHAIN_WIDE]
        add             taps_end, taps, tap, lsl #2
        cmp             taps, taps_end
        beq             4f
        ldr             tap, [taps], #4
        add             from0, wide, from0, lsl #1
        add             from1, wide, from1, lsl #1
        add             from0, from0, tap
        add             from1, from1, tap
3:      next_tap        step, tap, taps, taps_end
        vld1.8          {q2}, [from0:128], step
        vld1.8          {q3}, [from1:128], step
        add_new
        bne             3b
4:      ldr             tap, [param, #CHAIN_NARROW]
        ldrd            from0, from1, [sp]
        add             taps_end, taps, tap, lsl #2
        cmp             taps, taps_end
        beq             6f
        add             from0, narrow, from0
        add             from1, narrow, from1
5:      ldr             tap, [taps], #4         // two narrow taps, or one and zeros
        vmov.i8         d5, #0
        vmov.i8         d7, #0
        add             step, from0, tap
        vldr            d4, [step]
        add             step, from1, tap
        vldr            d6, [step]
        cmp             taps, taps_end
        ldrne           tap, [taps], #4
        addne           step, from0, tap
        vldrne          d5, [step]
        addne           step, from1, tap
        vldrne          d7, [step]
        add_new
        cmp             taps, taps_end
        bne             5b
6:      tst             vectors, #1
        bne             7f
        replace_last    step
7:      cmp             pixels, #0
        bne             1b
8:      add             sp, sp, #LOCALS
        pop             {r4-r11, pc}
endfunc bnn_chain_panel_neon

.unreq wide
.unreq narrow
.unreq param
.unreq column
.unreq pixels
.unreq taps
.unreq taps_end
.unreq from0
.unreq from1
.unreq tap
.unreq step
.unreq at

narrow          .req r1
param           .req r2
column          .req r3
pixels          .req r4
from0           .req r5
from1           .req r6
from2           .req r7
from3           .req r8
taps            .req r9
taps_end        .req r10
tap             .req r11
step            .req r12
at              .req lr

/*yaml
name: bnn_chain_panel64_neon
slot: chain_panel64
arguments: {out: r0, narrow: r1, p: r2, column: r3, pixels: stack0}
buffers:
  out: {access: write, bytes: "32 * p.narrow * ((pixels + 3) // 4)"}
  narrow: {access: read, bytes: "(column + pixels - 1) // p.width * p.row_step
      + ((column + pixels - 1) % p.width - column) * p.pixel_step + max(p.taps[:p.narrow]) + 8 if pixels and p.narrow else 0"}
  p: {access: read, bytes: struct}
  p.taps: {access: read, bytes: "4 * p.narrow"}
registers: [r0, r3-r12, lr, q0-q3]
saved: [r4-r11]
stack: 40
*/
func bnn_chain_panel64_neon
        ldr             r12, [r2, #CHAIN_NARROW]
        cmp             r12, #0
        ldrne           r12, [sp]
        cmpne           r12, #0
        bxeq            lr
        push            {r3-r11, lr}
        mov             pixels, r12
        mov             at, #0
1:                                              // for each 4 pixels
        take_pixel      from0, at, column, param, tap, step
        mov             from1, from0
        mov             from2, from0
        mov             from3, from0
        subs            pixels, pixels, #1
        beq             2f
        take_pixel      from1, at, column, param, tap, step
        mov             from2, from1
        mov             from3, from1
        subs            pixels, pixels, #1
        beq             2f
        take_pixel      from2, at, column, param, tap, step
        mov             from3, from2
        subs            pixels, pixels, #1
        beq             2f
        take_pixel      from3, at, column, param, tap, step
        sub             pixels, pixels, #1
2:      ldr             taps, [param, #CHAIN_TAPS]
        ldr             tap, [param, #CHAIN_NARROW]
        vmov.i8         q0, #0
        vmov.i8         q1, #0
        add             taps_end, taps, tap, lsl #2
        ldr             tap, [taps], #4
        add             from0, from0, narrow
        add             from1, from1, narrow
        add             from2, from2, narrow
        add             from3, from3, narrow
        add             from0, from0, tap
        add             from1, from1, tap
        add             from2, from2, tap
        add             from3, from3, tap
3:      next_tap        step, tap, taps, taps_end
        vld1.8          {d4}, [from0:64], step
        vld1.8          {d5}, [from1:64], step
        vld1.8          {d6}, [from2:64], step
        vld1.8          {d7}, [from3:64], step
        add_new
        bne             3b
        ldr             tap, [param, #CHAIN_NARROW]
        tst             tap, #1
        bne             4f
        replace_last    step
4:      cmp             pixels, #0
        bne             1b
        pop             {r3-r11, pc}
endfunc bnn_chain_panel64_neon

#endif
