/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Comparisons with thresholds to bits. fcmge gives -1 where x >= threshold, 0 elsewhere and for NaN; tbl takes a byte of each of
 * 16 of these: a plane. The bit is 1 where it is 0, so the result is the merged planes ^ ~flip.
 *
 *     v0 - v3     results of 4 pixels             v8 - v11    thresholds of a plane
 *     v4 - v7     constants of pack.inc           v12         ~flip, 0 where there is no channel
 *     v16 - v31   floats of 4 pixels              v13, v14    planes
 */
#include "asm.inc"

#if BNN_ARCH_ARMV8

#include "pack.inc"

.macro load a, b, c, d, by=step
        ld1             {v\a\().4s, v\b\().4s, v\c\().4s, v\d\().4s}, [src], \by
.endm

.macro load_limits
        ld1             {v8.4s - v11.4s}, [next_limit], #64
.endm

.macro compare a, b, c, d
        fcmge           v\a\().4s, v\a\().4s, v8.4s
        fcmge           v\b\().4s, v\b\().4s, v9.4s
        fcmge           v\c\().4s, v\c\().4s, v10.4s
        fcmge           v\d\().4s, v\d\().4s, v11.4s
.endm

.macro narrow to, a, d, bytes=4
        tbl             v\to\().16b, {v\a\().16b - v\d\().16b}, v\bytes\().16b
.endm

// Plane `plane` goes above the lower `by` bits of the result; the first one is the result.
.macro insert to, plane, by
    .if \by
        sli             v\to\().16b, v\plane\().16b, #\by
    .endif
.endm

// A plane of a full group, which goes to `bit` and what is above of the result; the first one, bit 0, is the result. 4 pixels share
// the thresholds, and the floats of the next plane are loaded as soon as registers are free. `then` is where to go from the last
// one's floats that are loaded here; none if there is no next plane.
.macro next_floats a, b, c, d, then, by
    .ifnc \then, none
        load            \a, \b, \c, \d, \by
    .endif
.endm

.macro next_limits then
    .ifnc \then, none
        load_limits
    .endif
.endm

.macro full_plane_4 bit, then=across, plane0=13, plane1=14, plane2=13, plane3=14
        compare         16, 17, 18, 19
        compare         20, 21, 22, 23
        narrow          \plane0, 16, 19
        next_floats     16, 17, 18, 19, \then, step
        compare         24, 25, 26, 27
        insert          0, \plane0, \bit
        narrow          \plane1, 20, 23
        next_floats     20, 21, 22, 23, \then, step
        compare         28, 29, 30, 31
        next_limits     \then
        insert          1, \plane1, \bit
        narrow          \plane2, 24, 27
        next_floats     24, 25, 26, 27, \then, step
        narrow          \plane3, 28, 31
        insert          2, \plane2, \bit
        next_floats     28, 29, 30, 31, \then, \then
        insert          3, \plane3, \bit
.endm

.macro full_plane_1 bit, then=#64, plane0=13, plane1, plane2, plane3
        compare         16, 17, 18, 19
        next_limits     \then
        narrow          \plane0, 16, 19
        next_floats     16, 17, 18, 19, \then, \then
        insert          0, \plane0, \bit
.endm

.macro load_4 by=across
        load            16, 17, 18, 19
        load            20, 21, 22, 23
        load            24, 25, 26, 27
        load            28, 29, 30, 31, \by
.endm

.macro load_1 by=#64
        load            16, 17, 18, 19, \by
.endm

.macro full_tile tile, bits
        mov             next_limit, limits
        load_limits
        load_\tile
        full_plane_\tile 0, plane0=0, plane1=1, plane2=2, plane3=3
    .if \bits == 1
        full_plane_\tile 1
        full_plane_\tile 2
        full_plane_\tile 3
        full_plane_\tile 4
        full_plane_\tile 5
        full_plane_\tile 6, onward
        full_plane_\tile 7, none
    .else
        full_plane_\tile 2
        full_plane_\tile 4, onward
        full_plane_\tile 6, none
        select_\tile
    .endif
        any_flip        \tile, \bits
        store_\tile     \bits
.endm

// Groups of 64: bits of odd planes between those of even ones.
.macro select_1
        ext             v13.16b, v0.16b, v0.16b, #8
        bit             v0.8b, v13.8b, v7.8b
.endm

.macro select_4
        zip2            v13.2d, v0.2d, v1.2d
        zip1            v0.2d, v0.2d, v1.2d
        zip2            v14.2d, v2.2d, v3.2d
        zip1            v1.2d, v2.2d, v3.2d
        bit             v0.16b, v13.16b, v7.16b
        bit             v1.16b, v14.16b, v7.16b
.endm

// Groups that are not full, see pack.inc.
.macro any_begin
        mov             next_limit, limits
.endm

.macro any_plane_1 by=#64, bytes=4
        load_limits
        load_1          \by
        compare         16, 17, 18, 19
        narrow          19, 16, 19, \bytes
.endm

.macro any_plane_4 by=across, bytes=4
        load_limits
        load_4          \by
        compare         16, 17, 18, 19
        compare         20, 21, 22, 23
        narrow          19, 16, 19, \bytes
        compare         24, 25, 26, 27
        narrow          23, 20, 23, \bytes
        compare         28, 29, 30, 31
        narrow          27, 24, 27, \bytes
        narrow          31, 28, 31, \bytes
.endm

.macro any_last_1
        sub             next_limit, next_limit, overlap
        any_plane_1     onward, 5
.endm

.macro any_last_4
        sub             next_limit, next_limit, overlap
        any_plane_4     onward, 5
.endm

.macro any_flip tile, bits
        eor             v0.16b, v0.16b, v12.16b
    .if \tile == 4
        eor             v1.16b, v1.16b, v12.16b
        .if \bits == 1
        eor             v2.16b, v2.16b, v12.16b
        eor             v3.16b, v3.16b, v12.16b
        .endif
    .endif
.endm

// The bits of a pixel that is above all thresholds are 1 exactly where there is a channel.
.macro pack_any bits
        begin_walk
        begin_any       \bits
        movi            v0.16b, #255
        movi            v16.16b, #255
        movi            v17.16b, #255
        movi            v18.16b, #255
        movi            v19.16b, #255
        narrow          19, 16, 19, 5
        insert_1        \bits
        finish_1        \bits
    .if \bits == 2
        dup             v0.2d, v0.d[0]
    .endif
        bic             v12.16b, v0.16b, v12.16b
        tiles           pack_any_tile, \bits
.endm

// Less than 16 channels, see pack.inc.
.macro few_begin half
        sub             next_limit, channels, #\half
        add             next_limit, limits, next_limit, lsl #2
        load_half       8, 9, \half, limits, step
        load_half       10, 11, \half, next_limit, step
.endm

.macro few_bits half
        fcmge           v16.4s, v16.4s, v8.4s
        fcmge           v18.4s, v18.4s, v10.4s
    .if \half == 8
        fcmge           v17.4s, v17.4s, v9.4s
        fcmge           v19.4s, v19.4s, v11.4s
    .endif
        narrow          0, 16, 19, 5
        bic             v0.16b, v6.16b, v0.16b
.endm

.macro few_flip
        eor             v0.8b, v0.8b, v12.8b
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
registers: [x0-x3, x6-x15, v0-v31]
saved: [d8-d15]
stack: 64
hazard: {ops: [sli, sri], distance: 6, merge: 0}
*/
func bnn_pack_threshold_neon
        cbz             pixels, 90f
        save_d8_d15
        ldp             limits, flips, [param, #THRESHOLD_THRESHOLD]
        top_bytes
        cmp             channels, #64
        b.hi            10f
        ld1r            {v12.2d}, [flips]
        b.lo            30f

        movi            v7.16b, #0xaa           // 64 channels; odd planes
        mvn             v12.16b, v12.16b
        begin_walk
        tiles           full_tile, 2
        b               80f

10:
        ld1             {v12.16b}, [flips]
        cmp             channels, #128
        b.lo            20f
        mvn             v12.16b, v12.16b
        begin_walk
        tiles           full_tile, 1
        b               80f

20:                                             // 65 to 127 channels
        pack_any        1
        b               80f

30:
        cmp             channels, #16
        b.lo            40f
        pack_any        2
        b               80f

40:
        pack_few
80:
        restore_d8_d15
90:
        ret
endfunc bnn_pack_threshold_neon

#endif
