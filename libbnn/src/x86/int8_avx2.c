/* SPDX-License-Identifier: BSD-3-Clause
 *
 * 8-bit numbers from and to floats, 8 channels at a time; those behind the last 8 take the reference. Rows that lie next to each
 * other are one.
 */
#include "rows_avx2.h"

#if BNN_ARCH_X86

/* The same elements in fewer, longer rows, where there is nothing between the rows: sizes are those of an element. */
BNN_INLINE struct bnn_tile join_rows(const struct bnn_tile *tile, size_t out_size, size_t x_size)
{
    if (tile->out_step == tile->channels * out_size && tile->x_step == tile->channels * x_size) {
        return (struct bnn_tile){tile->pixels > 0, tile->pixels * tile->channels, 0, 0};
    }
    return *tile;
}

/* maxps and minps give their second operand where the first is NaN. */
BNN_AVX2 BNN_INLINE __m128i quantise(const float *x, __m256 scale, __m256 low, __m256 high, __m256i zero)
{
    const __m256 scaled = _mm256_div_ps(_mm256_loadu_ps(x), scale);
    const __m256 limited = _mm256_min_ps(_mm256_max_ps(scaled, low), high);
    const __m256 large = _mm256_set1_ps(12582912.0F); /* 3 * 2^22: a sum's last place is 1 */
    const __m256 raised = _mm256_add_ps(limited, large);
    const __m256i nearest = _mm256_add_epi32(_mm256_cvttps_epi32(_mm256_sub_ps(raised, large)), zero);
    return _mm_packs_epi32(_mm256_castsi256_si128(nearest), _mm256_extracti128_si256(nearest, 1));
}

BNN_AVX2 void bnn_pack_i8_avx2(int8_t *out, const float *x, const struct bnn_tile *tile, const float *scale,
                               const int32_t *zero)
{
    const struct bnn_tile rows = join_rows(tile, sizeof *out, sizeof *x);
    const __m256 by = _mm256_set1_ps(*scale), low = _mm256_set1_ps((float)(-128 - *zero));
    const __m256 high = _mm256_set1_ps((float)(127 - *zero));
    const __m256i add = _mm256_set1_epi32(*zero);
    for (size_t p = 0; p < rows.pixels; p++) {
        size_t c = 0;
        for (; c + 8 <= rows.channels; c += 8) {
            const __m128i words = quantise(x + c, by, low, high, add);
            _mm_storel_epi64((__m128i *)(void *)(out + c), _mm_packs_epi16(words, words));
        }
        const struct bnn_tile rest = {1, rows.channels - c, 0, 0};
        bnn_pack_i8_c(out + c, x + c, &rest, scale, zero);
        out += rows.out_step;
        x = bnn_row(x, rows.x_step);
    }
}

BNN_AVX2 void bnn_unpack_i8_avx2(float *out, const int8_t *x, const struct bnn_tile *tile)
{
    const struct bnn_tile rows = join_rows(tile, sizeof *out, sizeof *x);
    for (size_t p = 0; p < rows.pixels; p++) {
        size_t c = 0;
        for (; c + 8 <= rows.channels; c += 8) {
            const __m128i v = _mm_loadl_epi64((const __m128i *)(const void *)(x + c));
            _mm256_storeu_ps(out + c, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v)));
        }
        const struct bnn_tile rest = {1, rows.channels - c, 0, 0};
        bnn_unpack_i8_c(out + c, x + c, &rest);
        out = bnn_out_row(out, rows.out_step);
        x += rows.x_step;
    }
}

#endif
