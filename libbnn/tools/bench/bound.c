/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The bound of binary products: what an instruction set's own operations take when nothing is loaded and nothing waits. As many
 * independent sums as needed are in registers, and each is its own operand, so that no compiler can leave anything out.
 */
#include "bench.h"

#include <string.h>
#include <time.h>

#include "x86/target.h"

enum { TURNS = 2000, ROUNDS = 5 };

#if BNN_ARCH_X86

/* Tables (xnor_avx2.c): of 32 pixels and 2 outputs, 3 half bytes looked up and added, and their sum to both sums. */
BNN_AVX2 static double turn_avx2(void)
{
    enum { SUMS = 4 };
    __m256i both[SUMS], second[SUMS], tables[3];
    for (size_t i = 0; i < 3; i++) {
        tables[i] = _mm256_set1_epi8((char)(i + 1));
    }
    BNN_UNROLL
    for (size_t i = 0; i < SUMS; i++) {
        both[i] = second[i] = _mm256_set1_epi8((char)i);
    }
    for (size_t n = 0; n < TURNS; n++) {
        BNN_UNROLL
        for (size_t i = 0; i < SUMS; i++) {
            __m256i v = _mm256_shuffle_epi8(tables[0], both[i]);
            v = _mm256_add_epi8(v, _mm256_shuffle_epi8(tables[1], second[i]));
            v = _mm256_add_epi8(v, _mm256_shuffle_epi8(tables[2], both[i]));
            both[i] = _mm256_add_epi8(both[i], v);
            second[i] = _mm256_add_epi8(second[i], _mm256_srli_epi16(v, 4));
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < SUMS; i++) {
        __asm__ volatile("" ::"x"(both[i]), "x"(second[i]));
    }
    return (double)(SUMS * 32 * 2 * 12) / BENCH_UNIT;
}

/* 8 words: vpxorq, vpopcntq, vpaddq. */
BNN_AVX512 static double turn_avx512(void)
{
    enum { SUMS = 14 };
    const __m512i x = _mm512_set1_epi64(TURNS);
    __m512i sum[SUMS];
    BNN_UNROLL
    for (size_t i = 0; i < SUMS; i++) {
        sum[i] = _mm512_set1_epi64((long long)i);
    }
    for (size_t n = 0; n < TURNS; n++) {
        BNN_UNROLL
        for (size_t i = 0; i < SUMS; i++) {
            sum[i] = _mm512_add_epi64(sum[i], _mm512_popcnt_epi64(_mm512_xor_epi64(sum[i], x)));
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < SUMS; i++) {
        __asm__ volatile("" ::"v"(sum[i]));
    }
    return (double)(SUMS * 512) / BENCH_UNIT;
}

/* By instruction set: does TURNS turns and returns the units of one. */
static const struct {
    const char *isa;
    double (*turns)(void);
} loops[] = {{"avx2", turn_avx2}, {"avx512", turn_avx512}};

double bench_bound(const char *isa)
{
    double least = 0;
    for (size_t i = 0; i < sizeof loops / sizeof loops[0]; i++) {
        for (size_t round = 0; strcmp(isa, loops[i].isa) == 0 && round < ROUNDS; round++) {
            struct timespec begin;
            timespec_get(&begin, TIME_UTC);
            const double units = loops[i].turns(), ns = bench_ns_since(&begin) / (units * (double)TURNS);
            least = round == 0 || ns < least ? ns : least;
        }
    }
    return least;
}

#else

double bench_bound(const char *isa)
{
    (void)isa;
    return 0;
}

#endif
