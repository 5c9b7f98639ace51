/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The only file with compiler architecture macros. It says which architecture folder is compiled in (BNN_ARCH_*), and names
 * the cpu features that kernels may ask for. Also included by assembly sources, hence the __ASSEMBLER__ guards.
 */
#ifndef BNN_ARCH_H
#define BNN_ARCH_H

#include "bnn/config.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "libbnn needs a little-endian target: .dab models are used in place"
#endif

/* Floats are to be the same bits on every machine: single IEEE operations, each rounded to single precision. */
#if defined(__FAST_MATH__)
#error "libbnn needs IEEE arithmetic: compile it without -ffast-math"
#endif
#if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "libbnn needs floats that are not computed with more bits: on 32-bit x86 compile it with -msse2 -mfpmath=sse"
#endif

#if defined(__aarch64__) && !BNN_CONFIG_GENERIC_ONLY
#define BNN_ARCH_ARMV8 1
#else
#define BNN_ARCH_ARMV8 0
#endif

/* 32-bit A-profile: the NEON sources say .arch and .fpu themselves, so a build for older cores carries them too and the
 * choice is made at run time. M-profile (__ARM_ARCH_PROFILE 'M') has no ARM-mode code. */
#if defined(__arm__) && !BNN_CONFIG_GENERIC_ONLY && !(defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M')
#define BNN_ARCH_ARMV7 1
#else
#define BNN_ARCH_ARMV7 0
#endif

/* M-profile: ARMv6-M (Cortex-M0) and later; of ARMv8.1-M (Cortex-M55) the vectors too. */
#if defined(__arm__) && !BNN_CONFIG_GENERIC_ONLY && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#define BNN_ARCH_CORTEXM 1
#else
#define BNN_ARCH_CORTEXM 0
#endif
#if BNN_ARCH_CORTEXM && defined(__ARM_FP) /* comparisons of floats are instructions, not calls */
#define BNN_ARCH_HAS_FPU 1
#else
#define BNN_ARCH_HAS_FPU 0
#endif
#if BNN_ARCH_CORTEXM && __ARM_ARCH_ISA_THUMB >= 2 /* ARMv7-M and later: shifted operands, loads of pairs */
#define BNN_ARCH_HAS_THUMB2 1
#else
#define BNN_ARCH_HAS_THUMB2 0
#endif
#if BNN_ARCH_CORTEXM && defined(__ARM_FEATURE_MVE)
#define BNN_ARCH_HAS_MVE 1
#else
#define BNN_ARCH_HAS_MVE 0
#endif

/* x86-64 with gcc or clang: every function names the instruction set it is compiled for, and the choice is made at run time.
 * Without an operating system nobody saves the wide registers, and the compilers' headers want the C library's. */
#if defined(__x86_64__) && defined(__LP64__) && defined(__GNUC__) && !BNN_CONFIG_GENERIC_ONLY && !BNN_CONFIG_FREESTANDING
#define BNN_ARCH_X86 1
#else
#define BNN_ARCH_X86 0
#endif

/* The compiler may assume NEON: used where there is no operating system to ask. */
#if defined(__ARM_NEON)
#define BNN_ARCH_HAS_NEON 1
#else
#define BNN_ARCH_HAS_NEON 0
#endif

/* The same of AArch64's 8-bit dot products. */
#if defined(__ARM_FEATURE_DOTPROD)
#define BNN_ARCH_HAS_DOTPROD 1
#else
#define BNN_ARCH_HAS_DOTPROD 0
#endif

/* And of its products of 8-bit matrices. */
#if defined(__ARM_FEATURE_MATMUL_INT8)
#define BNN_ARCH_HAS_I8MM 1
#else
#define BNN_ARCH_HAS_I8MM 0
#endif

/* Cpu features, as bits of bnn_cpu_features(): what kernels need, and traits that make some the better choice. */
#define BNN_CPU_NEON 1
#define BNN_CPU_FAST_SELECT 2 /* trait: bit, bif and bsl cost no more than eor and add */
#define BNN_CPU_POPCNT 4
#define BNN_CPU_AVX2 8    /* and FMA */
#define BNN_CPU_AVX512 16 /* F, BW, DQ, VL, VNNI and VPOPCNTDQ */
#define BNN_CPU_DOTPROD 32
#define BNN_CPU_MVE 64
#define BNN_CPU_I8MM 128
#define BNN_CPU_TRAITS BNN_CPU_FAST_SELECT

#endif
