/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 32-bit A-profile: floating point and NEON on, and memory switched to cached, so that unaligned accesses are allowed. Without
 * the memory management unit all memory is a device, and compilers' and the library's accesses may fault.
 */
#define SECTION 0xc02         /* 1 MiB, read and write, device */
#define CACHED (1 << 12 | 3 << 2) /* write-back, write-allocate */

        .syntax unified
        .arch   armv7-a
        .fpu    neon
        .arm
        .section .vectors, "ax"
        .globl  _start
        .type   _start, %function
_start:
        ldr             r0, =exceptions
        mcr             p15, 0, r0, c12, c0, 0  // VBAR
        ldr             r0, =translation
        mcr             p15, 0, r0, c2, c0, 0   // TTBR0
        mov             r0, #1
        mcr             p15, 0, r0, c3, c0, 0   // DACR: domain 0 follows the table
        mov             r0, #0
        mcr             p15, 0, r0, c8, c7, 0   // no old translations
        isb
        mrc             p15, 0, r0, c1, c0, 0
        orr             r0, r0, #1 << 12        // instruction cache
        orr             r0, r0, #1 << 2 | 1 << 0// data cache, memory management unit
        bic             r0, r0, #1 << 1         // no alignment checks
        mcr             p15, 0, r0, c1, c0, 0
        isb
        mrc             p15, 0, r0, c1, c0, 2
        orr             r0, r0, #0xf << 20
        mcr             p15, 0, r0, c1, c0, 2   // CPACR
        isb
        mov             r0, #1 << 30
        vmsr            fpexc, r0
        ldr             sp, =link_stack_top
        bl              start_program
        .size   _start, . - _start

        .balign 32
exceptions:
        .rept   8
        b               start_fault
        .endr
        .ltorg

/* All of the address space: devices and flash, then one GiB of memory, then devices. */
        .section .rodata.translation, "a"
        .balign 16384
translation:
        .set    megabyte, 0
        .rept   4096
        .if     megabyte >= 0x400 && megabyte < 0x800
        .long   (megabyte << 20) + SECTION + CACHED
        .else
        .long   (megabyte << 20) + SECTION
        .endif
        .set    megabyte, megabyte + 1
        .endr
