/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any values, for CBMC. Numbers of few bits are made by shifts: what is zero for certain makes products cheap to reason about.
 */
#ifndef ANY_H
#define ANY_H

#include <stddef.h>
#include <stdint.h>

uint32_t nondet_word(void);
void __CPROVER_assume(_Bool condition);
void __CPROVER_assert(_Bool condition, const char *what);

#define ASSUME(condition) __CPROVER_assume((condition) != 0)
#define PROVE(condition, what) __CPROVER_assert((condition) != 0, what)

/* Any number of `bits` (1 to 32) bits. */
static inline uint32_t any(unsigned bits)
{
    return nondet_word() >> (32 - bits);
}

#endif
