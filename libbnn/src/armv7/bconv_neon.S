/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution: a block of 8 outputs over a run of output pixels.
 *
 * Eight byte accumulators stay in registers while all taps go by: 4 outputs x 2 pixels of 16-byte vectors, or 8 outputs x
 * 2 pixels of 8-byte vectors (two outputs share a register). A tap costs 8 veor, 8 vcnt, 8 vadd and the loads; the first tap
 * writes its counts instead of adding them, which saves clearing. Then the sums go to acc: read, added, written. A last odd
 * pixel takes all 8 outputs at once.
 *
 * Taps of a row are unrolled MAX_TAPS times and entered in the middle; wider rows run in pieces. The byte accumulators hold
 * MAX_VECTORS taps, so many rows run in chunks. Loops, outermost first: pieces, chunks, halves (groups of 128: outputs 0-3,
 * 4-7), pairs of pixels, rows, taps.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

acc             .req r0
xin             .req r1                 // x at the first pixel
win             .req r2
skip            .req r3                 // from the second half of a tap's weights to the next tap
row             .req r4                 // row, rows: a pair for ldrd
rows            .req r5
tstep           .req r6
pstep           .req r7
xpt             .req r8                 // xpt below wpt: a pair for ldm
xpt1            .req r9                 // the second pixel's
wpt             .req r10
entry           .req r11                // where a row's taps begin in the unrolled steps
rest            .req r12                // the same without its first tap
left            .req lr                 // pairs of pixels

#include "popcount.inc"

act1            .req q9
tmp0            .req q14
tmp1            .req q15

#define MAX_TAPS 7

/* Locals, from sp. */
#define ACC 0
#define XIN 4
#define WIN 8
#define PAR 12
#define ROW 16
#define ROWS 20
#define ROWS_LEFT 24
#define TAPS 28
#define TAPS_LEFT 32
#define LOCALS 36
#define SAVED (64 + 36)                 /* d8-d15; r4-r11, lr */
#define PIXELS (LOCALS + SAVED)         /* the fifth argument */

// tmp0, tmp1 = {wa, wb} ^ act; wa, wb ^= act1
.macro differ wa, wb
        veor            tmp0, \wa, act
        veor            tmp1, \wb, act
        veor            \wa, \wa, act1
        veor            \wb, \wb, act1
.endm

// Counts of a first tap: a0, b0 of pixel 0 and a1, b1 of pixel 1.
.macro pair_first wa, wb, a0, b0, a1, b1
        differ          \wa, \wb
        vcnt.8          \a0, tmp0
        vcnt.8          \b0, tmp1
        vcnt.8          \a1, \wa
        vcnt.8          \b1, \wb
.endm

// The same, added.
.macro pair_next wa, wb, a0, b0, a1, b1
        differ          \wa, \wb
        vcnt.8          tmp0, tmp0
        vcnt.8          tmp1, tmp1
        vcnt.8          \wa, \wa
        vcnt.8          \wb, \wb
        vadd.i8         \a0, \a0, tmp0
        vadd.i8         \b0, \b0, tmp1
        vadd.i8         \a1, \a1, \wa
        vadd.i8         \b1, \b1, \wb
.endm

// Loads of a tap, 16-byte vectors: wgt0-wgt3 are outputs 0-3 or 4-7.
.macro load_128
        vld1.8          {wgt0, wgt1}, [wpt:128]!
        vld1.8          {act}, [xpt:128], tstep
        vld1.8          {act1}, [xpt1:128], tstep
        vld1.8          {wgt2, wgt3}, [wpt:128], skip
.endm

// The same where the second pixel's vector follows the first one's: stride 1.
.macro load_128_adjacent
        vld1.8          {wgt0, wgt1}, [wpt:128]!
        vld1.8          {act, act1}, [xpt:128], tstep
        vld1.8          {wgt2, wgt3}, [wpt:128], skip
.endm

// 8-byte vectors: wgt0-wgt3 are outputs 01, 23, 45 and 67, and each activation comes twice.
.macro load_64
        vld1.8          {wgt0, wgt1}, [wpt:128]!
        vld1.8          {d16}, [xpt:64]
        vld1.8          {d17}, [xpt:64], tstep
        vld1.8          {d18}, [xpt1:64]
        vld1.8          {d19}, [xpt1:64], tstep
        vld1.8          {wgt2, wgt3}, [wpt:128]!
.endm

.macro step load, count
        \load
        \count          wgt0, wgt1, sum0, sum1, sum4, sum5
        \count          wgt2, wgt3, sum2, sum3, sum6, sum7
.endm

// Pointers of the next row.
.macro next_row
        ldm             row!, {xpt, wpt}
        add             xpt, xpt, xin
        add             wpt, wpt, win
        add             xpt1, xpt, pstep
.endm

// acc of 2 pixels += 4 outputs in d16 and d17.
.macro add_128
        total_of_16
        vldr            d18, [acc]
        vldr            d19, [acc, #16]
        vadd.i16        q8, q8, q9
        vstr            d16, [acc]
        vstr            d17, [acc, #16]
        add             acc, acc, #32
.endm

// acc of 2 pixels += 8 outputs in q8 and q9.
.macro add_64
        total_of_8
        vld1.16         {q10, q11}, [acc:128]
        vadd.i16        q8, q8, q10
        vadd.i16        q9, q9, q11
        vst1.16         {q8, q9}, [acc:128]!
.endm

// All pairs of pixels: `left` of them, at least one.
.macro pairs_of_pixels load, add, step_bytes
        ldr             r8, [sp, #TAPS]
        adr             r9, 4f
        mov             r10, #\step_bytes
        mls             entry, r8, r10, r9      // the end of the steps - taps * step_bytes
        add             rest, entry, r10
1:      ldrd            row, rows, [sp, #ROW]
        next_row
        step            \load, pair_first
        bx              rest
2:      next_row
        bx              entry
3:      .rept           MAX_TAPS
        step            \load, pair_next
        .endr
4:      subs            rows, rows, #1
        bne             2b
        \add
        add             xin, xin, pstep, lsl #1
        subs            left, left, #1
        bne             1b
.if 4b - 3b != MAX_TAPS * \step_bytes
        .error          "step_bytes is not the size of a step"
.endif
.endm

// One pixel: q8 = the sums of 8 outputs.
.macro one_pixel step, total
        ldrd            row, rows, [sp, #ROW]
        ldr             left, [sp, #TAPS]       // here: taps
        mov             rest, left
        next_row
        \step           count_first
        b               3f
1:      next_row
        mov             left, rest
2:      \step           count_next
3:      subs            left, left, #1
        bne             2b
        subs            rows, rows, #1
        bne             1b
        \total
.endm

.macro one_128 count
        step_128        \count
.endm

.macro one_64 count
        step_64         \count, sum0, sum1, sum2, sum3
.endm

.macro enter
        ldr             r12, [sp]
        cmp             r12, #0
        ldrne           r12, [r3, #BCONV_ROW_COUNT]
        cmpne           r12, #0
        ldrne           r12, [r3, #BCONV_TAPS]
        cmpne           r12, #0
        bxeq            lr                      // pixels, rows or taps: none
        vpush           {d8-d15}
        push            {r4-r11, lr}
        sub             sp, sp, #LOCALS
        stm             sp, {acc, xin, win, r3} // ACC, XIN, WIN, PAR
.endm

.macro leave
        add             sp, sp, #LOCALS
        pop             {r4-r11, lr}
        vpop            {d8-d15}
        bx              lr
.endm

// r8: taps left, at least one. A piece of them: TAPS, TAPS_LEFT; r4, r8: all rows.
.macro begin_piece
        ldr             r3, [sp, #PAR]
        cmp             r8, #MAX_TAPS
        movlo           r5, r8
        movhs           r5, #MAX_TAPS
        sub             r8, r8, r5
        str             r5, [sp, #TAPS]
        str             r8, [sp, #TAPS_LEFT]
        ldr             r4, [r3, #BCONV_ROWS]
        ldr             r8, [r3, #BCONV_ROW_COUNT]
.endm

// r4, r8: rows left, at least one. A chunk of them: ROW, ROWS, ROWS_LEFT.
.macro begin_chunk
        ldr             r6, [sp, #TAPS]
        movw            r7, #0x7aff             // digit n, from 0: min(15, MAX_VECTORS / (n + 1)) for n < 7
        movt            r7, #0x0456
        sub             r6, r6, #1
        lsl             r6, r6, #2
        lsr             r7, r7, r6
        and             r5, r7, #15
        cmp             r8, r5
        movlo           r5, r8
        sub             r8, r8, r5
        strd            r4, r5, [sp, #ROW]      // ROW, ROWS
        str             r8, [sp, #ROWS_LEFT]
.endm

// r4, r8: the rows after this chunk; Z: none.
.macro end_chunk
        ldrd            r4, r5, [sp, #ROW]
        ldr             r8, [sp, #ROWS_LEFT]
        add             r4, r4, r5, lsl #3
        cmp             r8, #0
.endm

// x and w move to the taps after this piece; r8: taps left; Z: none.
.macro end_piece tap_bytes_log2
        ldr             r4, [sp, #TAPS]
        ldr             r5, [sp, #XIN]
        ldr             r7, [sp, #WIN]
        ldr             r8, [sp, #TAPS_LEFT]
        mla             r5, r4, tstep, r5
        add             r7, r7, r4, lsl #\tap_bytes_log2
        str             r5, [sp, #XIN]
        str             r7, [sp, #WIN]
        cmp             r8, #0
.endm

// Arguments and steps; Z: less than two pixels.
.macro begin_pixels
        ldr             r3, [sp, #PAR]
        ldr             xin, [sp, #XIN]
        ldr             left, [sp, #PIXELS]
        ldr             tstep, [r3, #BCONV_TAP_STEP]
        ldr             pstep, [r3, #BCONV_PIXEL_STEP]
        lsrs            left, left, #1
.endm

/*yaml
name: bnn_bconv128_neon
slot: bconv128
arguments: {acc: r0, x: r1, w: r2, p: r3, pixels: stack0}
buffers:
  acc: {access: read write, bytes: "16 * pixels"}
  x: {access: read, bytes: "max(r.x for r in p.rows) + (pixels - 1) * p.pixel_step + (p.taps - 1) * p.tap_step + 16
      if pixels and p.taps and p.row_count else 0"}
  w: {access: read, bytes: "max(r.w for r in p.rows) + 128 * p.taps if pixels and p.taps and p.row_count else 0"}
  p: {access: read, bytes: struct}
  p.rows: {access: read, bytes: "8 * p.row_count"}
registers: [r0-r12, lr, q0-q15]
saved: [r4-r11, d8-d15]
stack: 136
*/
func bnn_bconv128_neon
        enter
        ldr             r8, [r3, #BCONV_TAPS]
10:     begin_piece
11:     begin_chunk
        ldr             acc, [sp, #ACC]
        ldr             win, [sp, #WIN]
12:     begin_pixels
        beq             16f
        mov             skip, #96               // 128 - 32
        cmp             pstep, #16
        beq             14f
13:     pairs_of_pixels load_128, add_128, 112          // (4 loads + 8 veor + 8 vcnt + 8 vadd) * 4 bytes
        b               15f
14:     pairs_of_pixels load_128_adjacent, add_128, 108
15:     // The other half of the outputs: acc, a multiple of 16, is odd in units of 8 there.
        tst             acc, #8
        bne             16f
        ldr             acc, [sp, #ACC]
        add             acc, acc, #8
        add             win, win, #64
        b               12b
16:     ldr             r8, [sp, #PIXELS]
        tst             r8, #1
        beq             17f
        bic             acc, acc, #8
        ldr             win, [sp, #WIN]
        one_pixel       one_128, total_of_16
        vld1.16         {q9}, [acc:128]
        vadd.i16        q8, q8, q9
        vst1.16         {q8}, [acc:128]
17:     end_chunk
        bne             11b
        end_piece       7
        bne             10b
        leave
endfunc bnn_bconv128_neon

/*yaml
name: bnn_bconv64_neon
slot: bconv64
arguments: {acc: r0, x: r1, w: r2, p: r3, pixels: stack0}
buffers:
  acc: {access: read write, bytes: "16 * pixels"}
  x: {access: read, bytes: "max(r.x for r in p.rows) + (pixels - 1) * p.pixel_step + (p.taps - 1) * p.tap_step + 8
      if pixels and p.taps and p.row_count else 0"}
  w: {access: read, bytes: "max(r.w for r in p.rows) + 64 * p.taps if pixels and p.taps and p.row_count else 0"}
  p: {access: read, bytes: struct}
  p.rows: {access: read, bytes: "8 * p.row_count"}
registers: [r0-r12, lr, q0-q15]
saved: [r4-r11, d8-d15]
stack: 136
*/
func bnn_bconv64_neon
        enter
        ldr             r8, [r3, #BCONV_TAPS]
10:     begin_piece
11:     begin_chunk
        ldr             acc, [sp, #ACC]
        ldr             win, [sp, #WIN]
        begin_pixels
        beq             12f
        pairs_of_pixels load_64, add_64, 120            // (6 loads + 8 veor + 8 vcnt + 8 vadd) * 4 bytes
12:     ldr             r8, [sp, #PIXELS]
        tst             r8, #1
        beq             13f
        one_pixel       one_64, total_of_8_0_3
        vld1.16         {q9}, [acc:128]
        vadd.i16        q8, q8, q9
        vst1.16         {q8}, [acc:128]
13:     end_chunk
        bne             11b
        end_piece       6
        bne             10b
        leave
endfunc bnn_bconv64_neon

#endif
