/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary products by the chain of prefix parities (docs/kernels.md, "The chain"): 8 outputs x 2 pixels at a time.
 *
 * Every output and pixel has a state, the parity s of the products so far in each of 128 lanes. A pair of vectors takes it from
 * s by way of t to n, and where it falls from 1 to 0 on this way, which is at most once, is one instruction:
 *
 *     falls = t ? ~n : s        bit s, ~n, t
 *
 * The new state is then ~n, so pairs alternate: one that goes up (falls = t ? ~n : s) and one that goes down, which has the
 * complements of both (~falls = t ? n : ~s). Weights carry the complement, the sum of ~falls is put right by its complement.
 *
 * States move: a new one is written beside the old one, which holds the falls until they are counted. Sixteen states in
 * seventeen registers move up by one register in a pair that goes up, the last one first, and back in one that goes down.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

acc             .req x0
src             .req x1                         // the panel, read once from front to back
wgt             .req x2
vectors         .req x3
pixels          .req x4
pairs           .req x5
rounds          .req x6                         // of a pair up and a pair down
left            .req x7
next_wgt        .req x8
start           .req x9

// v0-v16: states. Output j of pixel i is in v(2j+i) before a pair that goes up, in v(2j+i+1) before one that goes down.
sum0            .req v17                        // outputs 0-3, pixels alternating
sum1            .req v18                        // outputs 4-7
to0             .req v19                        // activations of a pair: to t, on to n, of pixels 0 and 1
to1             .req v20
on0             .req v21
on1             .req v22
wgt0            .req v23                        // weights of a pair, of two outputs: to t, on to n
wgt1            .req v24
wgt2            .req v25
wgt3            .req v26
cnt0            .req v27
cnt1            .req v28
cnt2            .req v29
cnt3            .req v30

// falls of half a round: a byte complemented is 255 - it; two bytes are added per output, of 8 lanes that are 16 bytes:
// 2 * 255 - (128 - falls) = 382 + falls
#define ROUND_START 382

.macro load_weights
        ld1             {wgt0.16b - wgt3.16b}, [next_wgt], #64
.endm

.macro load_activations
        ld1             {to0.16b, to1.16b, on0.16b, on1.16b}, [src], #64
.endm

// One pair of one output and pixel: moves `state` to `free`, counts its falls.
.macro move free, state, pixel, to, on, count
        eor             \count\().16b, to\pixel\().16b, \to\().16b
        eor             v\free\().16b, on\pixel\().16b, \on\().16b
        bit             v\state\().16b, v\free\().16b, \count\().16b
        cnt             \count\().16b, v\state\().16b
.endm

// One output, up: pixel 1 from s1 to s2, pixel 0 from s0 to s1. Its 8 counts of pixel 0, then those of pixel 1.
.macro up s0, s1, s2, to, on, count
        move            \s2, \s1, 1, \to, \on, cnt3
        move            \s1, \s0, 0, \to, \on, \count
        addp            \count\().16b, \count\().16b, cnt3.16b
.endm

// One output, down: pixel 0 from s1 to s0, pixel 1 from s2 to s1.
.macro down s0, s1, s2, to, on, count
        move            \s0, \s1, 0, \to, \on, \count
        move            \s1, \s2, 1, \to, \on, cnt3
        addp            \count\().16b, \count\().16b, cnt3.16b
.endm

// Four outputs, up: the states from s0 to s8, last output first.
.macro four_up sum, s0, s1, s2, s3, s4, s5, s6, s7, s8
        load_weights
        up              \s6, \s7, \s8, wgt0, wgt1, cnt1
        up              \s4, \s5, \s6, wgt2, wgt3, cnt2
        addp            cnt0.16b, cnt2.16b, cnt1.16b
        load_weights
        up              \s2, \s3, \s4, wgt0, wgt1, cnt1
        up              \s0, \s1, \s2, wgt2, wgt3, cnt2
        addp            cnt1.16b, cnt2.16b, cnt1.16b
        addp            cnt0.16b, cnt1.16b, cnt0.16b
        uadalp          \sum\().8h, cnt0.16b
.endm

.macro four_down sum, s0, s1, s2, s3, s4, s5, s6, s7, s8
        load_weights
        down            \s0, \s1, \s2, wgt0, wgt1, cnt1
        down            \s2, \s3, \s4, wgt2, wgt3, cnt2
        addp            cnt0.16b, cnt1.16b, cnt2.16b
        load_weights
        down            \s4, \s5, \s6, wgt0, wgt1, cnt1
        down            \s6, \s7, \s8, wgt2, wgt3, cnt2
        addp            cnt1.16b, cnt1.16b, cnt2.16b
        addp            cnt0.16b, cnt0.16b, cnt1.16b
        mvn             cnt0.16b, cnt0.16b
        uadalp          \sum\().8h, cnt0.16b
.endm

// The first states are the first products themselves.
.macro first to, s0, s1
        eor             v\s0\().16b, to0.16b, \to\().16b
        eor             v\s1\().16b, to1.16b, \to\().16b
.endm

.macro first_four s0, s1, s2, s3, s4, s5, s6, s7
        load_weights
        first           wgt0, \s0, \s1
        first           wgt1, \s2, \s3
        first           wgt2, \s4, \s5
        first           wgt3, \s6, \s7
.endm

.macro count s
        cnt             v\s\().16b, v\s\().16b
.endm

// Counts the states of one output, and products that are not part of the chain with them.
.macro last to, s0, s1
        eor             cnt0.16b, to0.16b, \to\().16b
        eor             cnt1.16b, to1.16b, \to\().16b
        cnt             cnt0.16b, cnt0.16b
        cnt             cnt1.16b, cnt1.16b
        count           \s0
        count           \s1
        add             v\s0\().16b, v\s0\().16b, cnt0.16b
        add             v\s1\().16b, v\s1\().16b, cnt1.16b
.endm

.macro last_four s0, s1, s2, s3, s4, s5, s6, s7
        load_weights
        last            wgt0, \s0, \s1
        last            wgt1, \s2, \s3
        last            wgt2, \s4, \s5
        last            wgt3, \s6, \s7
.endm

.macro add_pairs s, t
        addp            v\s\().16b, v\s\().16b, v\t\().16b
.endm

// Two bytes per output and pixel, in the order of the sums, from the counts of four outputs.
.macro add_four s0, s1, s2, s3, s4, s5, s6, s7
        add_pairs       \s0, \s1
        add_pairs       \s2, \s3
        add_pairs       \s4, \s5
        add_pairs       \s6, \s7
        add_pairs       \s0, \s2
        add_pairs       \s4, \s6
        add_pairs       \s0, \s4
.endm

/*yaml
name: bnn_bchain_neon_chain
slot: bchain
arguments: {acc: x0, x: x1, w: x2, vectors: x3, pixels: x4}
buffers:
  acc: {access: write, bytes: "16 * pixels"}
  x: {access: read, bytes: "32 * vectors * ((pixels + 1) // 2)"}
  w: {access: read, bytes: "128 * vectors"}
registers: [x0, x1, x4-x9, v0-v30]
saved: [d8-d15]
stack: 64
*/
func bnn_bchain_neon_chain
        cbz             vectors, 9f
        cbz             pixels, 9f
        save_d8_d15
        sub             pairs, vectors, #1
        lsr             pairs, pairs, #1
        add             rounds, pairs, #1
        lsr             rounds, rounds, #1
        mov             start, #-ROUND_START
        mul             start, start, rounds    // modulo 2^16, as all sums
1:                                              // for each 2 pixels
        dup             sum0.8h, w9
        dup             sum1.8h, w9
        mov             next_wgt, wgt
        mov             left, rounds
        ld1             {to0.16b, to1.16b}, [src], #32
        tbnz            pairs, #0, 2f
        first_four      0, 1, 2, 3, 4, 5, 6, 7
        first_four      8, 9, 10, 11, 12, 13, 14, 15
        cbnz            left, 3f
        b               5f
2:                                              // the first pair goes down, the last always does
        first_four      1, 2, 3, 4, 5, 6, 7, 8
        first_four      9, 10, 11, 12, 13, 14, 15, 16
        b               4f
3:
        load_activations
        four_up         sum1, 8, 9, 10, 11, 12, 13, 14, 15, 16
        four_up         sum0, 0, 1, 2, 3, 4, 5, 6, 7, 8
4:
        load_activations
        four_down       sum0, 0, 1, 2, 3, 4, 5, 6, 7, 8
        four_down       sum1, 8, 9, 10, 11, 12, 13, 14, 15, 16
        subs            left, left, #1
        b.ne            3b
5:                                              // count = 2 * falls + the last state
        tbz             vectors, #0, 6f
        .irp s, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        count           \s
        .endr
        b               7f
6:                                              // an even vector is left
        ld1             {to0.16b, to1.16b}, [src], #32
        last_four       0, 1, 2, 3, 4, 5, 6, 7
        last_four       8, 9, 10, 11, 12, 13, 14, 15
7:
        add_four        0, 1, 2, 3, 4, 5, 6, 7
        add_four        8, 9, 10, 11, 12, 13, 14, 15
        shl             sum0.8h, sum0.8h, #1
        shl             sum1.8h, sum1.8h, #1
        uadalp          sum0.8h, v0.16b
        uadalp          sum1.8h, v8.16b
        uzp1            v0.8h, sum0.8h, sum1.8h
        uzp2            v1.8h, sum0.8h, sum1.8h
        subs            pixels, pixels, #2
        b.lo            8f
        stp             q0, q1, [acc], #32
        b.ne            1b
        restore_d8_d15
        ret
8:
        str             q0, [acc]
        restore_d8_d15
9:
        ret
endfunc bnn_bchain_neon_chain

#endif
