/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The smallest and the largest float, 8 and then 1 at a time. Comparisons with NaN are false, and take denormals for 0.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

limits          .req r0
src             .req r1
count           .req r2
at              .req r3

// Limits \low and \high take in \x
.macro take low, high, x, below, above
        vcgt.f32        \below, \low, \x
        vcgt.f32        \above, \x, \high
        vbit            \low, \x, \below
        vbit            \high, \x, \above
.endm

/*yaml
name: bnn_limits_f32_neon
slot: limits_f32
arguments: {limits: r0, x: r1, n: r2}
buffers:
  limits: {access: readwrite, bytes: 8}
  x: {access: read, bytes: 4 * n}
registers: [r1-r3, q0-q3, q8-q13]
saved: []
stack: 0
*/
func bnn_limits_f32_neon
        add             at, limits, #4
        vld1.32         {d16[], d17[]}, [limits] // low
        vld1.32         {d18[], d19[]}, [at]    // high
        vmov            q10, q8
        vmov            q11, q9
        subs            count, count, #8
        blo             2f
1:      vld1.32         {d0 - d3}, [src]!
        take            q8, q9, q0, q2, q3
        take            q10, q11, q1, q12, q13
        subs            count, count, #8
        bhs             1b
2:      adds            count, count, #8
        beq             4f
3:      vld1.32         {d0[], d1[]}, [src]!
        take            q8, q9, q0, q2, q3
        subs            count, count, #1
        bne             3b
4:      vmin.f32        q8, q8, q10
        vmax.f32        q9, q9, q11
        vpmin.f32       d16, d16, d17
        vpmax.f32       d17, d18, d19
        vpmin.f32       d16, d16, d16
        vpmax.f32       d17, d17, d17
        vst1.32         {d16[0]}, [limits]
        vst1.32         {d17[0]}, [at]
        bx              lr
endfunc bnn_limits_f32_neon

        .unreq          limits
        .unreq          src
        .unreq          count
        .unreq          at

#endif
