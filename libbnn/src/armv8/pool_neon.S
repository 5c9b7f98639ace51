/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling: 16 channels of all windows, then the next 16; the rest of the channels by 8, 4 and 1.
 */
#include "vec.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
param           .req x2
pixels          .req x3
channels        .req x4
rows            .req x5
taps            .req x6
row_step        .req x7                         // from behind a row of taps to the next
tap_step        .req x8
pixel_step      .req x9
out_step        .req x10
left            .req x11
rows_left       .req x12
taps_left       .req x13
next_src        .req x14
next_out        .req x15
next_tap        .req x16

// n channels of all windows: `begin` n makes the first values, `combine` n those behind a tap, which is in `arg`, `end` n the results.
.macro column n, begin, combine, end
        mov             next_src, src
        mov             next_out, out
        mov             left, pixels
6:
        mov             next_tap, next_src
        mov             rows_left, rows
        mov             taps_left, taps
        \begin          \n
7:
        load            \n, arg, next_tap, tap_step
        \combine        \n
8:
        subs            taps_left, taps_left, #1
        b.ne            7b
        add             next_tap, next_tap, row_step
        mov             taps_left, taps
        subs            rows_left, rows_left, #1
        b.ne            7b
        \end            \n
        store           \n, next_out, out_step
        add             next_src, next_src, pixel_step
        subs            left, left, #1
        b.ne            6b
        add             src, src, #4 * \n
        add             out, out, #4 * \n
.endm

.macro columns begin, combine, end
        ldp             rows, row_step, [param, #POOL_ROWS]
        ldp             taps, tap_step, [param, #POOL_TAPS]
        ldp             channels, pixel_step, [param, #POOL_CHANNELS]
        ldr             out_step, [param, #POOL_OUT_STEP]
        msub            row_step, taps, tap_step, row_step
        movi            zero0.4s, #0
        cbz             pixels, 9f
        subs            channels, channels, #16 // channels left behind the next 16
        b.lo            2f
1:
        column          16, \begin, \combine, \end
        subs            channels, channels, #16
        b.hs            1b
2:
        tbz             channels, #3, 3f
        column          8, \begin, \combine, \end
3:
        tbz             channels, #2, 4f
        column          4, \begin, \combine, \end
4:
        ands            channels, channels, #3
        b.eq            9f
5:
        column          1, \begin, \combine, \end
        subs            channels, channels, #1
        b.ne            5b
9:
        ret
.endm

// The first tap takes the place of a combination.
.macro first_tap n
        load            \n, value, next_tap, tap_step
        b               8f
.endm

// w where w > v; not fmax, which prefers NaN
.macro greater n
        vec             \n, fcmgt, temp, arg, value
        vec             \n, bit, value, arg, temp, 16b
.endm

.macro never_minus_zero n
        vec             \n, fadd, value, value, zero
.endm

/*yaml
name: bnn_pool_max_neon
slot: pool_max
arguments: {out: x0, x: x1, p: x2, pixels: x3}
buffers:
  out: {access: write, bytes: "(pixels - 1) * p.out_step + 4 * p.channels if pixels and p.channels else 0"}
  x:
    access: read
    bytes: >-
      (pixels - 1) * p.pixel_step + (p.rows - 1) * p.row_step + (p.taps - 1) * p.tap_step + 4 * p.channels
      if pixels and p.channels else 0
  p: {access: read, bytes: struct}
registers: [x0, x1, x4-x16, v0-v7, v20-v24]
saved: []
stack: 0
*/
func bnn_pool_max_neon
        columns         first_tap, greater, never_minus_zero
endfunc bnn_pool_max_neon

.macro start n
        vec             \n, orr, value, zero, zero, 16b
.endm

.macro sum n
        vec             \n, fadd, value, value, arg
.endm

.macro average n
        vec             \n, fdiv, value, value, count
        vec             \n, fadd, value, value, zero
.endm

/*yaml
name: bnn_pool_average_neon
slot: pool_average
like: bnn_pool_max_neon
registers: [x0, x1, x4-x16, v0-v7, v24, v25]
*/
func bnn_pool_average_neon
        ldr             x4, [param, #POOL_COUNT]
        ucvtf           s25, x4
        dup             count0.4s, v25.s[0]
        columns         start, sum, average
endfunc bnn_pool_average_neon

#endif
