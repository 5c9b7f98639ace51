/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counting different bits with the vectors of ARMv8.1-M (MVE), which count no ones either: the carry-save adders of
 * xnor_thumb.c, 128 columns wide. With 8 registers they end at weight 4. 8-byte vectors are there twice in a panel, against the
 * weights of two outputs.
 */
#include "panel.h"

#if BNN_ARCH_HAS_MVE

#include <arm_mve.h>

/* Numbers of ones in each byte, of weight 1 and of weight 4. */
struct counts {
    uint8x16_t ones, fours;
};

/* Adds a and b to a sum and returns the carry. */
BNN_INLINE uint8x16_t add(uint8x16_t *sum, uint8x16_t a, uint8x16_t b)
{
    const uint8x16_t half = veorq_u8(*sum, a);
    const uint8x16_t carry = vorrq_u8(vandq_u8(*sum, a), vandq_u8(half, b));
    *sum = veorq_u8(half, b);
    BNN_NO_LOADS_ACROSS();
    return carry;
}

/* Number of ones in each 4-bit field. */
BNN_INLINE uint8x16_t in_nibbles(uint8x16_t v)
{
    const uint8x16_t pairs = vdupq_n_u8(0x33);
    v = vsubq_u8(v, vandq_u8(vshrq_n_u8(v, 1), vdupq_n_u8(0x55)));
    return vaddq_u8(vandq_u8(v, pairs), vandq_u8(vshrq_n_u8(v, 2), pairs));
}

/* Sums of the pairs of 4-bit fields. */
BNN_INLINE uint8x16_t in_bytes(uint8x16_t nibbles)
{
    return vaddq_u8(vandq_u8(nibbles, vdupq_n_u8(0x0f)), vshrq_n_u8(nibbles, 4));
}

/* 4-byte aligned: unlike others, loads of words reach 3 weights further. */
BNN_INLINE uint8x16_t different(const uint8_t *x, const uint8_t *w)
{
    const uint32x4_t a = vldrwq_u32((const uint32_t *)(const void *)x), b = vldrwq_u32((const uint32_t *)(const void *)w);
    return vreinterpretq_u8_u32(veorq_u32(a, b));
}

/* Different bits of the panel's vectors of 16 bytes and the weights, `step` bytes from one to the next. */
BNN_INLINE struct counts count(const uint8_t *x, const uint8_t *w, size_t vectors, size_t step)
{
    const uint8x16_t zero = vdupq_n_u8(0);
    uint8x16_t ones = zero, twos = zero, fours = zero; /* fours: numbers, at most 8 for each 4 vectors */
    for (; vectors >= 4; vectors -= 4, x += 64, w += 4 * step) {
        const uint8x16_t a = add(&ones, different(x, w), different(x + 16, w + step));
        const uint8x16_t b = add(&ones, different(x + 32, w + 2 * step), different(x + 48, w + 3 * step));
        fours = vaddq_u8(fours, in_bytes(in_nibbles(add(&twos, a, b))));
    }
    if (vectors > 0) {
        const uint8x16_t second = vectors > 1 ? different(x + 16, w + step) : zero;
        const uint8x16_t a = add(&ones, different(x, w), second);
        const uint8x16_t third = vectors > 2 ? different(x + 32, w + 2 * step) : zero;
        const uint8x16_t b = vandq_u8(ones, third);
        ones = veorq_u8(ones, third);
        fours = vaddq_u8(fours, in_bytes(in_nibbles(add(&twos, a, b))));
    }
    const uint8x16_t nibbles = vaddq_u8(in_nibbles(ones), vshlq_n_u8(in_nibbles(twos), 1));
    return (struct counts){in_bytes(nibbles), fours};
}

static void dot128(uint16_t acc[8], const bnn_word32 *panel, const uint8_t *w, size_t vectors)
{
    for (size_t j = 0; j < 8; j++) {
        const struct counts c = count((const uint8_t *)panel, w + 16 * j, vectors, 128);
        acc[j] = (uint16_t)(vaddvaq_u8(acc[j], c.ones) + 4 * vaddvq_u8(c.fours));
    }
}

static void dot64(uint16_t acc[8], const bnn_word32 *panel, const uint8_t *w, size_t vectors)
{
    const mve_pred16_t lower = 0x00ff, upper = 0xff00;
    for (size_t j = 0; j < 8; j += 2) {
        const struct counts c = count((const uint8_t *)panel, w + 8 * j, vectors, 64);
        acc[j] = (uint16_t)(vaddvaq_p_u8(acc[j], c.ones, lower) + 4 * vaddvq_p_u8(c.fours, lower));
        acc[j + 1] = (uint16_t)(vaddvaq_p_u8(acc[j + 1], c.ones, upper) + 4 * vaddvq_p_u8(c.fours, upper));
    }
}

void bnn_bconv128_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bnn_panel_bconv(acc, x, w, p, lines, pixels, 4, 1, dot128);
}

void bnn_bconv64_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines, size_t pixels)
{
    bnn_panel_bconv(acc, x, w, p, lines, pixels, 2, 2, dot64);
}

void bnn_bdense128_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bnn_panel_bdense(acc, x, w, vectors, blocks, block_step, 4, 1, dot128);
}

void bnn_bdense64_mve(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks, size_t block_step)
{
    bnn_panel_bdense(acc, x, w, vectors, blocks, block_step, 2, 2, dot64);
}

#endif
