/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The only file that names libc outside architecture folders: memcpy, memset and memcmp, which a freestanding compiler may
 * call by itself anyway. Mathematics is the library's own.
 */
#ifndef BNN_PORT_H
#define BNN_PORT_H

#include <stddef.h>

#include "bnn/config.h"

#if BNN_CONFIG_FREESTANDING
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#else
#include <string.h>
#endif

#define bnn_memcpy memcpy
#define bnn_memset memset
#define bnn_memcmp memcmp

#endif
