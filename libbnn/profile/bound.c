/* SPDX-License-Identifier: BSD-3-Clause */
#include "bound.h"

#include <stddef.h>
#include <string.h>

#include "bnn/bnn.h"
#include "times.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CHAINS 8 /* sums at once: at least a latency times the operations that can start in a cycle */
#define ROUNDS 20000
#define TRIES 7

/* A function of ROUNDS x CHAINS steps: each takes a sum s, x, and a w that to the compiler is a new value every time, and gives the
 * sum's next value. reg: the constraint of a register of that type. */
#define LOOP(name, target, type, reg, next)                                                                                    \
    target static void name(void)                                                                                              \
    {                                                                                                                          \
        type w, x, sums[CHAINS];                                                                                               \
        memset(&w, 0, sizeof w);                                                                                               \
        memset(&x, 0, sizeof x);                                                                                               \
        __asm__ volatile("" : "+" reg(x));                                                                                     \
        _Pragma("GCC unroll 8") for (int i = 0; i < CHAINS; i++)                                                               \
        {                                                                                                                      \
            sums[i] = x;                                                                                                       \
        }                                                                                                                      \
        for (int r = 0; r < ROUNDS; r++) {                                                                                     \
            _Pragma("GCC unroll 8") for (int i = 0; i < CHAINS; i++)                                                           \
            {                                                                                                                  \
                const type s = sums[i];                                                                                        \
                __asm__ volatile("" : "+" reg(w));                                                                             \
                sums[i] = next;                                                                                                \
            }                                                                                                                  \
        }                                                                                                                      \
        _Pragma("GCC unroll 8") for (int i = 0; i < CHAINS; i++)                                                               \
        {                                                                                                                      \
            __asm__ volatile("" : : reg(sums[i]));                                                                             \
        }                                                                                                                      \
    }

/* Loops of an instruction set, up to the next one's name, and their multiply-adds per step. */
struct loop {
    const char *isa;
    void (*run)(void);
    int binary;
    double macs;
};

static uint64_t popcount(uint64_t v)
{
    v -= v >> 1 & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + (v >> 2 & UINT64_C(0x3333333333333333));
    return ((v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56;
}

#if defined(__x86_64__)
#define FLOAT_REGISTER "x"
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512vpopcntdq")))
LOOP(popcnt_bits, __attribute__((target("popcnt"))), uint64_t, "r", s + (uint64_t)__builtin_popcountll(w ^ x))
LOOP(avx2_floats, AVX2, __m256, "x", _mm256_fmadd_ps(w, x, s))
LOOP(avx512_bits, AVX512, __m512i, "v", _mm512_add_epi64(s, _mm512_popcnt_epi64(_mm512_xor_si512(w, x))))
LOOP(avx512_floats, AVX512, __m512, "v", _mm512_fmadd_ps(w, x, s))
#elif defined(__aarch64__)
#define FLOAT_REGISTER "w"
LOOP(neon_bits, , uint8x16_t, "w", vaddq_u8(s, vcntq_u8(veorq_u8(w, x))))
LOOP(neon_floats, , float32x4_t, "w", vfmaq_f32(s, w, x))
#elif defined(__arm__)
#define FLOAT_REGISTER "t"
#else
#define FLOAT_REGISTER "m"
#endif
LOOP(c_bits, , uint64_t, "r", s + popcount(w ^ x))
LOOP(c_floats, , float, FLOAT_REGISTER, s + w * x)

/* In the order of bnn_isa. */
static const struct loop loops[] = {
    {"c", c_bits, 1, 64},
    {"c", c_floats, 0, 1},
#if defined(__x86_64__)
    {"popcnt", popcnt_bits, 1, 64},
    {"avx2", avx2_floats, 0, 8},
    {"avx512", avx512_bits, 1, 512},
    {"avx512", avx512_floats, 0, 16},
#elif defined(__aarch64__)
    {"neon", neon_bits, 1, 128},
    {"neon", neon_floats, 0, 4},
#endif
};

/* Multiply-adds per second. */
static double measure(const struct loop *loop)
{
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        const double start = bnn_times_now();
        loop->run();
        const double ms = bnn_times_now() - start, rate = loop->macs * ROUNDS * CHAINS / (ms * 1e-3);
        best = ms > 0 && rate > best ? rate : best;
    }
    return best;
}

bnn_bound bnn_measure_bound(const char *isa, uint32_t threads)
{
    bnn_bound bound = {0, 0};
    const char *name;
    for (size_t i = 0; (name = bnn_isa(i)) != NULL; i++) {
        for (size_t k = 0; k < sizeof loops / sizeof loops[0]; k++) {
            if (strcmp(loops[k].isa, name) == 0) {
                double *rate = loops[k].binary ? &bound.binary : &bound.floats;
                const double measured = measure(&loops[k]) * threads;
                *rate = measured > *rate ? measured : *rate;
            }
        }
        if (isa != NULL && strcmp(isa, name) == 0) {
            break;
        }
    }
    return bound;
}
