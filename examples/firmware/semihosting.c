/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Output and exit through ARM semihosting: one trapping instruction that a debugger or QEMU (-semihosting) serves. Without one of
 * them the instruction is a fault: replace this file by your UART.
 */
#include "board.h"

#include <stddef.h>

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

#if defined(__aarch64__)
#define OPERATION "x0"
#define PARAMETER "x1"
#define TRAP "hlt #0xf000"
#elif defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define OPERATION "r0"
#define PARAMETER "r1"
#define TRAP "bkpt #0xab"
#else
#define OPERATION "r0"
#define PARAMETER "r1"
#define TRAP "svc #0x123456"
#endif

static void semihosting(size_t number, const void *block)
{
    register size_t operation __asm__(OPERATION) = number;
    register const void *parameter __asm__(PARAMETER) = block;
    __asm__ volatile(TRAP : "+r"(operation) : "r"(parameter) : "memory", "lr");
}

void board_print(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

void board_print_number(const char *label, uint32_t number)
{
    char digits[12] = "\n", *first = digits + sizeof digits - 2;
    first[0] = '\n';
    first[1] = '\0';
    do {
        *--first = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    board_print(label);
    board_print(first);
}

_Noreturn void board_exit(int code)
{
    const size_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, (size_t)code};
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, block);
    }
}
