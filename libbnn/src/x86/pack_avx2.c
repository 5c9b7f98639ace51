/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits and back, in the order of docs/dab-format.md, section 1.2. 32 channels are narrowed to bytes that keep their sign bit;
 * a shift takes it to the bit of its plane. Narrowing works in halves of a register, which is put in order in the end.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

/* 8 channels as words whose sign bit is the channel's bit; those that are not there: 0. Without a threshold, signs of x. */
BNN_AVX2 BNN_INLINE __m256i signs(const float *x, const float *threshold, size_t c, size_t channels)
{
    if (c >= channels) {
        return _mm256_setzero_si256();
    }
    const __m256 v = bnn_load(x + c, channels - c);
    const __m256 limit = threshold != NULL ? bnn_load(threshold + c, channels - c) : _mm256_setzero_ps();
    return _mm256_castps_si256(threshold != NULL ? _mm256_cmp_ps(v, limit, _CMP_NGE_UQ) : v);
}

/* The bits of one pixel, `bytes` (16 or 8). Constants of the callers: bytes, and channels of full groups. */
BNN_AVX2 BNN_INLINE __m128i pack_pixel(const float *x, const float *threshold, size_t channels, size_t bytes)
{
    /* Shifts from bit 7 to the first planes; a quarter of a register is half a plane of 16 bytes, or all of one of 8. */
    const __m256i shift = bytes == 16 ? _mm256_setr_epi32(7, 7, 6, 6, 7, 7, 6, 6) : _mm256_setr_epi32(7, 6, 5, 4, 7, 6, 5, 4);
    __m256i bits = _mm256_setzero_si256();
    BNN_UNROLL
    for (size_t i = 0; i < bytes / 4; i++) {
        __m256i v[4];
        BNN_UNROLL
        for (size_t k = 0; k < 4; k++) {
            v[k] = signs(x, threshold, 32 * i + 8 * k, channels);
        }
        const __m256i narrow = _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
        const __m256i plane = _mm256_sub_epi32(shift, _mm256_set1_epi32((int32_t)(i * 32 / bytes)));
        bits = _mm256_or_si256(bits, _mm256_srlv_epi32(_mm256_and_si256(narrow, _mm256_set1_epi8(-128)), plane));
    }
    bits = _mm256_permutevar8x32_epi32(bits, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const __m128i both = _mm_or_si128(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    return bytes == 16 ? both : _mm_or_si128(both, _mm_srli_si128(both, 8));
}

BNN_AVX2 BNN_INLINE void pack(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels,
                              const struct bnn_threshold *t, size_t bytes)
{
    for (size_t i = 0; i < pixels; i++) {
        const float *pixel = bnn_row(x, i * x_step);
        __m128i *to = (__m128i *)(void *)(out + i * bytes);
        __m128i bits = pack_pixel(pixel, t != NULL ? t->threshold : NULL, channels, bytes);
        if (bytes == 16) {
            const __m128i flip = t != NULL ? _mm_loadu_si128((const __m128i *)(const void *)t->flip) : _mm_setzero_si128();
            _mm_storeu_si128(to, _mm_xor_si128(bits, flip));
        } else {
            const __m128i flip = t != NULL ? _mm_loadl_epi64((const __m128i *)(const void *)t->flip) : _mm_setzero_si128();
            _mm_storel_epi64(to, _mm_xor_si128(bits, flip));
        }
    }
}

/* Full groups have no lanes to be left out. */
BNN_AVX2 BNN_INLINE void pack_any(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels,
                                  const struct bnn_threshold *t)
{
    if (channels == 128) {
        pack(out, x, pixels, x_step, 128, t, 16);
    } else if (channels > 64) {
        pack(out, x, pixels, x_step, channels, t, 16);
    } else if (channels == 64) {
        pack(out, x, pixels, x_step, 64, t, 8);
    } else {
        pack(out, x, pixels, x_step, channels, t, 8);
    }
}

BNN_AVX2 void bnn_pack_sign_avx2(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels)
{
    pack_any(out, x, pixels, x_step, channels, NULL);
}

BNN_AVX2 void bnn_pack_threshold_avx2(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels,
                                      const struct bnn_threshold *t)
{
    pack_any(out, x, pixels, x_step, channels, t);
}

/* Groups of `bytes`; constants of the callers: bytes, and channels of full groups. A plane is one register or two. */
BNN_AVX2 BNN_INLINE void unpack(float *out, const uint8_t *in, size_t pixels, size_t out_step, size_t channels, size_t bytes)
{
    for (size_t i = 0; i < pixels; i++, in += bytes, out = bnn_out_row(out, out_step)) {
        __m256i v[2];
        BNN_UNROLL
        for (size_t k = 0; k < bytes / 8; k++) {
            v[k] = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(in + 8 * k)));
        }
        BNN_UNROLL
        for (size_t c = 0; c < 8 * bytes; c += 8) {
            if (c < channels) {
                bnn_store(out + c, bnn_numbers(_mm256_slli_epi32(v[c % bytes / 8], (int)(31 - c / bytes))), channels - c);
            }
        }
    }
}

BNN_AVX2 void bnn_unpack_avx2(float *out, const uint8_t *in, size_t pixels, size_t out_step, size_t channels)
{
    if (channels == 128) {
        unpack(out, in, pixels, out_step, 128, 16);
    } else if (channels > 64) {
        unpack(out, in, pixels, out_step, channels, 16);
    } else if (channels == 64) {
        unpack(out, in, pixels, out_step, 64, 8);
    } else {
        unpack(out, in, pixels, out_step, channels, 8);
    }
}

#endif
