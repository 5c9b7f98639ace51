/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The chain, vectors of one pixel each: 8 outputs x 2 pixels at a time (bchain.inc).
 *
 * The addp tree gives two bytes per output and pixel, pixels alternating; uadalp adds these pairs to eight 16-bit sums.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "bchain.inc"

// sum0, sum1: pairs that go up, outputs 0-3, 4-7; sum2, sum3: pairs that go down, to be taken away.
.macro start_others
        movi            sum2.8h, #0
        movi            sum3.8h, #0
.endm

.macro add_up half, v
        uadalp          sum\half\().8h, \v\().16b
.endm

.macro add_down half, v
    .if \half == 0
        uadalp          sum2.8h, \v\().16b
    .else
        uadalp          sum3.8h, \v\().16b
    .endif
.endm

.macro results
        sub             sum0.8h, sum0.8h, sum2.8h
        sub             sum1.8h, sum1.8h, sum3.8h
        shl             sum0.8h, sum0.8h, #1
        shl             sum1.8h, sum1.8h, #1
        uadalp          sum0.8h, v0.16b
        uadalp          sum1.8h, v8.16b
        uzp1            v0.8h, sum0.8h, sum1.8h
        uzp2            v1.8h, sum0.8h, sum1.8h
.endm

.macro add_tile
        ldp             q2, q3, [acc]
        add             v0.8h, v0.8h, v2.8h
        add             v1.8h, v1.8h, v3.8h
        stp             q0, q1, [acc], #32
.endm

.macro add_rest
        ldr             q2, [acc]
        add             v0.8h, v0.8h, v2.8h
        str             q0, [acc]
.endm

/*yaml
name: bnn_bchain_neon_chain
slot: bchain
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4}
buffers:
  acc: {access: readwrite, bytes: "16 * pixels"}
  x: {access: read, bytes: "32 * vectors * ((pixels + 1) // 2)"}
  w: {access: read, bytes: "128 * vectors"}
registers: [x0, x1, x4-x9, v0-v30]
saved: [d8-d15]
stack: 64
*/
func bnn_bchain_neon_chain
        bchain          128
endfunc bnn_bchain_neon_chain

#endif
