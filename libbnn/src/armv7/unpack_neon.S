/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bits to +1.0 and -1.0, plane by plane: vsli puts bit m of each byte k on top of 0x3f, and vst4.8 makes floats of these bytes
 * with 0x80, 0, 0 below them.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "plane.inc"

out             .req r0
bits            .req r1
pixels          .req r2
ostep           .req r3
ptr0            .req r8
ptr1            .req r12

// The next plane of q12 (groups of 64: d24) to floats at ptr.
.macro store_plane group, ptr
        vsli.8          q11, q12, #7
        vshr.u8         q12, q12, #1
        vst4.8          {d16, d18, d20, d22}, [\ptr]!
.if \group == 128
        vst4.8          {d17, d19, d21, d23}, [\ptr]!
.endif
.endm

.macro unpack_planes group
        begin_planes    \group
        clear_plane     sp
1:      mov             ptr0, out
.if \group == 128
        vld1.8          {q12}, [bits:128]!
.else
        vld1.8          {d24}, [bits:64]!
.endif
        movs            num, planes
        beq             3f
2:      store_plane     \group, ptr0
        subs            num, num, #1
        bne             2b
3:      cmp             rest, #0
        beq             4f
        mov             ptr1, sp
        store_plane     \group, ptr1
        mov             ptr1, sp
        copy_rest       ptr0, ptr1
4:      add             out, out, ostep
        subs            pixels, pixels, #1
        bne             1b
.endm

/*yaml
name: bnn_unpack_neon
slot: unpack
arguments: {out: r0, in: r1, pixels: r2, out_step: r3, channels: stack0}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 4 * channels if pixels else 0"}
  in: {access: read, bytes: "pixels * (16 if channels > 64 else 8)"}
registers: [r0-r8, r12, q0-q3, q8-q12, q14]
saved: [r4-r8]
stack: 88
*/
func bnn_unpack_neon
        cmp             pixels, #0
        bxeq            lr
        push            {r4-r8, lr}
        ldr             channels, [sp, #24]
        sub             sp, sp, #PLANE
        vmov.i8         q8, #0
        vmov.i8         q9, #0
        vmov.i8         q10, #0x80
        vmov.i8         q11, #0x3f              // 0x3f800000 is 1.0
        cmp             channels, #64
        bhi             10f
        unpack_planes   64
        b               11f
10:     unpack_planes   128
11:     add             sp, sp, #PLANE
        pop             {r4-r8, pc}
endfunc bnn_unpack_neon

#endif
