/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense, vectors of 64 bits: 8 outputs at a time. bdense.inc walks, xnor64.inc counts.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define VECTOR_WGT_LOG2 6
#define WGT_LO_BYTES 0
#include "bdense.inc"
#include "xnor64.inc"

// A step completes the third activation before: of the other block.
ends_a          .req v1
ends_b          .req v0

.macro head
        with_a          act0
        with_b          act0
        with_a          act1
.endm

.macro rest
        with_b          act1
        with_a          act2
        with_b          act2
        with_a          act3
        with_b          act3
.endm

.macro finish_pair
        finish_sums     sum_b, sum_a, sum_b
.endm

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
registers: [x0, x2, x4, x6-x13, v0-v5, v16-v30]
saved: []
stack: 0
*/
func bnn_bdense64_neon
        bdense
endfunc bnn_bdense64_neon

#endif
