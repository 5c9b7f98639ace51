/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The chain, groups of 64 channels: 8 outputs x 4 pixels at a time, two pixels to a vector (bchain.inc).
 *
 * The addp tree gives one byte per output and pixel, the pixels of an output side by side: at most 64 falls.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "bchain.inc"

// sum0-sum3: outputs 0 and 1, 2 and 3, 4 and 5, 6 and 7.
.macro start_others
        dup             sum2.8h, start
        dup             sum3.8h, start
.endm

.macro add_halves op, op2, half, v
    .if \half == 0
        \op             sum0.8h, sum0.8h, \v\().8b
        \op2            sum1.8h, sum1.8h, \v\().16b
    .else
        \op             sum2.8h, sum2.8h, \v\().8b
        \op2            sum3.8h, sum3.8h, \v\().16b
    .endif
.endm

.macro add_up half, v
        add_halves      uaddw, uaddw2, \half, \v
.endm

.macro add_down half, v
        add_halves      usubw, usubw2, \half, \v
.endm

.macro results
        shl             sum0.8h, sum0.8h, #1
        shl             sum1.8h, sum1.8h, #1
        shl             sum2.8h, sum2.8h, #1
        shl             sum3.8h, sum3.8h, #1
        add_up          0, v0
        add_up          1, v8
        uzp1            v4.8h, sum0.8h, sum1.8h  // pixels 0 and 2 of outputs 0-3
        uzp2            v5.8h, sum0.8h, sum1.8h  // pixels 1 and 3
        uzp1            v6.8h, sum2.8h, sum3.8h
        uzp2            v7.8h, sum2.8h, sum3.8h
        uzp1            v0.8h, v4.8h, v6.8h
        uzp1            v1.8h, v5.8h, v7.8h
        uzp2            v2.8h, v4.8h, v6.8h
        uzp2            v3.8h, v5.8h, v7.8h
.endm

.macro add_tile
        ld1             {v4.8h - v7.8h}, [acc]
        add             v0.8h, v0.8h, v4.8h
        add             v1.8h, v1.8h, v5.8h
        add             v2.8h, v2.8h, v6.8h
        add             v3.8h, v3.8h, v7.8h
        st1             {v0.8h - v3.8h}, [acc], #64
.endm

.macro add_pixel v
        ldr             q4, [acc]
        add             v\v\().8h, v\v\().8h, v4.8h
        str             q\v, [acc], #16
.endm

.macro add_rest
        add_pixel       0
        cmn             pixels, #2              // pixels is -3, -2 or -1: 1, 2 or 3 are left
        b.lt            80f
        add_pixel       1
        b.eq            80f
        add_pixel       2
80:
.endm

/*yaml
name: bnn_bchain64_neon_chain
slot: bchain64
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4}
buffers:
  acc: {access: readwrite, bytes: "16 * pixels"}
  x: {access: read, bytes: "32 * vectors * ((pixels + 3) // 4)"}
  w: {access: read, bytes: "128 * vectors"}
registers: [x0, x1, x4-x9, v0-v30]
saved: [d8-d15]
stack: 64
*/
func bnn_bchain64_neon_chain
        bchain          64
endfunc bnn_bchain64_neon_chain

#endif
