/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense, vectors of 128 bits: 8 outputs at a time. bdense.inc walks, xnor128.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "bdense.inc"

low             .req v5
high            .req v6

#include "xnor128.inc"

.macro load_1
        ld1             {act0.16b}, [next_src], #16
.endm

.macro load_4
        ld1             {act0.16b - act3.16b}, [next_src], #4 * 16
.endm

/*yaml
name: bnn_bdense128_neon
slot: bdense128
arguments: {acc: x0, x: x1, w: x2, vectors: x3, blocks: x4, block_step: x5}
buffers:
  acc: {access: readwrite, bytes: "16 * blocks"}
  x: {access: read, bytes: "16 * vectors"}
  w: {access: read, bytes: "(blocks - 1) * block_step + 128 * vectors if blocks else 0"}
registers: [x0-x8, v0-v6, v16-v31]
saved: []
stack: 0
*/
func bnn_bdense128_neon
        bdense
endfunc bnn_bdense128_neon

#endif
