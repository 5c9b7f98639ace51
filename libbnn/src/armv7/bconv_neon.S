/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, for layers too small for the chain: 8 outputs x 1 pixel, byte accumulators in registers.
 *
 * The way of x from tap to tap is the same for every pixel: it is written down first, as a list of steps. The byte accumulators
 * hold MAX_VECTORS taps, so more of them are done in chunks.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

acc             .req r0
line            .req r1                 // x at the first tap, of the line's first pixel
win             .req r2
par             .req r3                 // at entry; then
vectors         .req r3                 // of the chunk
left            .req r4                 // pixels
next            .req r5                 // step of the list
xpt             .req r6
wpt             .req r7
tstep           .req r8
pixel           .req r9                 // x at the first tap
lines           .req r10
list_end        .req r11
list            .req r12
lstep           .req lr

#include "popcount.inc"

/* Locals, from sp. */
#define LIST 0                          /* from 0 to the first tap, to the second, ... the last, 0 */
#define X 128
#define W 132
#define ACC 136
#define PAR 140
#define VECTORS_LEFT 144
#define GROUP 148                       /* where the next tap's channel group, row, and tap are */
#define ROW 152
#define ROW_NUMBER 156
#define TAP_NUMBER 160
#define LOCALS 164
#define SAVED (64 + 36)                 /* d8-d15; r4-r11, lr */
#define LINES (LOCALS + SAVED)          /* the fifth and sixth argument */
#define PIXELS (LINES + 4)

/* A pair of pairs of bytes holds the counts of so many vectors, 8 each. */
#define FEW_VECTORS 7

.macro enter
        ldr             r12, [sp]
        cmp             r12, #0
        ldrne           r12, [sp, #4]
        cmpne           r12, #0
        bxeq            lr                      // lines or pixels: none
        vpush           {d8-d15}
        push            {r4-r11, lr}
        sub             sp, sp, #LOCALS
        ldr             r4, [par, #BCONV_GROUPS]
        ldr             r5, [par, #BCONV_ROWS]
        ldr             r6, [par, #BCONV_TAPS]
        mul             r4, r4, r5
        mul             r4, r4, r6
        mov             r5, #0
        mov             r6, #0
        mov             r7, #0
        mov             r8, #0
        add             r12, sp, #X
        stm             r12, {r1, r2}           // X, W
        str             acc, [sp, #ACC]
        add             r12, sp, #PAR
        stm             r12, {r3-r8}
.endm

.macro leave
        add             sp, sp, #LOCALS
        pop             {r4-r11, lr}
        vpop            {d8-d15}
        bx              lr
.endm

// The next chunk: its list, vectors, list_end.
.macro begin_chunk
        ldr             r0, [sp, #PAR]
        ldr             r4, [sp, #VECTORS_LEFT]
        add             r12, sp, #GROUP
        ldm             r12, {r5-r8}            // GROUP, ROW, ROW_NUMBER, TAP_NUMBER
        cmp             r4, #MAX_VECTORS
        movlo           r3, r4
        movhs           r3, #MAX_VECTORS
        sub             r4, r4, r3
        str             r4, [sp, #VECTORS_LEFT]
        add             list_end, sp, #4
        add             list_end, list_end, r3, lsl #2
        mov             r1, #0                  // the tap before
        mov             r2, sp
        sub             r9, list_end, #4
1:      ldr             r4, [r0, #BCONV_TAP_X]
        ldr             r4, [r4, r8, lsl #2]
        add             r4, r4, r6
        sub             r1, r4, r1
        str             r1, [r2], #4
        mov             r1, r4
        add             r8, r8, #1
        ldr             r4, [r0, #BCONV_TAPS]
        cmp             r8, r4
        bne             2f
        mov             r8, #0                  // the next row
        ldr             r4, [r0, #BCONV_ROW_STEP]
        add             r6, r6, r4
        add             r7, r7, #1
        ldr             r4, [r0, #BCONV_ROWS]
        cmp             r7, r4
        bne             2f
        mov             r7, #0                  // the next group
        ldr             r4, [r0, #BCONV_GROUP_STEP]
        add             r5, r5, r4
        mov             r6, r5
2:      cmp             r2, r9
        bne             1b
        mov             r1, #0
        str             r1, [r2]
        stm             r12, {r5-r8}
        ldr             lstep, [r0, #BCONV_LINE_STEP]
.endm

// Sums of few vectors: q8 = those of sum0-sum7, and of the halves of sum0-sum3.
.macro finish_few
        vpaddl.u8       q8, q8
        vpaddl.u8       q9, q9
        vpadd.i16       d16, d16, d17
        vpadd.i16       d17, d18, d19
.endm

.macro few_16
        vpadd.i8        d16, d0, d1
        vpadd.i8        d17, d2, d3
        vpadd.i8        d18, d4, d5
        vpadd.i8        d19, d6, d7
        vpadd.i8        d20, d8, d9
        vpadd.i8        d21, d10, d11
        vpadd.i8        d22, d12, d13
        vpadd.i8        d23, d14, d15
        vpadd.i8        d16, d16, d17
        vpadd.i8        d17, d18, d19
        vpadd.i8        d18, d20, d21
        vpadd.i8        d19, d22, d23
        finish_few
.endm

.macro few_8
        vpadd.i8        d16, d0, d1
        vpadd.i8        d17, d2, d3
        vpadd.i8        d18, d4, d5
        vpadd.i8        d19, d6, d7
        finish_few
.endm

.macro step_16 count
        step_128        \count
.endm

.macro step_8 count
        step_64         \count, sum0, sum1, sum2, sum3
.endm

// The function, for vectors of `size` bytes; many: their sums.
.macro bconv size, many
        enter
10:     begin_chunk
        add             list, sp, #4
        ldr             acc, [sp, #ACC]
        ldr             line, [sp, #X]
        ldr             xpt, [sp, #LIST]
        ldr             lines, [sp, #LINES]
        ldr             win, [sp, #W]
        add             line, line, xpt
11:     ldr             left, [sp, #PIXELS]
        mov             pixel, line
12:     mov             xpt, pixel
        mov             wpt, win
        ldr             tstep, [list]
        add             next, list, #4
        step_\size      count_first
        cmp             next, list_end
        beq             14f
13:     ldr             tstep, [next], #4
        step_\size      count_next
        cmp             next, list_end
        bne             13b
14:     add             pixel, pixel, #\size
        cmp             vectors, #FEW_VECTORS
        bhi             17f
        few_\size
15:     vld1.16         {q9}, [acc:128]
        vadd.i16        q8, q8, q9
        vst1.16         {q8}, [acc:128]!
        subs            left, left, #1
        bne             12b
        add             line, line, lstep
        subs            lines, lines, #1
        bne             11b
        str             wpt, [sp, #W]
        ldr             r4, [sp, #VECTORS_LEFT]
        cmp             r4, #0
        bne             10b
        leave
17:     \many
        b               15b
.endm

/*yaml
name: bnn_bconv128_neon
slot: bconv128
arguments: {acc: r0, x: r1, w: r2, p: r3, lines: stack0, pixels: stack1}
buffers:
  acc: {access: readwrite, bytes: "16 * lines * pixels"}
  x: {access: read, bytes: "(p.groups - 1) * p.group_step + (p.rows - 1) * p.row_step + (lines - 1) * p.line_step + max(p.tap_x)
      + 16 * pixels if lines and pixels else 0"}
  w: {access: read, bytes: "128 * p.groups * p.rows * p.taps if lines and pixels else 0"}
  p: {access: read, bytes: struct}
  p.tap_x: {access: read, bytes: "4 * p.taps"}
registers: [r0-r12, lr, q0-q15]
saved: [r4-r11, d8-d15]
stack: 264
*/
func bnn_bconv128_neon
        bconv           16, total_of_16
endfunc bnn_bconv128_neon

/*yaml
name: bnn_bconv64_neon
slot: bconv64
arguments: {acc: r0, x: r1, w: r2, p: r3, lines: stack0, pixels: stack1}
buffers:
  acc: {access: readwrite, bytes: "16 * lines * pixels"}
  x: {access: read, bytes: "(p.groups - 1) * p.group_step + (p.rows - 1) * p.row_step + (lines - 1) * p.line_step + max(p.tap_x)
      + 8 * pixels if lines and pixels else 0"}
  w: {access: read, bytes: "64 * p.groups * p.rows * p.taps if lines and pixels else 0"}
  p: {access: read, bytes: struct}
  p.tap_x: {access: read, bytes: "4 * p.taps"}
registers: [r0-r12, lr, q0-q15]
saved: [r4-r11, d8-d15]
stack: 264
*/
func bnn_bconv64_neon
        bconv           8, total_of_8_0_3
endfunc bnn_bconv64_neon

#endif
