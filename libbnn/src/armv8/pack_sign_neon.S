/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signs to bits. ld4 takes the bytes of 16 floats apart; its last register holds those with the sign: a plane of 16 channels.
 * Registers 3, 7, 19, 23, 27 and 31 are planes; the three before each are spoilt by its ld4.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "pack.inc"

.macro load_plane a, b, c, plane, by=#64
        ld4             {v\a\().16b, v\b\().16b, v\c\().16b, v\plane\().16b}, [src], \by
.endm

// A pixel of 128 channels whose planes 0 and 1 were loaded. last = 0: loads those of the next pixel.
.macro pack_128 last
        load_plane      16, 17, 18, 19          // plane 2
        merge           7, 3, 1                 // planes 1 0
        load_plane      20, 21, 22, 23          // plane 3
        load_plane      24, 25, 26, 27          // plane 4
        merge           23, 19, 1               // planes 3 2
        load_plane      28, 29, 30, 31          // plane 5
        load_plane      16, 17, 18, 19          // plane 6
        merge           31, 27, 1               // planes 5 4
        merge           23, 7, 2                // planes 3 2 1 0
        load_plane      24, 25, 26, 27, step    // plane 7
    .if \last == 0
        load_plane      0, 1, 2, 3              // plane 0
    .endif
        merge           27, 19, 1               // planes 7 6
    .if \last == 0
        load_plane      4, 5, 6, 7              // plane 1
    .endif
        merge           27, 31, 2               // planes 7 6 5 4
        subs            pixels, pixels, #1
        merge           27, 23, 4
        str             q27, [out], #16
.endm

.macro any_begin
.endm

.macro any_plane_1
        load_plane      16, 17, 18, 19
.endm

.macro any_plane_4 by=across
        load_plane      16, 17, 18, 19, step
        load_plane      20, 21, 22, 23, step
        load_plane      24, 25, 26, 27, step
        load_plane      28, 29, 30, 31, \by
.endm

// v5 are places in 4 registers of floats; in a plane they are a quarter.
.macro any_last_1
        load_plane      16, 17, 18, 19, onward
        tbl             v19.16b, {v19.16b}, v5.16b
.endm

.macro any_last_4
        any_plane_4     onward
        tbl             v19.16b, {v19.16b}, v5.16b
        tbl             v23.16b, {v23.16b}, v5.16b
        tbl             v27.16b, {v27.16b}, v5.16b
        tbl             v31.16b, {v31.16b}, v5.16b
.endm

.macro any_flip tile, bits
.endm

// From 16 channels on.
.macro pack_any bits
        begin_walk
        begin_any       \bits
        ushr            v5.16b, v5.16b, #2
        tiles           pack_any_tile, \bits
.endm

.macro few_begin half
.endm

.macro few_bits half
        tbl             v0.16b, {v16.16b - v19.16b}, v5.16b
        cmlt            v0.16b, v0.16b, #0
        and             v0.16b, v0.16b, v6.16b
.endm

.macro few_flip
.endm

/*yaml
name: bnn_pack_sign_neon
slot: pack_sign
arguments: {out: x0, x: x1, pixels: x2, x_step: x3, channels: x4}
buffers:
  out: {access: write, bytes: "pixels * (16 if channels > 64 else 8)"}
  x: {access: read, bytes: "(pixels - 1) * x_step + 4 * channels if pixels else 0"}
registers: [x0-x3, x6-x11, x15, v0-v7, v16-v31]
saved: []
stack: 0
hazard: {ops: [sri], distance: 4, merge: 2}
*/
func bnn_pack_sign_neon
        cbz             pixels, 90f
        cmp             channels, #128
        b.eq            10f
        cmp             channels, #64
        b.eq            20f
        top_bytes
        b.hi            30f
        cmp             channels, #16
        b.hs            40f
        pack_few
        ret

10:                                             // groups of 128
        sub             step, step, #7 * 64     // from plane 7 to the next pixel
        load_plane      0, 1, 2, 3
        load_plane      4, 5, 6, 7
        subs            pixels, pixels, #1
        b.eq            12f
11:
        pack_128        0
        b.ne            11b
12:
        pack_128        1
        ret

20:                                             // groups of 64, 2 pixels at a time
        sub             step, step, #3 * 64     // from the last 16 channels to the next pixel
        movi            v28.16b, #0xaa          // odd planes
        subs            pixels, pixels, #2
        b.lo            22f
21:
        load_plane      0, 1, 2, 3              // planes 1 0 of the first pixel
        load_plane      4, 5, 6, 7              // planes 3 2
        load_plane      16, 17, 18, 19          // planes 5 4
        merge           7, 3, 2
        load_plane      20, 21, 22, 23, step    // planes 7 6
        load_plane      0, 1, 2, 3              // the same of the second pixel
        merge           23, 19, 2
        load_plane      24, 25, 26, 27
        load_plane      16, 17, 18, 19
        merge           27, 3, 2
        merge           23, 7, 4                // first pixel: v23
        load_plane      4, 5, 6, 7, step
        merge           7, 19, 2
        subs            pixels, pixels, #2
        merge           7, 27, 4                // second pixel: v7
        zip1            v0.2d, v23.2d, v7.2d    // even planes
        zip2            v1.2d, v23.2d, v7.2d    // odd planes
        join            0, 1, 28, 16b
        st1             {v0.2d}, [out], #16
        b.hs            21b
22:
        tbz             pixels, #0, 90f
        load_plane      0, 1, 2, 3
        load_plane      4, 5, 6, 7
        load_plane      16, 17, 18, 19
        merge           7, 3, 2
        load_plane      20, 21, 22, 23
        merge           23, 19, 2
        merge           23, 7, 4
        ext             v0.16b, v23.16b, v23.16b, #8
        join            23, 0, 28, 8b
        str             d23, [out]
        ret

30:                                             // 65 to 127 channels
        pack_any        1
        ret

40:                                             // 16 to 63 channels
        pack_any        2
90:
        ret
endfunc bnn_pack_sign_neon

#endif
