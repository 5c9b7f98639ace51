/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every compile-time switch of libbnn. Define one on the compiler's command line, or point BNN_CONFIG_FILE at a header that
 * defines them; the defaults below suit a hosted build.
 */
#ifndef BNN_CONFIG_H
#define BNN_CONFIG_H

#ifdef BNN_CONFIG_FILE
#include BNN_CONFIG_FILE
#endif

/* 1: only the portable C kernels are compiled, whatever the architecture. */
#ifndef BNN_CONFIG_GENERIC_ONLY
#define BNN_CONFIG_GENERIC_ONLY 0
#endif

/* 1: no operating system: cpu features come from the compiler's target macros instead of the kernel's auxiliary vector. */
#ifndef BNN_CONFIG_FREESTANDING
#define BNN_CONFIG_FREESTANDING 0
#endif

#endif
