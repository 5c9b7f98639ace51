/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The clock of each profile: SysTick (24 bits, counts down), or the generic timer.
 */
#include "board.h"

#define MODULO 0xffffffu

uint32_t board_ticks(void)
{
#if defined(__aarch64__)
    uint64_t now;
    __asm__ volatile("isb\n mrs %0, cntvct_el0" : "=r"(now));
    return (uint32_t)now & MODULO;
#elif defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
    return ~*(volatile uint32_t *)0xe000e018u & MODULO;
#else
    uint32_t low, high;
    __asm__ volatile("isb\n mrrc p15, 1, %0, %1, c14" : "=r"(low), "=r"(high));
    return low & MODULO;
#endif
}

uint32_t board_ticks_since(uint32_t earlier)
{
    return (board_ticks() - earlier) & MODULO;
}
