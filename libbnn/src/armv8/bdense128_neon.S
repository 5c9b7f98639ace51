/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense, vectors of 128 bits: 8 outputs at a time. bdense.inc walks, xnor128.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define VECTOR_WGT_LOG2 7
#define WGT_LO_BYTES 64
#include "bdense.inc"

low             .req v6
high            .req v7

#include "xnor128.inc"

// A step completes the second activation before: of the same block.
ends_a          .req v0
ends_b          .req v1

.macro head
        with_a          act0
        with_b          act0
.endm

.macro rest
        with_a          act1
        with_b          act1
        with_a          act2
        with_b          act2
        with_a          act3
        with_b          act3
.endm

.macro finish_pair
        finish_sums     sum_a, sum_b
.endm

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
registers: [x0, x2, x4, x6-x13, v0-v7, v16-v31]
saved: []
stack: 0
*/
func bnn_bdense128_neon
        bdense
endfunc bnn_bdense128_neon

#endif
