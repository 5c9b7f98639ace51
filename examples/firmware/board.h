/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the program wants of a board. On a real one, board_print writes to a UART and board_exit stops; here a debugger or an
 * emulator does both (semihosting.c).
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

void board_print(const char *text);

/* `label`, the number in decimal, the end of the line. */
void board_print_number(const char *label, uint32_t number);

_Noreturn void board_exit(int code);

/* A clock that counts up, modulo 2^24 at least (ticks.c): what it counts is in boards.toml. */
uint32_t board_ticks(void);

/* Ticks since an earlier board_ticks(). */
uint32_t board_ticks_since(uint32_t earlier);

/* Bytes of stack that were ever used: the start-up code paints the stack, this looks how much of the paint is left. */
uint32_t board_stack_used(void);

#endif
