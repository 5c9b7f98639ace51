/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution: a block of 8 outputs over a run of output pixels.
 *
 * Eight byte accumulators stay in registers while all taps go by: 4 outputs x 2 pixels of 16-byte vectors, or 8 outputs x
 * 2 pixels of 8-byte vectors (two outputs share a register). A tap costs 8 veor, 8 vcnt, 8 vadd and the loads; the first tap
 * of a tile writes its counts instead of adding them, which saves clearing. Then the sums go to acc: read, added, written.
 * A last odd pixel runs as two equal ones, the second of which is not written.
 *
 * Taps of a row are unrolled MAX_TAPS times and entered in the middle; wider rows run in pieces. The byte accumulators hold
 * MAX_VECTORS taps, so many rows run in chunks. Loops, outermost first: pieces, chunks, halves (groups of 128: outputs 0-3,
 * 4-7), pairs of pixels, rows, taps.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "popcount.inc"

acc             .req r0
xin             .req r1                 // x at the pair's first pixel
win             .req r2
skip            .req r3                 // from the second half of a tap's weights to the next tap
row             .req r4                 // row, rows: a pair for ldrd
rows            .req r5
tstep           .req r6
pstep           .req r7
xp0             .req r8                 // xp0 below wgt: a pair for ldm
xp1             .req r9
wgt             .req r10
entry           .req r11                // where a row's taps begin in the unrolled steps
rest            .req r12                // the same without its first tap
left            .req lr                 // pixels

act0            .req q8
act1            .req q9
wgt0            .req q10
wgt1            .req q11
wgt2            .req q12
wgt3            .req q13
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

// tmp0, tmp1, wa, wb = ones in the bytes of {wa, wb} ^ act0, {wa, wb} ^ act1
.macro differ wa, wb
        veor            tmp0, \wa, act0
        veor            tmp1, \wb, act0
        veor            \wa, \wa, act1
        veor            \wb, \wb, act1
.endm

// Counts of a first tap: a0, b0 of pixel 0 and a1, b1 of pixel 1.
.macro count_first wa, wb, a0, b0, a1, b1
        differ          \wa, \wb
        vcnt.8          \a0, tmp0
        vcnt.8          \b0, tmp1
        vcnt.8          \a1, \wa
        vcnt.8          \b1, \wb
.endm

// The same, added.
.macro count_next wa, wb, a0, b0, a1, b1
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

// One tap. group 128: wgt0-3 are outputs 0-3 or 4-7; group 64: output pairs 01 23 45 67, and each activation twice.
.macro step group, count
        vld1.8          {wgt0, wgt1}, [wgt:128]!
.if \group == 128
        vld1.8          {act0}, [xp0:128], tstep
        vld1.8          {act1}, [xp1:128], tstep
        vld1.8          {wgt2, wgt3}, [wgt:128], skip
.else
        vld1.8          {d16}, [xp0:64]
        vld1.8          {d17}, [xp0:64], tstep
        vld1.8          {d18}, [xp1:64]
        vld1.8          {d19}, [xp1:64], tstep
        vld1.8          {wgt2, wgt3}, [wgt:128]!
.endif
        \count          wgt0, wgt1, sum0, sum1, sum4, sum5
        \count          wgt2, wgt3, sum2, sum3, sum6, sum7
.endm

// Pointers of the next row.
.macro next_row
        ldm             row!, {xp0, wgt}
        add             xp0, xp0, xin
        add             wgt, wgt, win
        add             xp1, xp0, pstep
.endm

.macro bconv group, step_bytes
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
        b               8f

1:      // A pair of pixels.
        cmp             left, #1
        moveq           pstep, #0               // alone: both are the same
        ldrd            row, rows, [sp, #ROW]
        next_row
        step            \group, count_first
        bx              rest
2:      next_row
        bx              entry
3:      .rept           MAX_TAPS
        step            \group, count_next
        .endr
4:      subs            rows, rows, #1
        bne             2b
        subs            left, left, #2          // carry: there are two pixels
.if \group == 128
        total_of_16                             // d16, d17: 4 outputs of each pixel
        vldr            d18, [acc]
        vldrhs          d19, [acc, #16]
        vadd.i16        q8, q8, q9
        vstr            d16, [acc]
        vstrhs          d17, [acc, #16]
.else
        total_of_8                              // q8, q9: 8 outputs of each pixel
        vldm            acc, {d20, d21}
        vldrhs          d22, [acc, #16]
        vldrhs          d23, [acc, #24]
        vadd.i16        q8, q8, q10
        vadd.i16        q9, q9, q11
        vstm            acc, {d16, d17}
        vstrhs          d18, [acc, #16]
        vstrhs          d19, [acc, #24]
.endif
        add             acc, acc, #32
        add             xin, xin, pstep, lsl #1
        bhi             1b                      // more pixels

.if \group == 128
        // The other half of the outputs: acc, a multiple of 16, is odd in units of 8 there.
        tst             acc, #8
        ldreq           acc, [sp, #ACC]
        addeq           acc, acc, #8
        addeq           win, win, #64
        beq             7f
.endif

        // The next chunk of rows.
        ldr             r8, [sp, #ROWS_LEFT]
        ldr             r4, [sp, #ROW]
        ldr             r5, [sp, #ROWS]
        add             r4, r4, r5, lsl #3
        cmp             r8, #0
        bne             6f

        // The next taps of all rows.
        ldr             r8, [sp, #TAPS_LEFT]
        cmp             r8, #0
        beq             9f
        ldr             r4, [sp, #TAPS]
        ldr             r5, [sp, #XIN]
        ldr             r7, [sp, #WIN]
        mla             r5, r4, tstep, r5
        add             r7, r7, r4, lsl #(\group / 64 + 5)      // 128 or 64 bytes a tap
        str             r5, [sp, #XIN]
        str             r7, [sp, #WIN]
        b               5f

8:      ldr             r8, [r3, #BCONV_TAPS]
5:      // A piece of at most MAX_TAPS of the r8 taps left.
        ldr             r3, [sp, #PAR]
        cmp             r8, #MAX_TAPS
        movlo           r5, r8
        movhs           r5, #MAX_TAPS
        sub             r8, r8, r5
        str             r5, [sp, #TAPS]
        str             r8, [sp, #TAPS_LEFT]
        adr             r6, 4b
        mov             r7, #\step_bytes
        mls             entry, r5, r7, r6       // the end of the steps - taps * step_bytes
        add             rest, entry, r7
        ldr             r4, [r3, #BCONV_ROWS]
        ldr             r8, [r3, #BCONV_ROW_COUNT]
6:      // A chunk of the r8 rows left, from r4 on.
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
        ldr             acc, [sp, #ACC]
        ldr             win, [sp, #WIN]
7:      // A half of the outputs, or all.
        ldr             r3, [sp, #PAR]
        ldr             left, [sp, #PIXELS]
        ldr             xin, [sp, #XIN]
        ldr             tstep, [r3, #BCONV_TAP_STEP]
        ldr             pstep, [r3, #BCONV_PIXEL_STEP]
        mov             skip, #96               // 128 - 32
        b               1b

9:      add             sp, sp, #LOCALS
        pop             {r4-r11, lr}
        vpop            {d8-d15}
        bx              lr
.if 4b - 3b != MAX_TAPS * \step_bytes
        .error          "step_bytes is not the size of a step"
.endif
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
        bconv           128, 112             // (4 loads + 8 veor + 8 vcnt + 8 vadd) * 4 bytes
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
        bconv           64, 120             // (6 loads + 8 veor + 8 vcnt + 8 vadd) * 4 bytes
endfunc bnn_bconv64_neon

#endif
