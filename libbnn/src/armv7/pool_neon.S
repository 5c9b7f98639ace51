/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling: 16 channels of all windows, then the next 16; the rest of the channels by 8 and 1.
 */
#include "vec.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
param           .req r2
pixels          .req r3
channels        .req r4
rows            .req r5
taps            .req r6
row_step        .req r7                 // from behind a row of taps to the next
tap_step        .req r8
left            .req r9
next_tap        .req r10
rows_left       .req r11
taps_left       .req r12
step            .req lr

// The next channels of all windows: `begin` makes the first values, `combine` those behind a tap, which is in q8-q11, `end` the
// results.
.macro column width, begin, combine, end
        mov             left, pixels
6:      mov             next_tap, src
        mov             rows_left, rows
        mov             taps_left, taps
        \begin          \width
7:      load            \width, q8, q9, d16[0], q10, q11, next_tap, tap_step
        \combine        \width
8:      subs            taps_left, taps_left, #1
        bne             7b
        add             next_tap, next_tap, row_step
        mov             taps_left, taps
        subs            rows_left, rows_left, #1
        bne             7b
        \end            \width
        ldr             step, [param, #POOL_OUT_STEP]
.if \width == 16
        sub             step, step, #32
.endif
        store           \width, out, step
        ldr             step, [param, #POOL_PIXEL_STEP]
        add             src, src, step
        subs            left, left, #1
        bne             6b
        mls             src, pixels, step, src
        ldr             step, [param, #POOL_OUT_STEP]
        mls             out, pixels, step, out
        add             src, src, #4 * \width
        add             out, out, #4 * \width
.endm

.macro enter
        push            {r3-r11, lr}
        vpush           {d8}
        vmov.f32        zero, #0.0
        ldr             rows, [param, #POOL_ROWS]
        ldr             row_step, [param, #POOL_ROW_STEP]
        ldr             taps, [param, #POOL_TAPS]
        ldr             tap_step, [param, #POOL_TAP_STEP]
        ldr             channels, [param, #POOL_CHANNELS]
        mls             row_step, taps, tap_step, row_step
        cmp             pixels, #0
        beq             9f
.endm

.macro columns begin, combine, end
        subs            channels, channels, #16
        blo             2f
        sub             tap_step, tap_step, #32
1:      column          16, \begin, \combine, \end
        subs            channels, channels, #16
        bhs             1b
        add             tap_step, tap_step, #32
2:      adds            channels, channels, #16 - 8
        bmi             4f
3:      column          8, \begin, \combine, \end
        subs            channels, channels, #8
        bhs             3b
4:      adds            channels, channels, #8
        beq             9f
5:      column          1, \begin, \combine, \end
        subs            channels, channels, #1
        bne             5b
9:      vpop            {d8}
        pop             {r3-r11, lr}
        bx              lr
.endm

// The first tap takes the place of a combination.
.macro first_tap width
        load            \width, q0, q1, d0[0], q2, q3, next_tap, tap_step
        b               8f
.endm

/*yaml
name: bnn_pool_max_neon
slot: pool_max
arguments: {out: r0, x: r1, p: r2, pixels: r3}
buffers:
  out: {access: write, bytes: "(pixels - 1) * p.out_step + 4 * p.channels if pixels and p.channels else 0"}
  x:
    access: read
    bytes: >-
      (pixels - 1) * p.pixel_step + (p.rows - 1) * p.row_step + (p.taps - 1) * p.tap_step + 4 * p.channels
      if pixels and p.channels else 0
  p: {access: read, bytes: struct}
registers: [r0-r12, lr, q0-q3, d8, q8-q14]
saved: [r4-r11, d8]
stack: 48
*/
func bnn_pool_max_neon
        enter
        columns         first_tap, take_greater, never_minus_zero
endfunc bnn_pool_max_neon

.macro start width
        vmov            q0, zero
        vmov            q1, zero
        vmov            q2, zero
        vmov            q3, zero
.endm

.macro sum width
        vec             \width, vadd.f32, q8, q9, q10, q11
.endm

// Sums by their count, s16. There is no division of vectors.
.macro divide width
        vdiv.f32        s0, s0, s16
.if \width >= 8
    .irp s, s1, s2, s3, s4, s5, s6, s7
        vdiv.f32        \s, \s, s16
    .endr
.endif
.if \width == 16
    .irp s, s8, s9, s10, s11, s12, s13, s14, s15
        vdiv.f32        \s, \s, s16
    .endr
.endif
        never_minus_zero \width
.endm

// The same where the count is a power of 2, and q13 its inverse.
.macro scale width
        vec             \width, vmul.f32, q13, q13, q13, q13
        never_minus_zero \width
.endm

/*yaml
name: bnn_pool_average_neon
slot: pool_average
like: bnn_pool_max_neon
registers: [r0-r12, lr, q0-q3, d8, q8-q11, q13, q14]
*/
func bnn_pool_average_neon
        enter
        ldr             step, [param, #POOL_COUNT]
        vmov            s16, step
        vcvt.f32.u32    s16, s16
        sub             taps_left, step, #1
        tst             taps_left, step
        beq             10f
        columns         start, sum, divide
10:
        vmov.f32        s0, #1.0
        vdiv.f32        s0, s0, s16
        vdup.32         q13, d0[0]
        columns         start, sum, scale
endfunc bnn_pool_average_neon

#endif
