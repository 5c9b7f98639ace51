/* SPDX-License-Identifier: BSD-3-Clause
 *
 * x86-64: the features of the cpu, as far as the operating system saves their registers.
 */
#include "../kernels.h"

#if BNN_ARCH_X86

#include <cpuid.h>

/* Bits of the registers that CPUID fills (Intel SDM volume 2, CPUID). */
#define FMA (1U << 12)      /* leaf 1, ecx */
#define POPCNT (1U << 23)
#define OSXSAVE (1U << 27)
#define AVX (1U << 28)
#define AVX2 (1U << 5)      /* leaf 7, ebx */
#define AVX512F (1U << 16)
#define AVX512DQ (1U << 17)
#define AVX512BW (1U << 30)
#define AVX512VL (1U << 31)
#define VNNI (1U << 11)      /* leaf 7, ecx */
#define VPOPCNTDQ (1U << 14)

/* State that the operating system saves (XCR0). */
#define SAVES_YMM 0x06U
#define SAVES_ZMM 0xe6U

static int has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

static uint32_t saved_state(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

uint32_t bnn_cpu_features(void)
{
    uint32_t a, b, c, d, b7 = 0, c7 = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) {
        return 0;
    }
    __get_cpuid_count(7, 0, &a, &b7, &c7, &d);
    const uint32_t state = has(c, OSXSAVE) ? saved_state() : 0;
    uint32_t features = has(c, POPCNT) ? BNN_CPU_POPCNT : 0;
    if (has(c, AVX | FMA) && has(b7, AVX2) && has(state, SAVES_YMM)) {
        features |= BNN_CPU_AVX2;
    }
    if (has(b7, AVX512F | AVX512DQ | AVX512BW | AVX512VL) && has(c7, VNNI | VPOPCNTDQ) && has(state, SAVES_ZMM)) {
        features |= BNN_CPU_AVX512;
    }
    return features;
}

#endif
