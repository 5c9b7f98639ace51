/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `python -m converter --emit c --unroll` writes needs of the library: states, executions and kernels by their names.
 */
#ifndef BNN_BNN_CALLS_H
#define BNN_BNN_CALLS_H

#include "ops/states.h"
#include "port.h"

/* Prototypes of variants. */
#if BNN_ARCH_CORTEXM
#define BNN_ISA(name, features, traits)
#define BNN_VARIANT(slot, isa) bnn_##slot##_fn bnn_##slot##_##isa;
#include "cortexm/variants.def"
#undef BNN_ISA
#undef BNN_VARIANT
#endif

/* In bnn_called.h later rows stand for earlier ones. */
#if defined(__clang__)
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#elif defined(__GNUC__)
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

#endif
