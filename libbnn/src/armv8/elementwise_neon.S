/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pooling's accumulation of floats: one row into another, 16, 4, 1 at a time.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

out             .req x0
src             .req x1
n               .req x2

// `op` a, b makes v_a, of out, of v_a and v_b, of x.
.macro float_function op
        subs            n, n, #16               // floats left behind the next 16
        b.lo            2f
1:
        ld1             {v0.4s - v3.4s}, [out]
        ld1             {v4.4s - v7.4s}, [src], #64
        \op             0, 4
        \op             1, 5
        \op             2, 6
        \op             3, 7
        st1             {v0.4s - v3.4s}, [out], #64
        subs            n, n, #16
        b.hs            1b
2:
        adds            n, n, #16 - 4
        b.lt            4f
3:
        ldr             q0, [out]
        ldr             q4, [src], #16
        \op             0, 4
        str             q0, [out], #16
        subs            n, n, #4
        b.hs            3b
4:
        adds            n, n, #4
        b.eq            6f
5:
        ldr             s0, [out]
        ldr             s4, [src], #4
        \op             0, 4
        str             s0, [out], #4
        subs            n, n, #1
        b.ne            5b
6:
        ret
.endm

// v_b where it is greater; not fmax, which takes NaN, and +0.0 of two zeros.
.macro greater a, b
        fcmgt           v16.4s, v\b\().4s, v\a\().4s
        bit             v\a\().16b, v\b\().16b, v16.16b
.endm

.macro sum a, b
        fadd            v\a\().4s, v\a\().4s, v\b\().4s
.endm

/*yaml
name: bnn_max_f32_neon
slot: max_f32
arguments: {out: x0, x: x1, n: x2}
buffers:
  out: {access: readwrite, bytes: 4 * n}
  x: {access: read, bytes: 4 * n}
registers: [x0-x2, v0-v7, v16]
saved: []
stack: 0
*/
func bnn_max_f32_neon
        float_function  greater
endfunc bnn_max_f32_neon

/*yaml
name: bnn_add_f32_neon
slot: add_f32
arguments: {out: x0, x: x1, n: x2}
buffers:
  out: {access: readwrite, bytes: 4 * n}
  x: {access: read, bytes: 4 * n}
registers: [x0-x2, v0-v7]
saved: []
stack: 0
*/
func bnn_add_f32_neon
        float_function  sum
endfunc bnn_add_f32_neon

#endif
