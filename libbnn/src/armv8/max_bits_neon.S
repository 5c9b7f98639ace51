/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Maximum of signs, which is the AND of their bits: 64 bytes at a time, then 8, then 1.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
left            .req x2
byte_out        .req w3
byte_src        .req w4

/*yaml
name: bnn_max_bits_neon
slot: max_bits
arguments: {out: x0, x: x1, n: x2}
buffers:
  out: {access: readwrite, bytes: n}
  x: {access: read, bytes: n}
registers: [x0-x4, v0-v7]
saved: []
stack: 0
*/
func bnn_max_bits_neon
        subs            left, left, #64         // bytes left behind the next 64
        b.lo            2f
1:
        ld1             {v0.16b - v3.16b}, [out]
        ld1             {v4.16b - v7.16b}, [src], #64
        and             v0.16b, v0.16b, v4.16b
        and             v1.16b, v1.16b, v5.16b
        and             v2.16b, v2.16b, v6.16b
        and             v3.16b, v3.16b, v7.16b
        st1             {v0.16b - v3.16b}, [out], #64
        subs            left, left, #64
        b.hs            1b
2:
        add             left, left, #64 - 8
        tbnz            left, #63, 4f
3:
        ld1             {v0.8b}, [out]
        ld1             {v4.8b}, [src], #8
        and             v0.8b, v0.8b, v4.8b
        st1             {v0.8b}, [out], #8
        subs            left, left, #8
        b.hs            3b
4:
        adds            left, left, #8
        b.eq            6f
5:
        ldrb            byte_out, [out]
        ldrb            byte_src, [src], #1
        and             byte_out, byte_out, byte_src
        strb            byte_out, [out], #1
        subs            left, left, #1
        b.ne            5b
6:
        ret
endfunc bnn_max_bits_neon

#endif
