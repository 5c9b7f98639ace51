/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Maximum of signs, which is the AND of their bits: 32 bytes at a time, then 8, then 1.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

out             .req r0
xin             .req r1
num             .req r2
byte            .req r3
xbyte           .req r12

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
