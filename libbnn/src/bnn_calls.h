/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `python -m converter --emit c --unroll` writes needs of the library: states, executions, and kernels by their names.
 */
#ifndef BNN_BNN_CALLS_H
#define BNN_BNN_CALLS_H

#include "ops/states.h"
#include "port.h"

#if BNN_ARCH_CORTEXM
#include "cortexm/best.h"
#endif

/* The kernel of a slot that is the best for the core that is compiled for: Cortex-M's; elsewhere, where that is found out at run
 * time only, and where Cortex-M has none of its own, the portable one. */
#define BNN_BEST(slot) BNN_BEST_OF(slot, BNN_BEST_##slot, c, )
#define BNN_BEST_OF(...) BNN_BEST_SECOND(__VA_ARGS__)
#define BNN_BEST_SECOND(slot, first, isa, ...) BNN_BEST_NAME(slot, isa)
#define BNN_BEST_NAME(slot, isa) bnn_##slot##_##isa

/* Prototypes of variants. */
#if BNN_ARCH_CORTEXM
#define BNN_ISA(name, features, traits)
#define BNN_VARIANT(slot, isa) bnn_##slot##_fn bnn_##slot##_##isa;
#include "cortexm/variants.def"
#undef BNN_ISA
#undef BNN_VARIANT
#endif

#endif
