/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling's accumulation: one row into another, element by element.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
xin             .req r1
num             .req r2
byte            .req r3
xbyte           .req r12

// Eight floats at a time, then one by one, which is lane 0: combine makes q0, q1 of q0, q1 and x in q2, q3.
.macro float_function combine
        subs            num, num, #8
        blo             2f
1:      vld1.32         {q0, q1}, [out]
        vld1.32         {q2, q3}, [xin]!
        \combine
        vst1.32         {q0, q1}, [out]!
        subs            num, num, #8
        bhs             1b
2:      adds            num, num, #8
        bxeq            lr
3:      vld1.32         {d0[0]}, [out]
        vld1.32         {d4[0]}, [xin]!
        \combine
        vst1.32         {d0[0]}, [out]!
        subs            num, num, #1
        bne             3b
        bx              lr
.endm

/*yaml
name: bnn_max_f32_neon
slot: max_f32
arguments: {out: r0, x: r1, n: r2}
buffers:
  out: {access: read write, bytes: 4 * n}
  x: {access: read, bytes: 4 * n}
registers: [r0-r2, q0-q3, q8, q9]
saved: []
stack: 0
*/
.macro greater
        vcgt.f32        q8, q2, q0
        vcgt.f32        q9, q3, q1
        vbit            q0, q2, q8              // x where it is greater
        vbit            q1, q3, q9
.endm

func bnn_max_f32_neon
        float_function  greater
endfunc bnn_max_f32_neon

/*yaml
name: bnn_add_f32_neon
slot: add_f32
arguments: {out: r0, x: r1, n: r2}
buffers:
  out: {access: read write, bytes: 4 * n}
  x: {access: read, bytes: 4 * n}
registers: [r0-r2, q0-q3]
saved: []
stack: 0
*/
.macro sum
        vadd.f32        q0, q0, q2
        vadd.f32        q1, q1, q3
.endm

func bnn_add_f32_neon
        float_function  sum
endfunc bnn_add_f32_neon

/*yaml
name: bnn_max_bits_neon
slot: max_bits
arguments: {out: r0, x: r1, n: r2}
buffers:
  out: {access: read write, bytes: n}
  x: {access: read, bytes: n}
registers: [r0-r3, r12, q0-q3]
saved: []
stack: 0
*/
func bnn_max_bits_neon
        subs            num, num, #32
        blo             2f
1:      vld1.8          {q0, q1}, [out]
        vld1.8          {q2, q3}, [xin]!
        vand            q0, q0, q2
        vand            q1, q1, q3
        vst1.8          {q0, q1}, [out]!
        subs            num, num, #32
        bhs             1b
2:      adds            num, num, #32 - 8
        blo             4f                      // carry: at least 8 left
3:      vld1.8          {d0}, [out]
        vld1.8          {d1}, [xin]!
        vand            d0, d0, d1
        vst1.8          {d0}, [out]!
        subs            num, num, #8
        bhs             3b
4:      adds            num, num, #8
        bxeq            lr
5:      ldrb            byte, [out]
        ldrb            xbyte, [xin], #1
        and             byte, byte, xbyte
        strb            byte, [out], #1
        subs            num, num, #1
        bne             5b
        bx              lr
endfunc bnn_max_bits_neon

#endif
