/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits by comparison: vcge makes a mask of 32 bits per channel, and vtbl takes a byte of each of 8 masks. Full groups
 * merge their planes by vsri as they come, in groups of 64 two at once in the halves of a register. Other groups go plane by
 * plane.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "plane.inc"

out             .req r0
xin             .req r1
pixels          .req r2
xstep           .req r3
ptr0            .req r8                 // x
thr             .req r9
flip            .req r10
back            .req r10
tail            .req r8
ptr1            .req r12                // thresholds

first_bytes     .req d24                // 0, 4, .. 28: of each mask of 4 registers
odd_bits        .req d25                // 0xaa
flips           .req q13
bits0           .req q14
bits1           .req q15

// The signs of 16 comparisons: to_lo of those of d`lo` and the next three, to_hi of d`hi` and the next three. Thresholds at thr.
.macro compare x0, x1, x2, x3, to_lo, lo0, lo3, to_hi, hi0, hi3
        vldm            thr!, {d16-d23}
        vcge.f32        \x0, \x0, q8
        vcge.f32        \x1, \x1, q9
        vcge.f32        \x2, \x2, q10
        vcge.f32        \x3, \x3, q11
        vtbl.8          \to_lo, {\lo0-\lo3}, first_bytes
        vtbl.8          \to_hi, {\hi0-\hi3}, first_bytes
.endm

// 32 channels from xin on; the first 16 to q0, the others to d`lo`, d`hi`.
.macro compare_32 lo, hi
        vldm            xin!, {d0-d15}
        compare         q0, q1, q2, q3, d0, d0, d3, d1, d4, d7
        compare         q4, q5, q6, q7, \lo, d8, d11, \hi, d12, d15
.endm

// bits1 = bit m of byte k: channel 16*m + k >= its threshold.
.macro pack_128
        compare_32      d30, d31
        vsri.8          bits1, q0, #1           // m = 1, 0, from bit 7 down
        compare_32      d28, d29
        vsri.8          bits0, q0, #1           // m = 3, 2
        vldm            xin!, {d0-d15}
        compare         q0, q1, q2, q3, d0, d0, d3, d1, d4, d7
        vsri.8          bits0, bits1, #2        // m = 3 .. 0
        compare         q4, q5, q6, q7, d30, d8, d11, d31, d12, d15
        vsri.8          bits1, q0, #1           // m = 5, 4
        vldm            xin!, {d0-d15}
        compare         q0, q1, q2, q3, d0, d0, d3, d1, d4, d7
        vsri.8          bits1, bits0, #2        // m = 5 .. 0
        compare         q4, q5, q6, q7, d28, d8, d11, d29, d12, d15
        vsri.8          bits0, q0, #1           // m = 7, 6
        vsri.8          bits0, bits1, #2        // m = 7 .. 0
.endm

// d28 = bit m of byte k: channel 8*m + k >= its threshold. Even m are in low halves, odd m in high ones.
.macro pack_64
        compare_32      d30, d31
        vsri.8          bits1, q0, #2           // m = 2, 0 and 3, 1, twice each
        vldm            xin!, {d0-d15}
        compare         q0, q1, q2, q3, d28, d0, d3, d29, d4, d7
        vsri.8          bits0, bits1, #2        // m = 4 .. 0 and 5 .. 1
        compare         q4, q5, q6, q7, d30, d8, d11, d31, d12, d15
        vsri.8          bits1, bits0, #2
        vbit            d30, d31, odd_bits
.endm

// A plane at x with thresholds at t: q0 = masks of a byte each (groups of 64: d0).
.macro compare_plane group, x, t
.if \group == 128
        vldm            \x!, {d0-d7}
        vldm            \t!, {d16-d23}
        vcge.f32        q2, q2, q10
        vcge.f32        q3, q3, q11
.else
        vldm            \x!, {d0-d3}
        vldm            \t!, {d16-d19}
.endif
        vcge.f32        q0, q0, q8
        vcge.f32        q1, q1, q9
        vtbl.8          d0, {d0-d3}, first_bytes
.if \group == 128
        vtbl.8          d1, {d4-d7}, first_bytes
.endif
.endm

.macro few_begin half
        sub             num, channels, #\half
        add             num, thr, num, lsl #2
        load_half       \half, d4, d5, thr
        load_half       \half, d6, d7, num
.endm

.macro few_bits
        vcge.f32        q0, q0, q2
        vcge.f32        q1, q1, q3
        vtbl.8          d30, {d0-d3}, d28
        vbic            d30, d29, d30
        veor            d30, d30, d26
.endm

// Rows of 8 and more channels, at least one row.
.macro pack_compared_by_plane group
        begin_planes    \group
        begin_ragged    \group, q4, d8, d9, q5
1:      mov             ptr0, xin
        mov             ptr1, thr
        vmov.i8         bits1, #0
        movs            num, planes
        beq             3f
2:      compare_plane   \group, ptr0, ptr1
        subs            num, num, #1
        vsri.8          q0, bits1, #1
        vmov            bits1, q0
        bne             2b
3:      cmp             rest, #0
        beq             4f
        sub             ptr0, ptr0, back
        sub             ptr1, ptr1, back
        compare_plane   \group, ptr0, ptr1
        vmov.i8         q5, #255                // padding
.if \group == 128
        vtbx.8          d10, {d0, d1}, d8
        vtbx.8          d11, {d0, d1}, d9
.else
        vtbx.8          d10, {d0}, d8
.endif
        vsri.8          q5, bits1, #1
        vmov            bits1, q5
4:      vmvn            bits1, bits1            // masks are 1 for +1
        vshl.u8         bits1, bits1, missing   // bit 0: m = 0
        veor            bits1, bits1, flips
        add             xin, xin, xstep
        store_planes    \group, bits1, d30
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
registers: [r0-r10, r12, q0-q15]
saved: [r4-r10, d8-d15]
stack: 96
hazard: {ops: [vsri], distance: 4, merge: 1}
*/
func bnn_pack_threshold_neon
        cmp             pixels, #0
        bxeq            lr
        push            {r4-r10, lr}
        vpush           {d8-d15}
        ldr             channels, [sp, #96]
        ldr             ptr1, [sp, #100]
        movw            thr, #0x0400
        movt            thr, #0x0c08
        movw            flip, #0x1410
        movt            flip, #0x1c18
        vmov            first_bytes, thr, flip
        vmov.i8         odd_bits, #0xaa
        ldr             thr, [ptr1, #THRESHOLD_THRESHOLD]
        ldr             flip, [ptr1, #THRESHOLD_FLIP]
        cmp             channels, #64
        bhi             12f
        vld1.8          {d26}, [flip:64]
        bne             11f

        // 64 channels.
        vmvn            d26, d26                // masks are 1 for +1
        sub             xstep, xstep, #256
10:     pack_64
        sub             thr, thr, #256
        veor            d30, d30, d26
        subs            pixels, pixels, #1
        add             xin, xin, xstep
        vst1.8          {d30}, [out:64]!
        bne             10b
        b               15f

11:     cmp             channels, #8
        blo             16f
        pack_compared_by_plane 64
        b               15f

12:     vld1.8          {flips}, [flip:128]
        cmp             channels, #128
        bne             14f

        // 128 channels.
        vmvn            flips, flips
        sub             xstep, xstep, #512
13:     pack_128
        sub             thr, thr, #512
        veor            bits0, bits0, flips
        subs            pixels, pixels, #1
        add             xin, xin, xstep
        vst1.8          {bits0}, [out:128]!
        bne             13b
        b               15f

14:     pack_compared_by_plane 128

15:     vpop            {d8-d15}
        pop             {r4-r10, pc}

16:     pack_few
        b               15b
endfunc bnn_pack_threshold_neon

#endif
