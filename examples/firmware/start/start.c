/* SPDX-License-Identifier: BSD-3-Clause */
#include "start.h"

#include "../board.h"

#define PAINT 0x5a5a5a5au

/* Nothing here may use memcpy or memset: a compiler must not turn these loops into calls of themselves, hence volatile. */
static void fill(volatile uint32_t *from, const volatile uint32_t *end, uint32_t word)
{
    while (from < end) {
        *from++ = word;
    }
}

_Noreturn void start_program(void)
{
    const volatile uint32_t *load = link_data_load;
    for (volatile uint32_t *to = link_data_begin; to < link_data_end;) {
        *to++ = *load++;
    }
    fill(link_bss_begin, link_bss_end, 0);
    const uint32_t here = PAINT;
    fill(link_stack_limit, (uint32_t *)((uintptr_t)&here - 64), PAINT); /* what is below this function's own frame */
    board_exit(main());
}

uint32_t board_stack_used(void)
{
    const uint32_t *word = link_stack_limit;
    while (*word == PAINT) {
        word++;
    }
    return (uint32_t)(link_stack_top - word) * 4;
}

_Noreturn void start_fault(void)
{
    board_print("fault: the processor took an exception\n");
    board_exit(99);
}
