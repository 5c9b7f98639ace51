/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A register holds one word of each of 8 outputs.
 */
#ifndef BNN_X86_WORDS_AVX512_H
#define BNN_X86_WORDS_AVX512_H

#include "target.h"

#if BNN_ARCH_X86

/* First and second words of 8 outputs whose words lie in turn in `low` and `high`. */
BNN_AVX512 BNN_INLINE __m512i bnn_first_words(__m512i low, __m512i high)
{
    return _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), high);
}

BNN_AVX512 BNN_INLINE __m512i bnn_second_words(__m512i low, __m512i high)
{
    return _mm512_permutex2var_epi64(low, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), high);
}

/* acc[j] += sum[j] */
BNN_AVX512 BNN_INLINE void bnn_add_words(uint16_t *acc, __m512i sum)
{
    __m128i *to = (__m128i *)(void *)acc;
    _mm_store_si128(to, _mm_add_epi16(_mm_load_si128(to), _mm512_cvtepi64_epi16(sum)));
}

#endif
#endif
