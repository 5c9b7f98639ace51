/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense, vectors of 64 bits: 8 outputs at a time. bdense.inc walks, xnor64.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "bdense.inc"
#include "xnor64.inc"

.macro load_1
        ld1r            {act0.2d}, [next_src], #8
.endm

.macro load_4
        ld4r            {act0.2d - act3.2d}, [next_src], #4 * 8
.endm

/*yaml
name: bnn_bdense64_neon
slot: bdense64
arguments: {acc: x0, x: x1, w: x2, vectors: x3, blocks: x4, block_step: x5}
buffers:
  acc: {access: readwrite, bytes: "16 * blocks"}
  x: {access: read, bytes: "8 * vectors"}
  w: {access: read, bytes: "(blocks - 1) * block_step + 64 * vectors if blocks else 0"}
registers: [x0-x8, v0-v4, v16-v30]
saved: []
stack: 0
*/
func bnn_bdense64_neon
        bdense
endfunc bnn_bdense64_neon

#endif
