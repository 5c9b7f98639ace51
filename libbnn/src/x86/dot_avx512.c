/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 8-bit dot products with VNNI: a register holds 8 inputs' weights of each of 8 outputs, 8 activations of a pixel meet all of them
 * at once. vpdpbusd multiplies numbers without a sign by such with one, so activations are raised by 128, and what that adds to
 * the sums is taken away in the end. Weights are brought into this form once per call, some inputs at a time.
 */
#include "target.h"

#if BNN_ARCH_X86

#define WORDS 128 /* of 8 inputs at once: their weights and the activations of a tile fit the nearest cache */
#define TILE 16   /* pixels */
#define CHAINS 4  /* sums under way, at least: vpdpbusd has a latency of 4 or 5 */

/* Weights of some words of inputs, 64 bytes each: 8 of output 0, of output 1, ... */
struct weights {
    size_t words;
    __m512i raised; /* what 128 more in each activation adds to sums: two numbers for each output */
    __m512i of[WORDS];
};

BNN_AVX512 BNN_INLINE void begin(struct weights *w)
{
    w->words = 0;
    w->raised = _mm512_setzero_si512();
}

BNN_AVX512 BNN_INLINE void append(struct weights *w, __m512i word)
{
    const __m512i raised = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(-128), word);
    w->of[w->words++] = word;
    w->raised = _mm512_add_epi32(w->raised, raised); /* not by vpdpbusd: the next would wait for it */
}

/* One word of a tile's pixels. */
BNN_AVX512 BNN_INLINE void multiply_word(__m512i *sum, const int8_t *x, size_t step, __m512i word, size_t pixels)
{
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        const __m512i v = _mm512_set1_epi64((long long)bnn_load64((const uint8_t *)x + step * i));
        sum[i] = _mm512_dpbusd_epi32(sum[i], _mm512_xor_si512(v, _mm512_set1_epi8(-128)), word);
    }
}

/* Adds the products of a tile of pixels, a constant of the callers, `step` bytes apart. */
BNN_AVX512 BNN_INLINE void multiply(int32_t *acc, const int8_t *x, size_t step, const struct weights *w, size_t pixels,
                                    __mmask8 lanes)
{
    const size_t chains = pixels < CHAINS ? CHAINS / pixels : 1; /* of a pixel */
    __m512i sum[TILE];
    BNN_UNROLL
    for (size_t i = 0; i < chains * pixels; i++) {
        sum[i] = _mm512_setzero_si512();
    }
    size_t k = 0;
    for (; k + chains <= w->words; k += chains) {
        BNN_UNROLL
        for (size_t c = 0; c < chains; c++) {
            multiply_word(sum + c * pixels, x + 8 * (k + c), step, w->of[k + c], pixels);
        }
    }
    for (; chains > 1 && k < w->words; k++) {
        multiply_word(sum, x + 8 * k, step, w->of[k], pixels);
    }
    BNN_UNROLL
    for (size_t i = 0; i < pixels; i++) {
        __m512i total = _mm512_sub_epi32(sum[i], w->raised);
        BNN_UNROLL
        for (size_t c = 1; c < chains; c++) {
            total = _mm512_add_epi32(total, sum[c * pixels + i]);
        }
        const __m256i both = _mm512_cvtepi64_epi32(_mm512_add_epi32(total, _mm512_srli_epi64(total, 32)));
        _mm256_mask_storeu_epi32(acc + 8 * i, lanes, _mm256_add_epi32(both, _mm256_maskz_loadu_epi32(lanes, acc + 8 * i)));
    }
}

BNN_AVX512 BNN_INLINE void multiply_all(int32_t *acc, const int8_t *x, size_t step, const struct weights *w, size_t pixels,
                                        __mmask8 lanes)
{
    for (size_t size = TILE; size > 0; size /= 2) {
        for (; pixels >= size; pixels -= size, acc += 8 * size, x += step * size) {
            switch (size) {
            case TILE: multiply(acc, x, step, w, TILE, lanes); break;
            case 8: multiply(acc, x, step, w, 8, lanes); break;
            case 4: multiply(acc, x, step, w, 4, lanes); break;
            case 2: multiply(acc, x, step, w, 2, lanes); break;
            default: multiply(acc, x, step, w, 1, lanes); break;
            }
        }
    }
}

BNN_AVX512 void bnn_dot_s8_avx512(int32_t *acc, const int8_t *x, const int8_t *w, size_t vectors, size_t pixels, size_t lanes)
{
    const unsigned there = (1U << 2 * lanes) - 1; /* words of weights in a vector's two registers */
    const __m512i first = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), second = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    struct weights weights;
    for (size_t begun = 0; begun < vectors; begun += WORDS / 2) {
        begin(&weights);
        for (size_t v = begun; v < vectors && weights.words < WORDS; v++) {
            const int8_t *from = w + 16 * lanes * v;
            const __m512i low = _mm512_maskz_loadu_epi64((__mmask8)there, from);
            const __m512i high = there >> 8 != 0 ? _mm512_maskz_loadu_epi64((__mmask8)(there >> 8), from + 64) : low;
            append(&weights, _mm512_permutex2var_epi64(low, first, high));
            append(&weights, _mm512_permutex2var_epi64(low, second, high));
        }
        multiply_all(acc, x + 16 * begun, 16 * vectors, &weights, pixels, (__mmask8)((1U << lanes) - 1));
    }
}

/* +1 and -1 of 8 inputs' signs; 0 where bytes of `there` are 0. */
BNN_AVX512 BNN_INLINE __m512i numbers(uint64_t signs, __mmask64 there)
{
    const __m512i bit_of_output =
        _mm512_set_epi64((long long)0x8080808080808080, 0x4040404040404040, 0x2020202020202020, 0x1010101010101010,
                         0x0808080808080808, 0x0404040404040404, 0x0202020202020202, 0x0101010101010101);
    const __mmask64 minus = _mm512_test_epi8_mask(_mm512_set1_epi64((long long)signs), bit_of_output);
    return _mm512_mask_blend_epi8(minus, _mm512_maskz_set1_epi8(there, 1), _mm512_set1_epi8(-1));
}

BNN_AVX512 void bnn_dot_sign_avx512(int32_t *acc, const int8_t *x, const uint8_t *w, size_t n, size_t pixels)
{
    struct weights weights;
    for (size_t begun = 0; begun < n; begun += 8 * WORDS) {
        begin(&weights);
        size_t i = begun;
        for (; i + 8 <= n && weights.words < WORDS; i += 8) {
            append(&weights, numbers(bnn_load64(w + i), ~UINT64_C(0)));
        }
        if (i < n && weights.words < WORDS) {
            uint64_t last = 0; /* fewer than 8 */
            bnn_memcpy(&last, w + i, n - i);
            append(&weights, numbers(last, UINT64_C(0x0101010101010101) * ((1U << (n - i)) - 1)));
        }
        multiply_all(acc, x + begun, (n + 15) / 16 * 16, &weights, pixels, 0xff);
    }
}

#endif
