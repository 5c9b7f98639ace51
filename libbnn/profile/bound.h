/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a core can do at most: multiply-adds with all operands in registers, measured.
 */
#ifndef BNN_BOUND_H
#define BNN_BOUND_H

#include <stdint.h>

/* [cffi] */
/* Multiply-adds per second. binary: xor, popcount and add of full vectors; floats: fused (or separate, where there are no fused)
 * multiply and add. Kernels that save operations, by tables or by the chain, may be faster than `binary`. */
typedef struct bnn_bound {
    double binary, floats;
} bnn_bound;

/* Measures a core and multiplies with `threads`. isa: the best instruction set to use; NULL: what the cpu has. Takes some
 * milliseconds. */
bnn_bound bnn_measure_bound(const char *isa, uint32_t threads);
/* [cffi end] */

#endif
