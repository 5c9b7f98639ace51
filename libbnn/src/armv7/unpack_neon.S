/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bits to +1.0 and -1.0, one channel group per pixel: vsli puts bit m of each byte k on top of 0x3f, and vst4.8 makes floats
 * of these bytes with 0x80, 0, 0 below them.
 */
#include "asm.inc"

#if BNN_ARCH_ARMV7

#include "group.inc"

out             .req r0
bits            .req r1
pixels          .req r2
ostep           .req r3
mstep           .req r5                 // bytes of floats from m to m + 1

/*yaml
name: bnn_unpack_neon
slot: unpack
arguments: {out: r0, in: r1, pixels: r2, out_step: r3, channels: stack0}
buffers:
  out: {access: write, bytes: "(pixels - 1) * out_step + 4 * channels if pixels else 0"}
  in: {access: read, bytes: "pixels * (16 if channels > 64 else 8)"}
registers: [r0-r8, r12, q0, q1, q8-q12]
saved: [r4-r8]
stack: 536
*/
func bnn_unpack_neon
        cmp             pixels, #0
        bxeq            lr
        push            {r4-r8, lr}
        ldr             channels, [sp, #24]
        sub             sp, sp, #GROUP
        vmov.i8         q8, #0
        vmov.i8         q9, #0
        vmov.i8         q10, #0x80
        vmov.i8         q11, #0x3f              // 0x3f800000 is 1.0
        cmp             channels, #64
        movls           mstep, #32
        movhi           mstep, #64

1:      // ptr0: floats of the low half of the bytes, to out if the group is full; ptr1: of the high half.
        cmp             channels, mstep, lsl #1
        moveq           ptr0, out
        movne           ptr0, sp
        cmp             mstep, #64
        beq             2f
        vld1.8          {d24}, [bits:64]!
        add             ptr1, sp, #(GROUP / 2)  // nothing of use
        b               3f
2:      vld1.8          {q12}, [bits:128]!
        add             ptr1, ptr0, #32
3:
.rept 8
        vsli.8          q11, q12, #7
        vshr.u8         q12, q12, #1
        vst4.8          {d16, d18, d20, d22}, [ptr0], mstep
        vst4.8          {d17, d19, d21, d23}, [ptr1], mstep
.endr
        cmp             channels, mstep, lsl #1
        beq             4f
        mov             ptr0, sp
        mov             ptr1, out
        copy_channels   ptr1, ptr0
4:      add             out, out, ostep
        subs            pixels, pixels, #1
        bne             1b

        add             sp, sp, #GROUP
        pop             {r4-r8, pc}
endfunc bnn_unpack_neon

#endif
