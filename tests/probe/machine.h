/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the call server asks of the system: posix.c, or board.c where there is none.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* The memory shared with the tester, given the program's arguments; NULL after a message. From now on fatal signals end the
 * program after a call of probe_fault. */
void *machine_memory(int argc, char **argv);

/* Reads `bytes` of the requests; 0 at their end. */
int machine_read(void *to, size_t bytes);

/* Writes `bytes` of the replies. */
void machine_write(const void *from, size_t bytes);

/* Makes memory inaccessible; not 0 if that cannot be done. */
int machine_guard(void *address, size_t bytes);

/* The server's: answers with a fatal signal, as POSIX numbers them, and the address that caused it. */
void probe_fault(int signal_number, uintptr_t address);

#endif
