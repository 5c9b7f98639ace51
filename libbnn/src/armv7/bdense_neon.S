/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary dense: one vector of activations against blocks of 8 outputs.
 *
 * Eight byte accumulators stay in registers while the vectors go by: one per output for 16-byte vectors; for 8-byte vectors
 * two outputs share one, and even and odd vectors have their own. Weights are read once, in order.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "popcount.inc"

acc             .req r0
xin             .req r1
win             .req r2                 // weights of the block
vectors         .req r3
blocks          .req r4
bstep           .req r5
xpt             .req r6
wpt             .req r7
chunk           .req r8                 // vectors until the byte accumulators are full
left            .req r12                // vectors after that

act             .req q8
wgt0            .req q9
wgt1            .req q10
wgt2            .req q11
wgt3            .req q12
wgt4            .req q13
wgt5            .req q14

#define SAVED (64 + 24)                 /* d8-d15; r4-r8, lr */

// sa-sd = counts of the bits in which wa-wd differ from x
.macro count_first x, wa, wb, wc, wd, sa, sb, sc, sd
        veor            \wa, \wa, \x
        veor            \wb, \wb, \x
        veor            \wc, \wc, \x
        veor            \wd, \wd, \x
        vcnt.8          \sa, \wa
        vcnt.8          \sb, \wb
        vcnt.8          \sc, \wc
        vcnt.8          \sd, \wd
.endm

// sa-sd += the same
.macro count_next x, wa, wb, wc, wd, sa, sb, sc, sd
        count_first     \x, \wa, \wb, \wc, \wd, \wa, \wb, \wc, \wd
        vadd.i8         \sa, \sa, \wa
        vadd.i8         \sb, \sb, \wb
        vadd.i8         \sc, \sc, \wc
        vadd.i8         \sd, \sd, \wd
.endm

// One vector of 16 bytes against 8 outputs.
.macro step_128 count
        vld1.8          {wgt0, wgt1}, [wpt:128]!
        vld1.8          {act}, [xpt:128]!
        vld1.8          {wgt2, wgt3}, [wpt:128]!
        vld1.8          {wgt4, wgt5}, [wpt:128]!
        \count          act, wgt0, wgt1, wgt2, wgt3, sum0, sum1, sum2, sum3
        vld1.8          {wgt0, wgt1}, [wpt:128]!
        \count          act, wgt4, wgt5, wgt0, wgt1, sum4, sum5, sum6, sum7
.endm

// One vector of 8 bytes, against outputs 01, 23, 45 and 67.
.macro step_64 count, sa, sb, sc, sd
        vld1.8          {d16}, [xpt:64]
        vld1.8          {d17}, [xpt:64]!
        vld1.8          {wgt0, wgt1}, [wpt:128]!
        vld1.8          {wgt2, wgt3}, [wpt:128]!
        \count          act, wgt0, wgt1, wgt2, wgt3, \sa, \sb, \sc, \sd
.endm

.macro enter
        ldr             r12, [sp]
        cmp             r12, #0
        cmpne           vectors, #0
        bxeq            lr                      // blocks or vectors: none
        vpush           {d8-d15}
        push            {r4-r8, lr}
        ldrd            blocks, bstep, [sp, #SAVED]
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
registers: [r0-r8, r12, lr, q0-q14]
saved: [r4-r8, d8-d15]
stack: 88
*/
func bnn_bdense128_neon
        enter
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
registers: [r0-r8, r12, lr, q0-q14]
saved: [r4-r8, d8-d15]
stack: 88
*/
func bnn_bdense64_neon
        enter
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
