/* SPDX-License-Identifier: BSD-3-Clause
 *
 * AArch64: the features of the cpu.
 */
#include "../kernels.h"

#if BNN_ARCH_ARMV8

#include "offsets.h"

#include "../offsets_check.h"

_Static_assert(sizeof(size_t) == 8, "the assembly takes 64-bit sizes");

#if defined(__linux__) && !BNN_CONFIG_FREESTANDING
#include <sys/auxv.h>

#define CPUID_CAPABILITY (1UL << 11)   /* HWCAP_CPUID of <asm/hwcap.h>: reading MIDR_EL1 is emulated */
#define DOTPROD_CAPABILITY (1UL << 20) /* HWCAP_ASIMDDP */
#define I8MM_CAPABILITY (1UL << 13)    /* HWCAP2_I8MM */

static int has_dotprod(void)
{
    return (getauxval(AT_HWCAP) & DOTPROD_CAPABILITY) != 0;
}

static int has_i8mm(void)
{
    return (getauxval(AT_HWCAP2) & I8MM_CAPABILITY) != 0;
}

/* The main identification register of the core that this thread runs on; 0 if it is not to be had. */
static uint32_t core(void)
{
    uint64_t midr = 0;
    if ((getauxval(AT_HWCAP) & CPUID_CAPABILITY) != 0) {
        __asm__("mrs %0, midr_el1" : "=r"(midr));
    }
    return (uint32_t)midr;
}
#else
static int has_dotprod(void)
{
    return BNN_ARCH_HAS_DOTPROD;
}

static int has_i8mm(void)
{
    return BNN_ARCH_HAS_I8MM;
}

#if defined(__APPLE__)
static uint32_t core(void)
{
    return (uint32_t)'a' << 24; /* Apple's are all alike here */
}
#else
static uint32_t core(void)
{
    return 0;
}
#endif
#endif

/* Cores that select as fast as they add: {implementer, part}. Earlier ones take two steps for a select of 128 bits, or issue one
 * vector instruction at a time. */
static const struct {
    uint8_t implementer;
    uint16_t part;
} selecting[] = {
    {'A', 0xd0b}, /* Cortex-A76 */
    {'A', 0xd0c}, /* Neoverse N1 */
    {'A', 0xd0d}, /* Cortex-A77 */
    {'A', 0xd0e}, /* Cortex-A76AE */
    {'A', 0xd40}, /* Neoverse V1 */
    {'A', 0xd41}, /* Cortex-A78 */
    {'A', 0xd42}, /* Cortex-A78AE */
    {'A', 0xd44}, /* Cortex-X1 */
    {'A', 0xd47}, /* Cortex-A710 */
    {'A', 0xd48}, /* Cortex-X2 */
    {'A', 0xd49}, /* Neoverse N2 */
    {'A', 0xd4b}, /* Cortex-A78C */
    {'A', 0xd4c}, /* Cortex-X1C */
    {'A', 0xd4d}, /* Cortex-A715 */
    {'A', 0xd4e}, /* Cortex-X3 */
    {'A', 0xd4f}, /* Neoverse V2 */
    {'A', 0xd81}, /* Cortex-A720 */
    {'A', 0xd82}, /* Cortex-X4 */
    {'A', 0xd84}, /* Neoverse V3 */
    {'A', 0xd85}, /* Cortex-X925 */
    {'A', 0xd87}, /* Cortex-A725 */
    {'A', 0xd8e}, /* Neoverse N3 */
    {'Q', 0x804}, /* Kryo 4xx Gold, a Cortex-A76 */
};

static int selects_fast(uint32_t midr)
{
    const uint32_t implementer = midr >> 24, part = midr >> 4 & 0xfff;
    int found = implementer == 'a'; /* Apple */
    for (size_t i = 0; i < sizeof selecting / sizeof selecting[0]; i++) {
        found |= implementer == selecting[i].implementer && part == selecting[i].part;
    }
    return found;
}

/* NEON is part of the architecture, with or without an operating system; optional extensions are asked for: of the system if there
 * is one that tells, otherwise it is what the compiler may assume. Where cores differ, the one that plans decides. */
uint32_t bnn_cpu_features(void)
{
    return BNN_CPU_NEON | (has_dotprod() ? BNN_CPU_DOTPROD : 0) | (has_i8mm() ? BNN_CPU_I8MM : 0) |
           (selects_fast(core()) ? BNN_CPU_FAST_SELECT : 0);
}

#endif
