/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to 8-bit numbers, 8 and then 1 at a time. NEON cannot divide: the scalar unit does. The sum with 3 * 2^22 is rounded to an
 * integer and has it in its last bits; what is limited fits 9 bits, so its last 8 and those of the zero point add up to the number.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
src             .req r1
tile            .req r2
scale           .req r3
zero            .req r4
pixels          .req r4
channels        .req r5
out_step        .req r6
x_step          .req r7
to              .req r8
from            .req r12
left            .req r2

// \to = \from, limited; NaN is low
.macro limit to, from
        vcgt.f32        \to, \from, q9
        vbsl            \to, \from, q9
        vmin.f32        \to, \to, q10
        vadd.f32        \to, \to, q11
.endm

/*yaml
name: bnn_pack_i8_neon
slot: pack_i8
arguments: {out: r0, x: r1, tile: r2, scale: r3, zero: stack0}
buffers:
  out: {access: write, bytes: "(tile.pixels - 1) * tile.out_step + tile.channels if tile.pixels else 0"}
  x: {access: read, bytes: "(tile.pixels - 1) * tile.x_step + 4 * tile.channels if tile.pixels else 0"}
  tile: {access: read, bytes: struct}
  scale: {access: read, bytes: 4}
  zero: {access: read, bytes: 4}
registers: [r0-r8, r12, q0-q3, q8-q12]
saved: [r4-r8]
stack: 24
*/
func bnn_pack_i8_neon
        push            {r3 - r8}
        ldr             zero, [sp, #24]
        ldr             zero, [zero]
        vdup.8          q12, zero
        mvn             channels, #127
        sub             channels, channels, zero
        vdup.32         q9, channels            // low
        add             channels, channels, #255
        vdup.32         q10, channels           // high
        vcvt.f32.s32    q9, q9
        vcvt.f32.s32    q10, q10
        mov             channels, #0x4b000000
        orr             channels, channels, #0x400000
        vdup.32         q11, channels           // 3 * 2^22
        vldr            s8, [scale]
        ldm             tile, {pixels - x_step}
        cmp             pixels, #0
        beq             6f
1:      mov             to, out                 // pixel
        mov             from, src
        subs            left, channels, #8
        blo             3f
2:      vld1.32         {d0 - d3}, [from]!
        vdiv.f32        s0, s0, s8
        vdiv.f32        s1, s1, s8
        vdiv.f32        s2, s2, s8
        vdiv.f32        s3, s3, s8
        vdiv.f32        s4, s4, s8
        vdiv.f32        s5, s5, s8
        vdiv.f32        s6, s6, s8
        vdiv.f32        s7, s7, s8
        limit           q8, q0
        limit           q3, q1
        vmovn.i32       d0, q8
        vmovn.i32       d1, q3
        vmovn.i16       d0, q0
        vadd.i8         d0, d0, d24
        vst1.8          {d0}, [to]!
        subs            left, left, #8
        bhs             2b
3:      adds            left, left, #8
        beq             5f
4:      vld1.32         {d0[0]}, [from]!
        vdiv.f32        s0, s0, s8
        limit           q8, q0
        vadd.i8         d16, d16, d24
        vst1.8          {d16[0]}, [to]!
        subs            left, left, #1
        bne             4b
5:      add             out, out, out_step
        add             src, src, x_step
        subs            pixels, pixels, #1
        bne             1b
6:      pop             {r3 - r8}
        bx              lr
endfunc bnn_pack_i8_neon

#endif
