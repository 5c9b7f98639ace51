/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The call server without an operating system, on an emulated Cortex-M board: requests and replies go through semihosting, and
 * the memory that QEMU shares with the tester is the board's RAM at PROBE_MEMORY. examples/firmware has the start-up code.
 */
#include "machine.h"

#ifdef PROBE_MEMORY

#include "board.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20 };
enum { MODE_READ = 0, MODE_WRITE = 4, STOPPED = 0x20026 };
enum { FAULT = 99 }; /* what the start-up code exits with then */
enum { ILL = 4, BUS = 7, SEGV = 11 }; /* as POSIX numbers its signals */

/* System control block of M-profile cores. */
#define CCR (*(volatile uint32_t *)0xe000ed14u)
#define CFSR (*(volatile uint32_t *)0xe000ed28u)
#define MMFAR (*(volatile uint32_t *)0xe000ed34u)
#define BFAR (*(volatile uint32_t *)0xe000ed38u)
#define MPU_CTRL (*(volatile uint32_t *)0xe000ed94u)
#define MPU_RNR (*(volatile uint32_t *)0xe000ed98u)
#define MPU_RBAR (*(volatile uint32_t *)0xe000ed9cu)
#define MPU_RASR (*(volatile uint32_t *)0xe000eda0u)

#define UNALIGN_TRP (1u << 3)
#define MMARVALID (1u << 7)
#define BFARVALID (1u << 15)
#define UNDEFINSTR (1u << 16)
#define UNALIGNED (1u << 24)

static uint32_t requests, replies; /* file handles */

static uint32_t semihosting(uint32_t number, const void *block)
{
    register uint32_t operation __asm__("r0") = number;
    register const void *parameter __asm__("r1") = block;
    __asm__ volatile("bkpt #0xab" : "+r"(operation) : "r"(parameter) : "memory");
    return operation;
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t block[] = {(uint32_t)name, mode, length};
    return semihosting(SYS_OPEN, block);
}

void *machine_memory(int argc, char **argv)
{
    (void)argc;
    (void)argv;
#if __ARM_ARCH == 6 /* ARMv6-M has no unaligned accesses: a board with a larger core must not have them either */
    CCR |= UNALIGN_TRP;
#endif
    requests = open_file("/dev/stdin", 10, MODE_READ);
    replies = open_file("/dev/stdout", 11, MODE_WRITE);
    return (void *)PROBE_MEMORY;
}

int machine_read(void *to, size_t bytes)
{
    const uint32_t block[] = {requests, (uint32_t)to, bytes};
    return semihosting(SYS_READ, block) == 0; /* bytes that are missing */
}

void machine_write(const void *from, size_t bytes)
{
    const uint32_t block[] = {replies, (uint32_t)from, bytes};
    semihosting(SYS_WRITE, block);
}

/* With the memory protection of ARMv7-M: regions of 512 KiB, of which it can leave out eighths. */
int machine_guard(void *address, size_t bytes)
{
    enum { PART = 65536, PARTS = 8, REGIONS = 8, SIZE_512K = 18 << 1, ENABLE = 1, PRIVDEFENA = 4 };
    static uint32_t bases[REGIONS], guarded[REGIONS];
    for (uint32_t at = (uint32_t)address; at < (uint32_t)address + bytes; at += PART) {
        const uint32_t base = at & ~(uint32_t)(PART * PARTS - 1);
        uint32_t i = 0;
        while (i < REGIONS && bases[i] != base && bases[i] != 0) {
            i++;
        }
        if (i == REGIONS) {
            return -1;
        }
        bases[i] = base;
        guarded[i] |= 1u << at / PART % PARTS;
        MPU_RNR = i;
        MPU_RBAR = base;
        MPU_RASR = (~guarded[i] & 0xff) << 8 | SIZE_512K | ENABLE; /* access permissions 0: none */
    }
    MPU_CTRL = PRIVDEFENA | ENABLE;
    __asm__ volatile("dsb\n isb");
    return 0;
}

void board_print(const char *text)
{
    (void)text; /* nobody reads it */
}

/* The end of main, or of a processor exception. */
_Noreturn void board_exit(int code)
{
    const uint32_t block[] = {STOPPED, (uint32_t)code};
    if (code == FAULT) {
        const uint32_t why = CFSR;
        probe_fault((why & UNDEFINSTR) != 0  ? ILL
                    : (why & UNALIGNED) != 0 ? BUS
                                             : SEGV,
                    (why & MMARVALID) != 0   ? MMFAR
                    : (why & BFARVALID) != 0 ? BFAR
                                             : 0);
    }
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, block);
    }
}

#endif
