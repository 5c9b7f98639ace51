/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary products by the chain of prefix parities (docs/kernels.md, "The chain").
 *
 * One loop of four pairs of vectors is entered at the pair that the number of pairs asks for; what follows it depends on how many
 * vectors there are. Sums of the four tiles of a block meet on the stack, and are added to acc together.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

sums            .req r0                 // at entry acc; where the next tile's sums go
panel           .req r1                 // of the tile's pixels
tile            .req r2                 // at entry the weights; then where the next tile's addresses are
tiles_end       .req r3                 // at entry the vectors; behind the last tile's addresses
first           .req r4                 // r4-r10: of a tile; weights of the first vector, free once they are loaded
wgt             .req r5                 // weights of the next pair
step_up         .req r6                 // from the second output's weights of a pair that goes up to the next pair
step_down       .req r7
alone           .req r8                 // weights of the last vector of an even number
left            .req r9                 // passes of the loop
start           .req r10                // 8 * pairs that go down
begin           .req r11                // the way into the loop
finish          .req r12                // what follows it
src             .req lr

/* Locals, from sp. */
#define TILES 0                         /* r4-r10 of the four tiles */
#define TILES_END 112
#define SUMS 112                        /* of a group of pixels: tiles, their pixels, their outputs */
#define SUM 176                         /* falls of earlier chunks: pixels, outputs */
#define REST 192                        /* passes of the loop after the first chunk */
#define MORE 196                        /* the same, of the tile in work */
#define PIXELS_LEFT 200
#define ACC 204
#define VECTORS 208
#define LOCALS 212

/* A byte holds the falls of a chunk of MAX_PASSES passes of 4 pairs, 8 each; and, times two and with the last state and
 * another such byte, the counts of FEW_VECTORS vectors, 16 each. */
#define MAX_PASSES 7
#define FEW_VECTORS 15

#include "bchain.inc"

// The function, for vectors of `size` bytes.
.macro chain size
.if \size == 16
        .set            group, 2
.else
        .set            group, 4
.endif
        cmp             r3, #0
        ldrne           r12, [sp]
        cmpne           r12, #0
        bxeq            lr                      // vectors or pixels: none
        vpush           {d8-d15}
        push            {r4-r11, lr}
        sub             sp, sp, #LOCALS
        str             r12, [sp, #PIXELS_LEFT]
        str             r0, [sp, #ACC]
        str             r3, [sp, #VECTORS]
        sub             lr, r3, #1
        lsr             lr, lr, #1              // pairs
        add             wgt, tile, #128
        add             alone, wgt, lr, lsl #8
        mov             r12, #64                // from a tile's first pair of weights to the next tile's, if it goes down
        tst             lr, #1
        addeq           wgt, wgt, #192
        rsbeq           r12, r12, #0
        mov             first, tile
        mov             step_up, #32
        mov             step_down, #416
        add             r11, lr, #3             // the first pass may begin anywhere
        lsr             left, r11, #2
        subs            r11, left, #MAX_PASSES
        movlo           r11, #0
        str             r11, [sp, #REST]
        str             r11, [sp, #MORE]
        sub             left, left, r11
        sub             start, lr, r11, lsl #2
        add             start, start, #1
        lsr             start, start, #1
        lsl             start, start, #3
        mov             tile, sp
        mov             r11, #4
1:      stm             tile!, {first, wgt, step_up, step_down, alone, left, start}
        add             first, first, #32
        add             wgt, wgt, r12
        add             step_up, step_up, #128
        sub             step_down, step_down, #128
        add             alone, alone, #32
        subs            r11, r11, #1
        bne             1b
        vmov.i8         q0, #0
        add             r11, sp, #SUM
        vst1.8          {q0}, [r11]
        // The ways through a tile.
        cmp             lr, #0
        adr             begin, 30f
        beq             2f
        ands            lr, lr, #3
        adr             begin, 34f
        beq             2f
        cmp             lr, #2
        adrlo           begin, 31f
        adreq           begin, 32f
        adrhi           begin, 33f
2:      tst             r3, #1
        adr             finish, 40f
        adreq           finish, 41f
        cmp             r3, #FEW_VECTORS
        bls             3f
        tst             r3, #1
        adr             finish, 43f
        adreq           finish, 44f
        sub             r3, r3, #1
        cmp             r3, #(8 * MAX_PASSES + 1)
        adrhi           finish, 45f
3:      add             tiles_end, sp, #TILES_END

4:      // For each group of pixels.
        mov             tile, sp
        add             sums, sp, #SUMS
5:      // For each two outputs.
        ldm             tile!, {r4-r10}
        mov             src, panel
        vld1.8          {to0, to1}, [src:128]!
        vld1.8          {wto, won}, [first:128]
        start_sums      start
        bx              begin

30:     first_states    q0, q1, q2, q3          // no pairs
        bx              finish
31:     first_states    q1, q2, q3, q4          // pairs modulo 4: 1; the last pair always goes down
        b               9f
32:     first_states    q0, q1, q2, q3          // 2
        b               8f
33:     first_states    q1, q2, q3, q4          // 3
        b               7f
34:     first_states    q0, q1, q2, q3          // 0
6:      pair_up
7:      pair_down
8:      pair_up
9:      pair_down
        subs            left, left, #1
        bne             6b
        bx              finish

40:     // Few vectors: count = 2 * falls + the last state fits bytes.
        count_states
10:     vmov.i8         q4, #2
        vmla.i8         q0, sum00, q4
        vmla.i8         q1, sum01, q4
        vmla.i8         q2, sum10, q4
        vmla.i8         q3, sum11, q4
        halve_\size     i8
        vpaddl.u8       q0, q0
        vpaddl.u8       q1, q1
11:     finish_\size    d0, d1, d2, d3
12:     store_sums      \size
        cmp             tile, tiles_end
        bne             5b
        ldr             r4, [sp, #PIXELS_LEFT]
        ldr             r5, [sp, #ACC]
        add             sums, sp, #SUMS
        mov             panel, src
        collect_sums    \size
        subs            r4, r4, #group
        blo             13f
        add_to_acc      \size, r5, r6
        str             r4, [sp, #PIXELS_LEFT]
        str             r5, [sp, #ACC]
        bne             4b
        b               14f
13:     // The last pixels are no full group.
        add             sums, sp, #SUMS
        vstm            sums, {d0-d7}
        add             r4, r4, #group
15:     vld1.16         {q0}, [sums]!
        vld1.16         {q1}, [r5:128]
        vadd.i16        q0, q0, q1
        vst1.16         {q0}, [r5:128]!
        subs            r4, r4, #1
        bne             15b
14:     add             sp, sp, #LOCALS
        pop             {r4-r11, lr}
        vpop            {d8-d15}
        bx              lr

41:     count_alone
        b               10b
43:     count_states
19:     sum_many        \size
        b               11b
44:     count_alone
        b               19b

45:     // More falls than a byte holds.
        ldr             left, [sp, #MORE]
        cmp             left, #0
        beq             16f
        falls           \size
        add             first, sp, #SUM
        vld1.16         {q10}, [first]
        vadd.i16        q10, q10, q9
        vst1.16         {q10}, [first]
        subs            first, left, #MAX_PASSES
        movlo           first, #0
        str             first, [sp, #MORE]
        sub             left, left, first
        lsl             first, left, #4         // 8 for each of 2 pairs that go down
        start_sums      first
        b               6b
16:     ldr             first, [sp, #VECTORS]
        tst             first, #1
        bne             17f
        count_alone
        b               18f
17:     count_states
18:     sum_many        \size
        finish_\size    d0, d1, d2, d3
        add             first, sp, #SUM
        vld1.16         {q10}, [first]
        vadd.i16        q0, q0, q10
        vadd.i16        q0, q0, q10
        vmov.i8         q10, #0
        vst1.16         {q10}, [first]
        ldr             first, [sp, #REST]
        str             first, [sp, #MORE]
        b               12b
.endm

/*yaml
name: bnn_bchain_neon
slot: bchain
arguments: {acc: r0, x: r1, w: r2, vectors: r3, pixels: stack0}
buffers:
  acc: {access: read write, bytes: "16 * pixels if vectors else 0"}
  x: {access: read, bytes: "32 * vectors * ((pixels + 1) // 2)"}
  w: {access: read, bytes: "128 * vectors"}
registers: [r0-r12, lr, q0-q15]
saved: [r4-r11, d8-d15]
stack: 312
*/
func bnn_bchain_neon
        chain           16
endfunc bnn_bchain_neon

/*yaml
name: bnn_bchain64_neon
slot: bchain64
arguments: {acc: r0, x: r1, w: r2, vectors: r3, pixels: stack0}
buffers:
  acc: {access: read write, bytes: "16 * pixels if vectors else 0"}
  x: {access: read, bytes: "32 * vectors * ((pixels + 3) // 4)"}
  w: {access: read, bytes: "128 * vectors"}
registers: [r0-r12, lr, q0-q15]
saved: [r4-r11, d8-d15]
stack: 312
*/
func bnn_bchain64_neon
        chain           8
endfunc bnn_bchain64_neon

#endif
