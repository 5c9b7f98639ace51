/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits with vectors. Signs: loads that take every fourth byte give the upper bytes of 16 floats, whose upper bits are
 * shifted in, plane by plane. Thresholds: floats are compared as integers, four at a time, as in pack_thumb.c.
 */
#include "panel.h"

#if BNN_ARCH_HAS_MVE

#include <arm_mve.h>

bnn_pack_sign_fn bnn_pack_sign_thumb; /* what takes the other numbers of channels */
bnn_pack_threshold_fn bnn_pack_threshold_thumb;

/* Upper bytes of 16 floats. */
BNN_INLINE uint8x16_t tops(const float *x)
{
    return vld4q_u8((const uint8_t *)(const void *)x).val[3];
}

BNN_INLINE uint8x16_t pack128(const float *x)
{
    uint8x16_t bits = tops(x + 112);
    bits = vsriq_n_u8(bits, tops(x + 96), 1);
    bits = vsriq_n_u8(bits, tops(x + 80), 2);
    bits = vsriq_n_u8(bits, tops(x + 64), 3);
    bits = vsriq_n_u8(bits, tops(x + 48), 4);
    bits = vsriq_n_u8(bits, tops(x + 32), 5);
    bits = vsriq_n_u8(bits, tops(x + 16), 6);
    return vsriq_n_u8(bits, tops(x), 7);
}

/* Planes of 8: the even ones come in the lower half, the odd ones in the upper. */
BNN_INLINE uint64_t pack64(const float *x)
{
    uint8x16_t bits = tops(x + 48);
    bits = vsriq_n_u8(bits, tops(x + 32), 2);
    bits = vsriq_n_u8(bits, tops(x + 16), 4);
    bits = vandq_u8(vsriq_n_u8(bits, tops(x), 6), vdupq_n_u8(0xaa));
    const uint64x2_t halves = vreinterpretq_u64_u8(bits);
    return vgetq_lane_u64(halves, 0) >> 1 | vgetq_lane_u64(halves, 1);
}

void bnn_pack_sign_mve(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels)
{
    if (channels != 128 && channels != 64) {
        bnn_pack_sign_thumb(out, x, pixels, x_step, channels);
        return;
    }
    for (; pixels > 0; pixels--, out += channels / 8) {
        if (channels == 128) {
            vst1q_u8(out, pack128(x));
        } else {
            const uint64_t bits = pack64(x);
            bnn_word32 *words = (bnn_word32 *)(void *)out;
            words[0] = (uint32_t)bits;
            words[1] = (uint32_t)(bits >> 32);
        }
        x = (const float *)(const void *)((const uint8_t *)x + x_step);
    }
}

/* Floats, as bits, as integers of the same order; both zeros are 0. NaN is above or below all numbers. */
BNN_INLINE uint32x4_t ordered(int32x4_t bits)
{
    const int32x4_t negative = vshrq_n_s32(bits, 31);
    const uint32x4_t positive = vshrq_n_u32(vreinterpretq_u32_s32(negative), 1);
    return vsubq_u32(veorq_u32(vreinterpretq_u32_s32(bits), positive), vreinterpretq_u32_s32(negative));
}

BNN_INLINE uint32x4_t ordered_at(const float *x)
{
    return ordered(vld1q_s32((const int32_t *)(const void *)x));
}

/* For four channels: the least that is not below the threshold, and how far above that numbers end. */
struct range {
    uint32x4_t least, span;
};

void bnn_pack_threshold_mve(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels,
                            const struct bnn_threshold *t)
{
    const size_t bytes = channels > 64 ? 16 : 8;
    if (channels % bytes != 0) {
        bnn_pack_threshold_thumb(out, x, pixels, x_step, channels, t);
        return;
    }
    struct range ranges[32];
    for (size_t c = 0; c < channels; c += 4) {
        struct range *range = &ranges[c / 4];
        range->least = ordered_at(t->threshold + c);
        range->span = vsubq_u32(vdupq_n_u32(0x7f800000), range->least); /* to infinity */
    }
    const uint32x4_t top = vdupq_n_u32(0x80);
    const int32_t down = (int32_t)(channels / bytes) - 8;
    for (; pixels > 0; pixels--, out += bytes) {
        for (size_t k = 0; k < bytes; k += 4) {
            uint32x4_t packed = vdupq_n_u32(0);
            for (size_t c = k; c < channels; c += bytes) {
                const uint32x4_t above = vsubq_u32(ordered_at(x + c), ranges[c / 4].least);
                packed = vshrq_n_u32(packed, 1);
                packed = vorrq_m_u32(packed, packed, top, vcmphiq_u32(above, ranges[c / 4].span));
            }
            packed = veorq_u32(vshlq_r_u32(packed, down), vldrbq_u32(t->flip + k));
            vstrbq_u32(out + k, packed);
        }
        x = (const float *)(const void *)((const uint8_t *)x + x_step);
    }
}

#endif
