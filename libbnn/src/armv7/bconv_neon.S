/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary direct convolution, for layers too small for the chain: 8 outputs x 2 pixels, then 1.
 *
 * A register holds the same word of the weights of 4 outputs: vld4 (vld2) takes them apart as it loads them. Against that word
 * of x in each lane, the counts of an output are all in its own lane, those of several words and taps are added byte by byte,
 * and two levels of sums remain for 8 outputs, not three for each.
 *
 * The way of x from tap to tap is the same for every pixel: it is written down first, as a list of steps. A byte holds the
 * counts of 31 words, so more taps are done in chunks.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

acc             .req r0
line            .req r1                 // x at the first tap, of the line's first pixel
win             .req r2
par             .req r3                 // at entry; then
back            .req r3                 // from the second pixel to the first
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

/* Byte counts of outputs 0-3 and 4-7: of the first pixel, and of the second. */
sum0            .req q0
sum1            .req q1
second0         .req q2
second1         .req q3

/* Words: differences of one pixel or half; weights, then the differences of the other; x. */
dif0            .req q4
dif1            .req q5
dif2            .req q6
dif3            .req q7
wgt0            .req q8
wgt1            .req q9
wgt2            .req q10
wgt3            .req q11
act0            .req q12                // d24, d25
act1            .req q13
act2            .req q14
act3            .req q15

/* Taps of which a byte holds the counts: 8 * 4 (8 * 2) * taps <= 255. */
#define TAPS_16 7
#define TAPS_8 15

/* Locals, from sp. */
#define LIST 0                          /* from 0 to the first tap, to the second, ... the last, 0 */
#define X 64
#define W 68
#define ACC 72
#define PAR 76
#define VECTORS_LEFT 80
#define GROUP 84                        /* where the next tap's channel group, row, and tap are */
#define ROW 88
#define ROW_NUMBER 92
#define TAP_NUMBER 96
#define LOCALS 100
#define SAVED (64 + 36)                 /* d8-d15; r4-r11, lr */
#define LINES (LOCALS + SAVED)          /* the fifth and sixth argument */
#define PIXELS (LINES + 4)

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

// The next chunk: its list and list_end.
.macro begin_chunk taps
        ldr             r0, [sp, #PAR]
        ldr             r4, [sp, #VECTORS_LEFT]
        add             r12, sp, #GROUP
        ldm             r12, {r5-r8}            // GROUP, ROW, ROW_NUMBER, TAP_NUMBER
        cmp             r4, #\taps
        movlo           r3, r4
        movhs           r3, #\taps
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

// The weights of the next 4 outputs, word by word.
.macro load_wgt size
    .if \size == 16
        vld4.32         {d16, d18, d20, d22}, [wpt]!
        vld4.32         {d17, d19, d21, d23}, [wpt]!
    .else
        vld2.32         {wgt0, wgt1}, [wpt]!
    .endif
.endm

// The words of x, each in all lanes; then xpt goes on.
.macro load_act size, on
    .if \size == 16
        vld4.32         {d24[], d26[], d28[], d30[]}, [xpt]
        vld4.32         {d25[], d27[], d29[], d31[]}, [xpt]\on
    .else
        vld2.32         {d24[], d26[]}, [xpt]
        vld2.32         {d25[], d27[]}, [xpt]\on
    .endif
.endm

// a-d = wgt ^ act
.macro differ size, a, b, c, d
        veor            \a, wgt0, act0
        veor            \b, wgt1, act1
    .if \size == 16
        veor            \c, wgt2, act2
        veor            \d, wgt3, act3
    .endif
.endm

// a-d = ones in each of their bytes
.macro count size, a, b, c, d
        vcnt.8          \a, \a
        vcnt.8          \b, \b
    .if \size == 16
        vcnt.8          \c, \c
        vcnt.8          \d, \d
    .endif
.endm

.macro no_load size
.endm

// to = the counts of dif, from = those that were made of wgt; `load` comes when wgt is free.
.macro merge_first size, to, from, load=no_load
    .if \size == 16
        vadd.i8         dif0, dif0, dif1
        vadd.i8         dif2, dif2, dif3
        vadd.i8         dif1, wgt0, wgt1
        vadd.i8         dif3, wgt2, wgt3
        \load           \size
        vadd.i8         \to, dif0, dif2
        vadd.i8         \from, dif1, dif3
    .else
        vadd.i8         \to, dif0, dif1
        vadd.i8         \from, wgt0, wgt1
        \load           \size
    .endif
.endm

// They are added.
.macro merge_next size, to, from, load=no_load
        vadd.i8         dif0, dif0, dif1
    .if \size == 16
        vadd.i8         dif2, dif2, dif3
    .endif
        vadd.i8         dif1, wgt0, wgt1
    .if \size == 16
        vadd.i8         dif3, wgt2, wgt3
    .endif
        \load           \size
    .if \size == 16
        vadd.i8         dif0, dif0, dif2
        vadd.i8         dif1, dif1, dif3
    .endif
        vadd.i8         \to, \to, dif0
        vadd.i8         \from, \from, dif1
.endm

// A tap of 2 pixels: outputs 0-3 of the first and the second, outputs 4-7 of the second and the first.
.macro tap_2 size, merge
        load_wgt        \size
        load_act        \size, "!"
        differ          \size, dif0, dif1, dif2, dif3
        load_act        \size, ", back"
        count           \size, dif0, dif1, dif2, dif3
        differ          \size, wgt0, wgt1, wgt2, wgt3
        count           \size, wgt0, wgt1, wgt2, wgt3
        \merge          \size, sum0, second0, load_wgt
        differ          \size, dif0, dif1, dif2, dif3
        load_act        \size, ", tstep"
        count           \size, dif0, dif1, dif2, dif3
        differ          \size, wgt0, wgt1, wgt2, wgt3
        count           \size, wgt0, wgt1, wgt2, wgt3
        \merge          \size, second1, sum1
.endm

// A tap of 1 pixel.
.macro tap_1 size, merge
        load_wgt        \size
        load_act        \size, ", tstep"
        differ          \size, dif0, dif1, dif2, dif3
        load_wgt        \size
        count           \size, dif0, dif1, dif2, dif3
        differ          \size, wgt0, wgt1, wgt2, wgt3
        count           \size, wgt0, wgt1, wgt2, wgt3
        \merge          \size, sum0, sum1
.endm

// acc += the sums
.macro finish_2
        vpaddl.u8       sum0, sum0
        vpaddl.u8       sum1, sum1
        vpaddl.u8       second0, second0
        vpaddl.u8       second1, second1
        vld1.16         {dif0, dif1}, [acc:128]
        vpadd.i16       d0, d0, d1
        vpadd.i16       d1, d2, d3
        vpadd.i16       d4, d4, d5
        vpadd.i16       d5, d6, d7
        vadd.i16        dif0, dif0, sum0
        vadd.i16        dif1, dif1, second0
        vst1.16         {dif0, dif1}, [acc:128]!
.endm

.macro finish_1
        vpaddl.u8       sum0, sum0
        vpaddl.u8       sum1, sum1
        vld1.16         {dif0}, [acc:128]
        vpadd.i16       d0, d0, d1
        vpadd.i16       d1, d2, d3
        vadd.i16        dif0, dif0, sum0
        vst1.16         {dif0}, [acc:128]!
.endm

// All taps of 2 pixels, or 1.
.macro tile size, n
        mov             xpt, pixel
        mov             wpt, win
        ldr             tstep, [list]
        add             next, list, #4
        tap_\n          \size, merge_first
        cmp             next, list_end
        beq             2f
1:      ldr             tstep, [next], #4
        tap_\n          \size, merge_next
        cmp             next, list_end
        bne             1b
2:      add             pixel, pixel, #\n * \size
        finish_\n
.endm

// The function, for vectors of `size` bytes.
.macro bconv size, taps
        enter
10:     begin_chunk     \taps
        add             list, sp, #4
        ldr             acc, [sp, #ACC]
        ldr             line, [sp, #X]
        ldr             xpt, [sp, #LIST]
        ldr             lines, [sp, #LINES]
        ldr             win, [sp, #W]
        add             line, line, xpt
        mvn             back, #\size - 1
11:     ldr             left, [sp, #PIXELS]
        mov             pixel, line
        subs            left, left, #2
        blo             13f
12:     tile            \size, 2
        subs            left, left, #2
        bhs             12b
13:     tst             left, #1
        beq             14f
        tile            \size, 1
14:     add             line, line, lstep
        subs            lines, lines, #1
        bne             11b
        str             wpt, [sp, #W]
        ldr             r4, [sp, #VECTORS_LEFT]
        cmp             r4, #0
        bne             10b
        leave
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
stack: 200
*/
func bnn_bconv128_neon
        bconv           16, TAPS_16
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
stack: 200
*/
func bnn_bconv64_neon
        bconv           8, TAPS_8
endfunc bnn_bconv64_neon

#endif
