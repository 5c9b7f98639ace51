/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every file of this folder needs of the compiler: intrinsics, the instruction set of a function, loops without a loop.
 */
#ifndef BNN_X86_TARGET_H
#define BNN_X86_TARGET_H

#include "../kernels.h"

#if BNN_ARCH_X86

#include <immintrin.h>

#include "../port.h"

/* In front of every function that uses intrinsics; helpers are inlined into functions of the same set only. */
#define BNN_POPCNT __attribute__((target("popcnt")))
#define BNN_AVX2 __attribute__((target("popcnt,avx2")))
#define BNN_FMA __attribute__((target("popcnt,avx2,fma")))
#define BNN_AVX512 __attribute__((target("popcnt,avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq")))
#define BNN_INLINE static inline __attribute__((always_inline))

/* In front of a loop over an array of registers, whose number of turns is a constant of at most 16. */
#if defined(__clang__)
#define BNN_UNROLL _Pragma("unroll")
#else
#define BNN_UNROLL _Pragma("GCC unroll 16")
#endif

/* What the kernel of wider registers leaves over. */
bnn_gemm_f32_fn bnn_gemm_f32_avx2;

/* 8 bytes from anywhere. */
BNN_INLINE uint64_t bnn_load64(const uint8_t *from)
{
    uint64_t v;
    bnn_memcpy(&v, from, sizeof v);
    return v;
}

#endif
#endif
