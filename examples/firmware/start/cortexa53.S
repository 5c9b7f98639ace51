/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 64-bit ARM at EL1: floating point and NEON on, and memory switched to cached, so that unaligned accesses are allowed. Without
 * the memory management unit all memory is a device, and compilers' and the library's accesses may fault.
 */
#define SCTLR_M_C_I (1 << 0 | 1 << 2 | 1 << 12)
#define TCR (25 | 1 << 8 | 1 << 10 | 3 << 12) /* 39-bit addresses, 4 KiB granule, tables in cached memory */
#define MAIR 0xff00                          /* attribute 0: device, 1: write-back memory */
#define BLOCK 0x401                          /* of 1 GiB, accessed, attribute 0 */
#define CACHED (1 << 2 | 3 << 8)             /* attribute 1, inner shareable */

        .section .vectors, "ax"
        .globl  _start
        .type   _start, %function
_start:
        mov             x0, #3 << 20
        msr             cpacr_el1, x0
        adr             x0, exceptions
        msr             vbar_el1, x0
        adrp            x0, translation
        msr             ttbr0_el1, x0
        mov             x0, #MAIR
        msr             mair_el1, x0
        ldr             x0, =TCR
        msr             tcr_el1, x0
        isb
        mrs             x0, sctlr_el1
        ldr             x1, =SCTLR_M_C_I
        orr             x0, x0, x1
        bic             x0, x0, #2              // SCTLR.A: no alignment checks
        msr             sctlr_el1, x0
        isb
        ldr             x0, =link_stack_top
        mov             sp, x0
        bl              start_program
        .size   _start, . - _start

        .balign 2048
exceptions:
        .rept   16
        .balign 128
        b               start_fault
        .endr

/* The first two GiB: devices and flash, then memory. */
        .section .rodata.translation, "a"
        .balign 4096
translation:
        .quad   BLOCK, 0x40000000 + BLOCK + CACHED
        .fill   510, 8, 0
