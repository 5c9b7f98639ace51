/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The three functions of a C library that libbnn and compilers call. Leave this file out where there is a C library.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* volatile: the compiler must not take a loop for the function that it is in. Words where both sides are aligned. */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    volatile uint8_t *t = to;
    const uint8_t *f = from;
    if (((uintptr_t)to | (uintptr_t)from) % 4 == 0) {
        for (; n >= 4; n -= 4, t += 4, f += 4) {
            *(volatile uint32_t *)(volatile void *)t = *(const uint32_t *)(const void *)f;
        }
    }
    while (n-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    volatile uint8_t *t = to;
    if ((uintptr_t)to % 4 == 0) {
        for (; n >= 4; n -= 4, t += 4) {
            *(volatile uint32_t *)(volatile void *)t = (uint8_t)byte * 0x01010101u;
        }
    }
    while (n-- > 0) {
        *t++ = (uint8_t)byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    for (; n > 0; n--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}
