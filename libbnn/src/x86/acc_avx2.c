/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Accumulators of binary products: where they start, and what becomes of them; 8 outputs at a time. What becomes of sums of 8-bit
 * products.
 */
#include "target.h"

#if BNN_ARCH_X86

/* Starts of two pixels of the classes first and second. */
BNN_AVX2 BNN_INLINE __m256i starts(const uint16_t *start, size_t first, size_t second)
{
    const __m128i *from = (const __m128i *)(const void *)start;
    const __m256i both = _mm256_castsi128_si256(_mm_loadu_si128(from + first));
    return _mm256_inserti128_si256(both, _mm_loadu_si128(from + second), 1);
}

/* Whether 4 pixels are of the same class, as most are. */
BNN_AVX2 BNN_INLINE int same(const uint32_t *classes)
{
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)classes);
    return _mm_movemask_epi8(_mm_cmpeq_epi32(v, _mm_shuffle_epi32(v, 0))) == 0xffff;
}

BNN_AVX2 void bnn_acc_start_avx2(uint16_t *acc, const uint16_t *start, const uint32_t *classes, size_t pixels)
{
    size_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
        __m256i *to = (__m256i *)(void *)(acc + 8 * i);
        if (classes == NULL || same(classes + i)) {
            const size_t class = classes != NULL ? classes[i] : 0;
            const __m256i both = starts(start, class, class);
            _mm256_storeu_si256(to, both);
            _mm256_storeu_si256(to + 1, both);
        } else {
            _mm256_storeu_si256(to, starts(start, classes[i], classes[i + 1]));
            _mm256_storeu_si256(to + 1, starts(start, classes[i + 2], classes[i + 3]));
        }
    }
    for (; i < pixels; i++) {
        const size_t class = classes != NULL ? classes[i] : 0;
        _mm_store_si128((__m128i *)(void *)(acc + 8 * i), _mm256_castsi256_si128(starts(start, class, class)));
    }
}

/* (float)(odd - 2 * acc[j]) * mul[j] + add[j] of 8 outputs, every operation rounded. */
BNN_AVX2 BNN_INLINE __m256 affine(const uint16_t *acc, __m256i odd, __m256 mul, __m256 add)
{
    const __m256i v = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)acc));
    const __m256 dot = _mm256_cvtepi32_ps(_mm256_sub_epi32(odd, _mm256_add_epi32(v, v)));
    const __m256 scaled = _mm256_mul_ps(dot, mul);
    return _mm256_add_ps(scaled, add);
}

BNN_AVX2 void bnn_acc_affine_avx2(float *out, const uint16_t *acc, const struct bnn_acc_affine *p, size_t pixels,
                                  size_t out_step)
{
    const __m256i odd = _mm256_set1_epi32((int32_t)p->odd);
    const __m256 mul = _mm256_loadu_ps(p->mul), add = _mm256_loadu_ps(p->add);
    for (size_t i = 0; i < pixels; i++) {
        _mm256_storeu_ps((float *)(void *)((uint8_t *)out + i * out_step), affine(acc + 8 * i, odd, mul, add));
    }
}

BNN_AVX2 void bnn_acc_affine_row_avx2(float *out, const uint16_t *acc, const struct bnn_acc_affine *p, size_t n)
{
    const __m256i odd = _mm256_set1_epi32((int32_t)p->odd);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        _mm256_storeu_ps(out + i, affine(acc + i, odd, _mm256_loadu_ps(p->mul + i), _mm256_loadu_ps(p->add + i)));
    }
    const struct bnn_acc_affine rest = {.mul = p->mul + i, .add = p->add + i, .odd = p->odd};
    bnn_acc_affine_row_c(out + i, acc + i, &rest, n - i);
}

BNN_AVX2 BNN_INLINE void set_bits(uint8_t *out, __m128i set)
{
    __m128i *to = (__m128i *)(void *)out;
    _mm_storel_epi64(to, _mm_or_si128(_mm_loadl_epi64(to), set));
}

BNN_AVX2 void bnn_acc_bits_avx2(uint8_t *out, const uint16_t *acc, const int16_t *limit, size_t pixels, size_t out_step,
                                size_t bit)
{
    const __m256i limits = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)limit));
    const __m256i bits = _mm256_set1_epi8((char)(1U << bit));
    size_t i = 0;
    for (; i + 2 <= pixels; i += 2, out += 2 * out_step) {
        const __m256i above = _mm256_cmpgt_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(acc + 8 * i)), limits);
        const __m256i set = _mm256_and_si256(_mm256_packs_epi16(above, above), bits);
        set_bits(out, _mm256_castsi256_si128(set));
        set_bits(out + out_step, _mm256_extracti128_si256(set, 1));
    }
    if (i < pixels) {
        const __m128i v = _mm_load_si128((const __m128i *)(const void *)(acc + 8 * i));
        const __m128i above = _mm_cmpgt_epi16(v, _mm256_castsi256_si128(limits));
        set_bits(out, _mm_and_si128(_mm_packs_epi16(above, above), _mm256_castsi256_si128(bits)));
    }
}

BNN_AVX2 void bnn_sum_affine_avx2(float *out, const int32_t *acc, const float *mul, const float *add, size_t pixels,
                                  size_t out_step)
{
    const __m256 factor = _mm256_loadu_ps(mul), offset = _mm256_loadu_ps(add);
    for (size_t i = 0; i < pixels; i++) {
        const __m256i sum = _mm256_loadu_si256((const __m256i *)(const void *)(acc + 8 * i));
        const __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), factor);
        _mm256_storeu_ps((float *)(void *)((uint8_t *)out + i * out_step), _mm256_add_ps(scaled, offset));
    }
}

#endif
