/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cortex-M: firmware is built for its core, so that nobody need be asked.
 */
#include "../kernels.h"

#if BNN_ARCH_CORTEXM

uint32_t bnn_cpu_features(void)
{
    return BNN_ARCH_HAS_MVE ? BNN_CPU_MVE : 0;
}

#endif
