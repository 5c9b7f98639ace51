/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From reset to main(), for every core: the assembly or the vector table of a core calls start_program with a stack.
 */
#ifndef START_H
#define START_H

#include <stdint.h>

/* Addresses from boards/sections.ld; the symbols' values are their addresses. */
extern uint32_t link_data_load[], link_data_begin[], link_data_end[], link_bss_begin[], link_bss_end[];
extern uint32_t link_stack_limit[], link_stack_top[];

/* Fills .data and .bss, paints the stack, runs main and ends with its result. */
_Noreturn void start_program(void);

/* A processor exception: says so and ends with code 99. */
_Noreturn void start_fault(void);

int main(void);

#endif
