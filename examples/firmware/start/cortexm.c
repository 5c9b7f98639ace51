/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cortex-M: the vector table and what the core needs before C code may run.
 */
#include "start.h"

#define CPACR (*(volatile uint32_t *)0xe000ed88u)
#define SYSTICK ((volatile uint32_t *)0xe000e010u) /* control, reload, current */

_Noreturn void _start(void);
_Noreturn void _start(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xfu << 20; /* floating point and vectors are off after reset */
    __asm__ volatile("dsb\n isb");
#endif
    SYSTICK[1] = 0xffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* counts processor clocks, no interrupt */
    start_program();
}

typedef void handler(void);

struct vectors {
    uint32_t *stack;
    handler *handlers[15];
};

__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    link_stack_top,
    {_start, start_fault, start_fault, start_fault, start_fault, start_fault, start_fault, start_fault, start_fault,
     start_fault, start_fault, start_fault, start_fault, start_fault, start_fault},
};
