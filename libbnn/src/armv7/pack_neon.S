/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits, one channel group per pixel. A group that is not full is worked on as a full one on the stack,
 * padded with zeros, so that nothing beyond its channels is read.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "group.inc"

out             .req r0
xin             .req r1
pixels          .req r2
xstep           .req r3
skip0           .req r5
skip1           .req r6

// The channels of the row at xin to sp; ptr0 = sp.
.macro row_to_stack
        mov             ptr0, sp
        mov             ptr1, xin
        copy_channels   ptr0, ptr1
        mov             ptr0, sp
.endm

/*
 * Signs. vld4.8 with every second register takes 8 floats apart into the low or the high halves of four q registers; the
 * fourth then holds their sign bytes. So channels 16*m + k (groups of 64: of two pixels, 8*m + k) fill one register per m,
 * and 7 vsri gather bit 7 of the eight: a tree, mixed with the loads, in which only the last vsri waits for the one before.
 */

// q15 = signs of 8 x 8 floats from x0 on (low half) and from x1 on (high half). pixels -= less sets the flags. The last of
// the eight loads move x0 by skip0 and x1 by skip1, the others by 32.
.macro gather_signs x0, x1, less
        vld4.8          {d24, d26, d28, d30}, [\x0]!    // q15: m = 0
        vld4.8          {d25, d27, d29, d31}, [\x1]!
        vld4.8          {d22, d24, d26, d28}, [\x0]!    // q14: m = 1
        vld4.8          {d23, d25, d27, d29}, [\x1]!
        vld4.8          {d20, d22, d24, d26}, [\x0]!    // q13: m = 2
        vld4.8          {d21, d23, d25, d27}, [\x1]!
        vld4.8          {d18, d20, d22, d24}, [\x0]!    // q12: m = 3
        vld4.8          {d19, d21, d23, d25}, [\x1]!
        vsri.8          q14, q15, #1                    // q14: m = 1, 0, from bit 7 down
        vld4.8          {d16, d18, d20, d22}, [\x0]!    // q11: m = 4
        vld4.8          {d17, d19, d21, d23}, [\x1]!
        vsri.8          q12, q13, #1                    // q12: m = 3, 2
        vld4.8          {d0, d2, d4, d6}, [\x0]!        // q3: m = 5
        vld4.8          {d1, d3, d5, d7}, [\x1]!
        vsri.8          q3, q11, #1                     // q3: m = 5, 4
        vsri.8          q12, q14, #2                    // q12: m = 3 .. 0
        subs            pixels, pixels, #\less
        vld4.8          {d16, d18, d20, d22}, [\x0]!    // q11: m = 6
        vld4.8          {d17, d19, d21, d23}, [\x1]!
        vsri.8          q3, q12, #2                     // q3: m = 5 .. 0
        vld4.8          {d24, d26, d28, d30}, [\x0], skip0      // q15: m = 7
        vld4.8          {d25, d27, d29, d31}, [\x1], skip1
        vsri.8          q15, q11, #1                    // q15: m = 7, 6
        vsri.8          q15, q3, #2                     // q15: m = 7 .. 0
.endm

/*yaml
name: bnn_pack_sign_neon
slot: pack_sign
arguments: {out: r0, x: r1, pixels: r2, x_step: r3, channels: stack0}
buffers:
  out: {access: write, bytes: "pixels * (16 if channels > 64 else 8)"}
  x: {access: read, bytes: "(pixels - 1) * x_step + 4 * channels if pixels else 0"}
registers: [r0-r8, r12, q0-q3, q8-q15]
saved: [r4-r8]
stack: 536
hazard: {ops: [vsri], distance: 4, merge: 1}
*/
func bnn_pack_sign_neon
        cmp             pixels, #0
        bxeq            lr
        push            {r4-r8, lr}
        ldr             channels, [sp, #24]
        sub             sp, sp, #GROUP
        cmp             channels, #64
        bhi             5f
        blo             3f

        // 64 channels: two rows at a time.
        add             ptr1, xin, xstep
        lsl             skip0, xstep, #1
        sub             skip0, skip0, #224              // to the row after the next: 224 = 7 * 32
        mov             skip1, skip0
        subs            pixels, pixels, #2
        blo             2f
1:      gather_signs    xin, ptr1, 2
        vst1.8          {q15}, [out:64]!
        bhs             1b
2:      adds            pixels, pixels, #2
        beq             9f
        mov             ptr1, xin                       // one row is left
        gather_signs    xin, ptr1, 1
        vst1.8          {d30}, [out:64]
        b               9f

        // 1 to 63 channels.
3:      clear_stack     GROUP / 2
4:      row_to_stack
        add             xin, xin, xstep
        mov             ptr1, ptr0
        gather_signs    ptr0, ptr1, 1
        vst1.8          {d30}, [out:64]!
        bne             4b
        b               9f

5:      mov             skip0, #32
        cmp             channels, #128
        bne             7f

        // 128 channels: upper and lower halves of each 16 take turns.
        sub             skip1, xstep, #480              // to the next row: 480 = 15 * 32
6:      gather_signs    xin, xin, 1
        vst1.8          {q15}, [out:128]!
        bne             6b
        b               9f

        // 65 to 127 channels.
7:      clear_stack     GROUP
8:      row_to_stack
        add             xin, xin, xstep
        gather_signs    ptr0, ptr0, 1
        vst1.8          {q15}, [out:128]!
        bne             8b

9:      add             sp, sp, #GROUP
        pop             {r4-r8, pc}
endfunc bnn_pack_sign_neon

        .unreq          skip0
        .unreq          skip1

/*
 * Comparison. A mask of 32 bits per channel comes from vcge; vsri gathers the top bits of the masks of eight m in a tree,
 * and two narrowing shifts leave a byte per k.
 */
thr             .req r5
mstep           .req r6                 // bytes of floats from m to m + 1
row             .req r9

// Masks of channels k = 0 .. 7 of two m, next at ptr0: a0, a1 and b0, b1; their thresholds at ptr1.
.macro compare a0, a1, b0, b1
        vld1.32         {\a0, \a1}, [ptr0], mstep
        vld1.32         {q0, q1}, [ptr1], mstep
        vld1.32         {\b0, \b1}, [ptr0], mstep
        vld1.32         {q2, q3}, [ptr1], mstep
        vcge.f32        \a0, \a0, q0
        vcge.f32        \a1, \a1, q1
        vcge.f32        \b0, \b0, q2
        vcge.f32        \b1, \b1, q3
.endm

// result: bit m of byte k = channel (8 or 16)*m + k at ptr0 >= threshold at ptr1. Moves both by 8 * mstep.
.macro gather_compared result
        compare         q8, q9, q10, q11                // m = 0, 1
        vsri.32         q10, q8, #1                     // q10: m = 1, 0, from bit 31 down
        vsri.32         q11, q9, #1
        compare         q8, q9, q12, q13                // m = 2, 3
        vsri.32         q12, q8, #1                     // q12: m = 3, 2
        vsri.32         q13, q9, #1
        compare         q8, q9, q14, q15                // m = 4, 5
        vsri.32         q12, q10, #2                    // q12: m = 3 .. 0
        vsri.32         q13, q11, #2
        vsri.32         q14, q8, #1                     // q14: m = 5, 4
        vsri.32         q15, q9, #1
        compare         q8, q9, q10, q11                // m = 6, 7
        vsri.32         q14, q12, #2                    // q14: m = 5 .. 0
        vsri.32         q15, q13, #2
        vsri.32         q10, q8, #1                     // q10: m = 7, 6
        vsri.32         q11, q9, #1
        vsri.32         q10, q14, #2                    // q10: m = 7 .. 0
        vsri.32         q11, q15, #2
        vshrn.i32       d0, q10, #16
        vshrn.i32       d1, q11, #16
        vshrn.i16       \result, q0, #8
.endm

// row = the next row's channels, by way of the stack if the group is not full.
.macro next_row
        mov             row, xin
        cmp             channels, mstep, lsl #1
        beq             .Lfull\@
        row_to_stack
        mov             row, sp
.Lfull\@:
        add             xin, xin, xstep
        mov             ptr0, row
        mov             ptr1, thr
.endm

/*yaml
name: bnn_pack_threshold_neon
slot: pack_threshold
arguments: {out: r0, x: r1, pixels: r2, x_step: r3, channels: stack0, t: stack1}
buffers:
  out: {access: write, bytes: "pixels * (16 if channels > 64 else 8)"}
  x: {access: read, bytes: "(pixels - 1) * x_step + 4 * channels if pixels else 0"}
  t: {access: read, bytes: struct}
  t.threshold: {access: read, bytes: 4 * channels}
  t.flip: {access: read, bytes: "16 if channels > 64 else 8"}
registers: [r0-r10, r12, q0-q5, q8-q15]
saved: [r4-r10, d8-d11]
stack: 1088
hazard: {ops: [vsri], distance: 4, merge: 2}
*/
func bnn_pack_threshold_neon
        cmp             pixels, #0
        bxeq            lr
        push            {r4-r10, lr}
        vpush           {d8-d11}
        ldr             channels, [sp, #64]
        ldr             ptr1, [sp, #68]
        ldr             thr, [ptr1, #THRESHOLD_THRESHOLD]
        ldr             row, [ptr1, #THRESHOLD_FLIP]
        sub             sp, sp, #(2 * GROUP)
        cmp             channels, #64
        movls           mstep, #32
        movhi           mstep, #64
        cmp             channels, mstep, lsl #1
        beq             1f

        // Not full: a row at sp, thresholds above it. Padding is 0 >= 0.
        clear_stack     2 * GROUP
        add             ptr0, sp, #GROUP
        copy_channels   ptr0, thr
        add             thr, sp, #GROUP

1:      cmp             channels, #64
        bhi             3f

        vld1.8          {d8}, [row:64]
        vmvn            d8, d8                          // masks are 1 for +1
2:      next_row
        gather_compared d10
        veor            d10, d10, d8
        vst1.8          {d10}, [out:64]!
        subs            pixels, pixels, #1
        bne             2b
        b               9f

3:      vld1.8          {q4}, [row:128]
        vmvn            q4, q4
4:      next_row
        gather_compared d10                             // k = 0 .. 7
        sub             ptr0, ptr0, #480                // 32 bytes on in the same row: 512 - 32
        sub             ptr1, ptr1, #480
        gather_compared d11                             // k = 8 .. 15
        veor            q5, q5, q4
        vst1.8          {q5}, [out:128]!
        subs            pixels, pixels, #1
        bne             4b

9:      add             sp, sp, #(2 * GROUP)
        vpop            {d8-d11}
        pop             {r4-r10, pc}
endfunc bnn_pack_threshold_neon

#endif
