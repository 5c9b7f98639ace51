/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Floats to bits, with integer arithmetic where there is no other. A word of the result is 4 bytes k, k+1, k+2, k+3, whose bits m are
 * the channels k.. of plane m: the 4 bits of a plane are put into the bits 7 of a word, and words of later planes push
 * those of earlier ones down.
 */
#include "panel.h"

#if BNN_ARCH_CORTEXM

#define SIGN 0x80000000u
#define INFINITY_BITS 0x7f800000u

/* The bits 31 of 4 words as the bits 7 of the bytes of a word, a in the lowest. */
BNN_INLINE uint32_t top_bits(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t even = (c & 0xffff0000) | a >> 16; /* one instruction (PKHTB) of cores with DSP */
    const uint32_t odd = (d & 0xffff0000) | b >> 16;
    return (odd & 0x80008000) | (even & 0x80008000) >> 8;
}

/* Bit 31: whether x is not at least the threshold. */
#if BNN_ARCH_HAS_FPU
BNN_INLINE uint32_t below(const float *x, const float *threshold)
{
    return *x >= *threshold ? 0 : SIGN;
}
#else
/* A float as an integer of the same order; both zeros are 0. NaN is above or below all numbers. */
BNN_INLINE uint32_t ordered(const float *x)
{
    const uint32_t bits = *(const bnn_word32 *)(const void *)x, negative = 0 - (bits >> 31);
    return (bits ^ negative >> 1) - negative;
}

/* That is, whether x is not from the threshold to infinity. */
BNN_INLINE uint32_t below(const float *x, const float *threshold)
{
    const uint32_t least = ordered(threshold);
    return ordered(x) - least <= INFINITY_BITS - least ? 0 : SIGN;
}
#endif

/* One pixel: 4 channels of all planes at a time. threshold: NULL takes signs. */
BNN_INLINE void pack_pixel(bnn_word32 *out, const float *x, const float *threshold, size_t channels, size_t bytes)
{
    for (size_t k = 0; k < bytes; k += 4) {
        uint32_t packed = 0;
        for (size_t c = k; c < channels; c += bytes) {
            uint32_t bits;
            if (threshold == NULL) {
                const bnn_word32 *v = (const bnn_word32 *)(const void *)(x + c);
                bits = top_bits(v[0], v[1], v[2], v[3]);
            } else {
                const float *v = x + c, *t = threshold + c;
                bits = top_bits(below(v, t), below(v + 1, t + 1), below(v + 2, t + 2), below(v + 3, t + 3));
            }
            packed = packed >> 1 | bits;
        }
        *out++ = packed >> (8 - channels / bytes);
    }
}

/* Whole planes only: others are the reference's. */
static size_t plane(size_t channels)
{
    const size_t bytes = channels > 64 ? 16 : 8;
    return channels % bytes == 0 ? bytes : 0;
}

void bnn_pack_sign_thumb(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels)
{
    const size_t bytes = plane(channels);
    if (bytes == 0) {
        bnn_pack_sign_c(out, x, pixels, x_step, channels);
        return;
    }
    for (; pixels > 0; pixels--, out += bytes) {
        pack_pixel((bnn_word32 *)(void *)out, x, NULL, channels, bytes);
        x = (const float *)(const void *)((const uint8_t *)x + x_step);
    }
}

void bnn_pack_threshold_thumb(uint8_t *out, const float *x, size_t pixels, size_t x_step, size_t channels,
                              const struct bnn_threshold *t)
{
    const size_t bytes = plane(channels);
    if (bytes == 0) {
        bnn_pack_threshold_c(out, x, pixels, x_step, channels, t);
        return;
    }
    const bnn_word32 *flip = (const bnn_word32 *)(const void *)t->flip;
    for (; pixels > 0; pixels--, out += bytes) {
        bnn_word32 *words = (bnn_word32 *)(void *)out;
        pack_pixel(words, x, t->threshold, channels, bytes);
        for (size_t i = 0; i < bytes / 4; i++) {
            words[i] ^= flip[i];
        }
        x = (const float *)(const void *)((const uint8_t *)x + x_step);
    }
}

#endif
