/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Signs of floats with vectors: loads that take every fourth byte give the upper bytes of 16 floats, whose upper bits are
 * shifted in, plane by plane.
 */
#include "panel.h"

#if BNN_ARCH_HAS_MVE

#include <arm_mve.h>

bnn_pack_sign_fn bnn_pack_sign_thumb; /* what takes the other numbers of channels */

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

#endif
