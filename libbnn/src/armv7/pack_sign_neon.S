/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signs of floats to bits.
 *
 * vld4.8 with every second register takes 8 floats apart into the low or the high halves of four q registers; the fourth then
 * holds their sign bytes: a plane, or one of each of two pixels. In full groups 7 vsri gather bit 7 of 8 planes: a tree, mixed
 * with the loads, in which only the last vsri waits for the one before. Other groups go plane by plane.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "plane.inc"

out             .req r0
xin             .req r1
pixels          .req r2
xstep           .req r3
skip0           .req r5
skip1           .req r6
ptr0            .req r8
ptr1            .req r12
tail            .req r8
back            .req r12

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

// A plane at ptr: q11 = its sign bytes (groups of 64: d22).
.macro load_signs group, ptr
        vld4.8          {d16, d18, d20, d22}, [\ptr]!
.if \group == 128
        vld4.8          {d17, d19, d21, d23}, [\ptr]!
.endif
.endm

.macro few_begin half
.endm

.macro few_bits
        vtbl.8          d30, {d0-d3}, d28
        vshr.u8         d30, d30, #7
.endm

// Rows of 8 and more channels, at least one row.
.macro pack_signs_by_plane group
        begin_planes    \group
        begin_ragged    \group, q12, d24, d25, q13
1:      mov             ptr0, xin
        vmov.i8         q15, #0
        movs            num, planes
        beq             3f
2:      load_signs      \group, ptr0
        subs            num, num, #1
        vsri.8          q11, q15, #1
        vmov            q15, q11
        bne             2b
3:      cmp             rest, #0
        beq             4f
        sub             ptr0, ptr0, back
        load_signs      \group, ptr0
.if \group == 128
        vtbl.8          d26, {d22, d23}, d24
        vtbl.8          d27, {d22, d23}, d25
.else
        vtbl.8          d26, {d22}, d24
.endif
        vsri.8          q13, q15, #1
        vmov            q15, q13
4:      vshl.u8         q15, q15, missing       // bit 0: m = 0
        add             xin, xin, xstep
        store_planes    \group, q15, d30
        subs            pixels, pixels, #1
        bne             1b
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
stack: 24
hazard: {ops: [vsri], distance: 4, merge: 1}
*/
func bnn_pack_sign_neon
        cmp             pixels, #0
        bxeq            lr
        push            {r4-r8, lr}
        ldr             channels, [sp, #24]
        cmp             channels, #64
        bhi             13f
        bne             12f

        // 64 channels: two rows at a time.
        add             ptr1, xin, xstep
        lsl             skip0, xstep, #1
        sub             skip0, skip0, #224              // to the row after the next: 224 = 7 * 32
        mov             skip1, skip0
        subs            pixels, pixels, #2
        blo             11f
10:     gather_signs    xin, ptr1, 2
        vst1.8          {q15}, [out:64]!
        bhs             10b
11:     adds            pixels, pixels, #2
        beq             16f
        mov             ptr1, xin                       // the last of an odd number
        gather_signs    xin, ptr1, 1
        vst1.8          {d30}, [out:64]
        b               16f

12:     cmp             channels, #8
        blo             17f

        // 8 to 63 channels.
        pack_signs_by_plane 64
        b               16f

13:     cmp             channels, #128
        bne             15f

        // 128 channels: low and high halves take turns.
        mov             skip0, #32
        sub             skip1, xstep, #480              // to the next row: 480 = 15 * 32
14:     gather_signs    xin, xin, 1
        vst1.8          {q15}, [out:128]!
        bne             14b
        b               16f

        // 65 to 127 channels.
15:     pack_signs_by_plane 128

16:     pop             {r4-r8, pc}

17:     pack_few
        pop             {r4-r8, pc}
endfunc bnn_pack_sign_neon

#endif
