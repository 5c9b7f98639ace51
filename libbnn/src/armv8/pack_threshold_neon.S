/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Comparisons with thresholds to bits. fcmge gives -1 where x >= threshold, 0 elsewhere and for NaN; uzp1 narrows 16 of these
 * to a plane. The bit is 1 where it is 0, so the result is the merged planes ^ ~flip.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#define BUFFERS 128
#include "pack.inc"

// lower, upper = the next two planes of 16 channels
.macro compare_32 lower, upper
        ld1             {v16.4s - v19.4s}, [src], #64
        ld1             {v20.4s - v23.4s}, [next_limit], #64
        ld1             {v24.4s - v27.4s}, [src], #64
        ld1             {v28.4s - v31.4s}, [next_limit], #64
        fcmge           v16.4s, v16.4s, v20.4s
        fcmge           v17.4s, v17.4s, v21.4s
        fcmge           v18.4s, v18.4s, v22.4s
        fcmge           v19.4s, v19.4s, v23.4s
        fcmge           v24.4s, v24.4s, v28.4s
        fcmge           v25.4s, v25.4s, v29.4s
        fcmge           v26.4s, v26.4s, v30.4s
        fcmge           v27.4s, v27.4s, v31.4s
        uzp1            v16.8h, v16.8h, v17.8h
        uzp1            v18.8h, v18.8h, v19.8h
        uzp1            v24.8h, v24.8h, v25.8h
        uzp1            v26.8h, v26.8h, v27.8h
        uzp1            v\lower\().16b, v16.16b, v18.16b
        uzp1            v\upper\().16b, v24.16b, v26.16b
.endm

// The incomplete plane's thresholds, to the second buffer.
.macro any_begin
        sub             from, channels, rest
        add             from, limits, from, lsl #2
        cbz             rest, 6f
        mov             count, rest
        add             to, sp, #64
        copy_floats
6:
.endm

.macro any_pixel as
        mov             v4.16b, v6.16b
        movi            v5.16b, #1
        mov             next_limit, limits
.endm

.macro any_rest
        add             next_limit, sp, #64
.endm

.macro any_plane bytes, as
    .if \bytes == 16
        ld1             {v16.4s - v19.4s}, [from], #64
        ld1             {v20.4s - v23.4s}, [next_limit], #64
        fcmge           v18.4s, v18.4s, v22.4s
        fcmge           v19.4s, v19.4s, v23.4s
        fcmge           v16.4s, v16.4s, v20.4s
        fcmge           v17.4s, v17.4s, v21.4s
        uzp1            v18.8h, v18.8h, v19.8h
        uzp1            v16.8h, v16.8h, v17.8h
        uzp1            v16.16b, v16.16b, v18.16b
    .else
        ld1             {v16.4s - v17.4s}, [from], #32
        ld1             {v20.4s - v21.4s}, [next_limit], #32
        fcmge           v16.4s, v16.4s, v20.4s
        fcmge           v17.4s, v17.4s, v21.4s
        uzp1            v16.8h, v16.8h, v17.8h
        xtn             v16.8b, v16.8h
    .endif
        bic             v16.\as, v5.\as, v16.\as
        eor             v4.\as, v4.\as, v16.\as
        add             v5.\as, v5.\as, v5.\as
.endm

/*yaml
name: bnn_pack_threshold_neon
slot: pack_threshold
arguments: {out: x0, x: x1, pixels: x2, x_step: x3, channels: x4, t: x5}
buffers:
  out: {access: write, bytes: "pixels * (16 if channels > 64 else 8)"}
  x: {access: read, bytes: "(pixels - 1) * x_step + 4 * channels if pixels else 0"}
  t: {access: read, bytes: struct}
  t.threshold: {access: read, bytes: "4 * channels"}
  t.flip: {access: read, bytes: "16 if channels > 64 else 8"}
registers: [x0-x3, x6-x14, v0-v7, v16-v31]
saved: []
stack: 128
hazard: {ops: [sri], distance: 4, merge: 2}
*/
func bnn_pack_threshold_neon
        cbz             pixels, 90f
        ldp             limits, flips, [param, #THRESHOLD_THRESHOLD]
        cmp             channels, #128
        b.eq            10f
        cmp             channels, #64
        b.eq            20f
        b.lo            50f
        ld1             {v6.16b}, [flips]
        pack_any        16, 4, 16b
        ret

10:                                             // groups of 128
        sub             step, step, #512
        ld1             {v6.16b}, [flips]
        mvn             v6.16b, v6.16b
11:
        mov             next_limit, limits
        compare_32      0, 1
        merge           1, 0, 1                 // planes 1 0
        compare_32      0, 3
        merge           3, 0, 1                 // planes 3 2
        compare_32      0, 5
        merge           5, 0, 1                 // planes 5 4
        merge           3, 1, 2                 // planes 3 2 1 0
        compare_32      0, 7
        merge           7, 0, 1                 // planes 7 6
        add             src, src, step
        merge           7, 5, 2                 // planes 7 6 5 4
        subs            pixels, pixels, #1
        merge           7, 3, 4
        eor             v7.16b, v7.16b, v6.16b
        str             q7, [out], #16
        b.ne            11b
        ret

20:                                             // groups of 64
        sub             step, step, #256
        ld1             {v6.8b}, [flips]
        mvn             v6.8b, v6.8b
        movi            v4.16b, #0xaa           // odd planes
21:
        mov             next_limit, limits
        compare_32      0, 1
        merge           1, 0, 2                 // planes 3 1, 2 0
        compare_32      0, 3
        merge           3, 0, 2                 // planes 7 5, 6 4
        add             src, src, step
        subs            pixels, pixels, #1
        merge           3, 1, 4
        ext             v0.16b, v3.16b, v3.16b, #8
        join            3, 0, 4, 8b
        eor             v3.8b, v3.8b, v6.8b
        str             d3, [out], #8
        b.ne            21b
        ret

50:
        ld1             {v6.8b}, [flips]
        pack_any        8, 3, 8b
90:
        ret
endfunc bnn_pack_threshold_neon

#endif
