/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 32-bit ARM: the features of the cpu.
 */
#include "../kernels.h"

#if BNN_ARCH_ARMV7

#include "offsets.h"

#include "../offsets_check.h"

_Static_assert(sizeof(size_t) == 4 && sizeof(void *) == 4, "the assembly takes 32-bit sizes and pointers");

#if defined(__linux__) && !BNN_CONFIG_FREESTANDING
#include <sys/auxv.h>

#define NEON_CAPABILITY (1UL << 12) /* HWCAP_NEON of <asm/hwcap.h> on 32-bit ARM */

uint32_t bnn_cpu_features(void)
{
    return (getauxval(AT_HWCAP) & NEON_CAPABILITY) != 0 ? BNN_CPU_NEON : 0;
}
#else
/* Nobody to ask: what the compiler may assume. */
uint32_t bnn_cpu_features(void)
{
    return BNN_ARCH_HAS_NEON ? BNN_CPU_NEON : 0;
}
#endif

#endif
