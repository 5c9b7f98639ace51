/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of a struct bnn_kernels, for a source that `python -m converter --emit c --unroll` wrote: for each slot that it calls, as
 * BNN_CALLED_<slot> says (~, BNN_ONLY_IF_1), the kernel that is the best for the core that is compiled for, which is the last one.
 * Those are Cortex-M's; where the choice is made at run time, the portable one. Included where the rows are to be.
 */
#define BNN_ROW(slot, isa) BNN_ROW_IF(BNN_CALLED_##slot, BNN_ONLY_IF_0, )(.slot = bnn_##slot##_##isa, )
#define BNN_ROW_IF(...) BNN_ROW_SECOND(__VA_ARGS__)
#define BNN_ROW_SECOND(first, second, ...) second

#define BNN_KERNEL(slot, params) BNN_ROW(slot, c)
#include "kernels.def"
#undef BNN_KERNEL

#if BNN_ARCH_CORTEXM
#define BNN_ISA(name, features, traits)
#define BNN_VARIANT(slot, isa) BNN_ROW(slot, isa)
#include "cortexm/variants.def"
#undef BNN_ISA
#undef BNN_VARIANT
#endif

#undef BNN_ROW
#undef BNN_ROW_IF
#undef BNN_ROW_SECOND
