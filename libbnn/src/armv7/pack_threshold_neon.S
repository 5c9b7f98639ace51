/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits by comparison: vcge makes a mask of 32 bits per channel.
 *
 * Full groups: vsri gathers the top bits of the masks of eight m in a tree, and narrowing shifts leave a byte per k. Other
 * groups go plane by plane, their masks narrowed to bytes first.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "plane.inc"

out             .req r0
xin             .req r1
pixels          .req r2
xstep           .req r3
mstep           .req r5                 // full groups: bytes of floats from m to m + 1
ptr0            .req r8                 // x
thr             .req r9
flip            .req r10
ptr1            .req r12                // thresholds
ptr2            .req lr

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

// A plane at x with thresholds at t: q0 = masks of a byte each (groups of 64: d0).
.macro compare_plane group, x, t
        vld1.32         {q8, q9}, [\x]!
        vld1.32         {q0, q1}, [\t]!
        vcge.f32        q8, q8, q0
        vcge.f32        q9, q9, q1
.if \group == 128
        vld1.32         {q10, q11}, [\x]!
        vld1.32         {q2, q3}, [\t]!
        vcge.f32        q10, q10, q2
        vcge.f32        q11, q11, q3
        vmovn.i32       d20, q10
        vmovn.i32       d21, q11
.endif
        vmovn.i32       d16, q8
        vmovn.i32       d17, q9
        vmovn.i16       d0, q8
.if \group == 128
        vmovn.i16       d1, q10
.endif
.endm

// Rows of any number of channels, at least one row.
.macro pack_compared_by_plane group
        begin_planes    \group
        add             ptr1, thr, planes, lsl #(\group / 64 + 4)       // 4 bytes of each of 8 or 16 channels
        add             ptr2, sp, #PLANE
        clear_plane     ptr2
        copy_rest       ptr2, ptr1
1:      mov             ptr0, xin
        mov             ptr1, thr
        vmov.i8         q15, #0
        movs            num, planes
        beq             3f
2:      compare_plane   \group, ptr0, ptr1
        subs            num, num, #1
        vsri.8          q0, q15, #1
        vmov            q15, q0
        bne             2b
3:      cmp             rest, #0
        beq             4f
        mov             ptr1, sp
        copy_rest       ptr1, ptr0
        mov             ptr0, sp
        add             ptr1, sp, #PLANE
        compare_plane   \group, ptr0, ptr1      // padding is 0 >= 0
        vsri.8          q0, q15, #1
        vmov            q15, q0
4:      vmvn            q15, q15                // masks are 1 for +1
        vshl.u8         q15, q15, missing       // bit 0: m = 0
        veor            q15, q15, q4
        add             xin, xin, xstep
        store_planes    \group, q15, d30
        subs            pixels, pixels, #1
        bne             1b
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
registers: [r0-r10, r12, lr, q0-q5, q8-q15]
saved: [r4-r10, d8-d11]
stack: 192
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
        ldr             flip, [ptr1, #THRESHOLD_FLIP]
        sub             sp, sp, #(2 * PLANE)
        cmp             channels, #64
        bhi             12f
        vld1.8          {d8}, [flip:64]
        bne             11f

        // 64 channels.
        vmvn            d8, d8                  // masks are 1 for +1
        mov             mstep, #32
10:     mov             ptr0, xin
        mov             ptr1, thr
        gather_compared d10
        veor            d10, d10, d8
        add             xin, xin, xstep
        vst1.8          {d10}, [out:64]!
        subs            pixels, pixels, #1
        bne             10b
        b               15f

11:     pack_compared_by_plane 64
        b               15f

12:     vld1.8          {q4}, [flip:128]
        cmp             channels, #128
        bne             14f

        // 128 channels.
        vmvn            q4, q4
        mov             mstep, #64
13:     mov             ptr0, xin
        mov             ptr1, thr
        gather_compared d10                     // k = 0 .. 7
        add             ptr0, xin, #32
        add             ptr1, thr, #32
        gather_compared d11                     // k = 8 .. 15
        veor            q5, q5, q4
        add             xin, xin, xstep
        vst1.8          {q5}, [out:128]!
        subs            pixels, pixels, #1
        bne             13b
        b               15f

14:     pack_compared_by_plane 128

15:     add             sp, sp, #(2 * PLANE)
        vpop            {d8-d11}
        pop             {r4-r10, pc}
endfunc bnn_pack_threshold_neon

#endif
