/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense: one vector of activations against blocks of 8 outputs.
 *
 * Eight byte accumulators stay in registers while the vectors go by: one per output for 16-byte vectors; for 8-byte vectors
 * two outputs share one, and even and odd vectors have their own. Weights are read once, in order.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

xpt             .req r6
wpt             .req r7
tstep           .req lr

#include "popcount.inc"

acc             .req r0
xin             .req r1
win             .req r2                 // weights of the block
vectors         .req r3
blocks          .req r4
bstep           .req r5
chunk           .req r8                 // vectors until the byte accumulators are full
left            .req r12                // vectors after that

#define SAVED (64 + 24)                 /* d8-d15; r4-r8, lr */

.macro enter vector_bytes
        ldr             r12, [sp]
        cmp             r12, #0
        cmpne           vectors, #0
        bxeq            lr                      // blocks or vectors: none
        vpush           {d8-d15}
        push            {r4-r8, lr}
        ldrd            blocks, bstep, [sp, #SAVED]
        mov             tstep, #\vector_bytes
.endm

.macro leave
        pop             {r4-r8, lr}
        vpop            {d8-d15}
        bx              lr
.endm

// chunk = min(left, most), left -= chunk
.macro next_chunk most
        cmp             left, #\most
        movlo           chunk, left
        movhs           chunk, #\most
        sub             left, left, chunk
.endm

.macro add_to_acc
        vld1.16         {q9}, [acc:128]
        vadd.i16        q8, q8, q9
        vst1.16         {q8}, [acc:128]
.endm

/*yaml
name: bnn_bdense128_neon
slot: bdense128
arguments: {acc: r0, x: r1, w: r2, vectors: r3, blocks: stack0, block_step: stack1}
buffers:
  acc: {access: read write, bytes: "16 * blocks if vectors else 0"}
  x: {access: read, bytes: "16 * vectors if blocks else 0"}
  w: {access: read, bytes: "(blocks - 1) * block_step + 128 * vectors if blocks and vectors else 0"}
registers: [r0-r8, r12, lr, q0-q15]
saved: [r4-r8, d8-d15]
stack: 88
*/
func bnn_bdense128_neon
        enter           16
1:      mov             xpt, xin
        mov             wpt, win
        mov             left, vectors
2:      next_chunk      MAX_VECTORS
        step_128        count_first
        subs            chunk, chunk, #1
        beq             4f
3:      step_128        count_next
        subs            chunk, chunk, #1
        bne             3b
4:      total_of_16
        add_to_acc
        cmp             left, #0
        bne             2b
        add             acc, acc, #16
        add             win, win, bstep
        subs            blocks, blocks, #1
        bne             1b
        leave
endfunc bnn_bdense128_neon

/*yaml
name: bnn_bdense64_neon
slot: bdense64
arguments: {acc: r0, x: r1, w: r2, vectors: r3, blocks: stack0, block_step: stack1}
buffers:
  acc: {access: read write, bytes: "16 * blocks if vectors else 0"}
  x: {access: read, bytes: "8 * vectors if blocks else 0"}
  w: {access: read, bytes: "(blocks - 1) * block_step + 64 * vectors if blocks and vectors else 0"}
registers: [r0-r8, r12, lr, q0-q15]
saved: [r4-r8, d8-d15]
stack: 88
*/
func bnn_bdense64_neon
        enter           8
1:      mov             xpt, xin
        mov             wpt, win
        mov             left, vectors
2:      next_chunk      (2 * MAX_VECTORS)
        vmov.i8         sum0, #0
        vmov.i8         sum1, #0
        vmov.i8         sum2, #0
        vmov.i8         sum3, #0
        vmov.i8         sum4, #0
        vmov.i8         sum5, #0
        vmov.i8         sum6, #0
        vmov.i8         sum7, #0
        subs            chunk, chunk, #2
        blo             4f
3:      step_64         count_next, sum0, sum1, sum2, sum3
        step_64         count_next, sum4, sum5, sum6, sum7
        subs            chunk, chunk, #2
        bhs             3b
4:      tst             chunk, #1
        beq             5f
        step_64         count_next, sum0, sum1, sum2, sum3
5:      total_of_8
        vadd.i16        q8, q8, q9              // even vectors + odd vectors
        add_to_acc
        cmp             left, #0
        bne             2b
        add             acc, acc, #16
        add             win, win, bstep
        subs            blocks, blocks, #1
        bne             1b
        leave
endfunc bnn_bdense64_neon

#endif
