/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 8-bit dot products: vpmaddubsw takes the sizes of x and the weights with the signs of x. Its sums of two products are at most
 * 2 * 128 * 127, as no weight is -128, so they do not saturate. Binary weights are made numbers, some inputs at a time.
 */
#include "target.h"

#if BNN_ARCH_X86

#define TILE 2 /* pixels, which share the weights */
#define REGISTERS 4 /* of weights of 16 inputs: 2 outputs each */
#define AT_ONCE 64 /* vectors of inputs whose signs are made numbers, which fit the nearest cache */

BNN_AVX2 BNN_INLINE __m256i add_products(__m256i sum, __m256i x, __m256i w)
{
    const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* Adds sums of 8 outputs, 4 numbers of each, to acc. */
BNN_AVX2 BNN_INLINE void store(int32_t *acc, const __m256i sum[REGISTERS])
{
    __m256i *to = (__m256i *)(void *)acc;
    /* Outputs 0, 2, 4, 6 in the lower half, 1, 3, 5, 7 in the upper. */
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(sum[0], sum[1]), _mm256_hadd_epi32(sum[2], sum[3]));
    const __m256i sorted = _mm256_permutevar8x32_epi32(all, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), sorted));
}

/* A tile of pixels, a constant of the callers, `step` bytes apart. */
BNN_AVX2 BNN_INLINE void multiply(int32_t *acc, const int8_t *x, size_t step, const int8_t *w, size_t vectors, size_t pixels)
{
    __m256i sum[TILE][REGISTERS];
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        BNN_UNROLL
        for (size_t r = 0; r < REGISTERS; r++) {
            sum[i][r] = _mm256_setzero_si256();
        }
    }
    for (size_t v = 0; v < vectors; v++) {
        BNN_UNROLL
        for (size_t i = 0; i < pixels; i++) {
            const __m128i *from = (const __m128i *)(const void *)(x + step * i + 16 * v);
            const __m256i both = _mm256_broadcastsi128_si256(_mm_load_si128(from));
            BNN_UNROLL
            for (size_t r = 0; r < REGISTERS; r++) {
                const __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)(w + 128 * v + 32 * r));
                sum[i][r] = add_products(sum[i][r], both, weights);
            }
        }
    }
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        store(acc + 8 * i, sum[i]);
    }
}

BNN_AVX2 BNN_INLINE void multiply_all(int32_t *acc, const int8_t *x, size_t step, const int8_t *w, size_t vectors,
                                      size_t pixels)
{
    for (; pixels >= TILE; pixels -= TILE, acc += (size_t)8 * TILE, x += step * TILE) {
        multiply(acc, x, step, w, vectors, TILE);
    }
    if (pixels > 0) {
        multiply(acc, x, step, w, vectors, 1);
    }
}

BNN_AVX2 void bnn_dot_s8_avx2(int32_t *acc, const int8_t *x, const int8_t *w, size_t vectors, size_t pixels, size_t lanes)
{
    if (lanes == 8) {
        multiply_all(acc, x, 16 * vectors, w, vectors, pixels);
    } else {
        bnn_dot_s8_c(acc, x, w, vectors, pixels, lanes);
    }
}

/* +1 and -1 of 16 inputs' signs, of which the first n are there, for each of 8 outputs. */
BNN_AVX2 BNN_INLINE void put_numbers(int8_t *out, const uint8_t *signs, size_t n)
{
    const __m256i one = _mm256_set1_epi8(1);
    uint8_t bits[16] = {0}, is_there[16] = {0};
    bnn_memcpy(bits, signs, n);
    bnn_memset(is_there, 0xff, n);
    const __m256i v = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)bits));
    const __m256i there = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)is_there));
    for (size_t r = 0; r < REGISTERS; r++) {
        const __m256i bit = _mm256_set_m128i(_mm_set1_epi8((char)(2U << 2 * r)), _mm_set1_epi8((char)(1U << 2 * r)));
        const __m256i number = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit), one);
        _mm256_storeu_si256((__m256i *)(void *)(out + 32 * r), _mm256_and_si256(number, there));
    }
}

BNN_AVX2 void bnn_dot_sign_avx2(int32_t *acc, const int8_t *x, const uint8_t *w, size_t n, size_t pixels)
{
    const size_t vectors = (n + 15) / 16;
    int8_t numbers[128 * AT_ONCE];
    for (size_t begun = 0, count; begun < vectors; begun += count) {
        count = vectors - begun < AT_ONCE ? vectors - begun : AT_ONCE;
        for (size_t v = begun; v < begun + count; v++) {
            put_numbers(numbers + 128 * (v - begun), w + 16 * v, n - 16 * v < 16 ? n - 16 * v : 16);
        }
        multiply_all(acc, x + 16 * begun, 16 * vectors, numbers, count, pixels);
    }
}

#endif
