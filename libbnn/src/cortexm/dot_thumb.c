/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counting different bits in 32-bit words, without vectors and without a popcount instruction: carry-save adders (Harley's and
 * Seal's method; Warren, Hacker's Delight, 2nd edition, section 5-1). A word is 32 columns of one bit. An adder takes three words
 * of the same weight and leaves a sum of that weight and a carry of twice the weight, with five operations, so that of 16 words
 * only one, of weight 16, has its bits counted; the sums left over are counted once, at the end.
 */
#include "panel.h"

#if BNN_ARCH_CORTEXM && !BNN_ARCH_HAS_THUMB2

bnn_panel_dot_fn bnn_panel_dot128_thumb, bnn_panel_dot64_thumb;

void bnn_panel_fill_thumb(bnn_word32 *panel, const uint8_t *x, const struct bnn_panel_runs *runs, size_t pixels)
{
    for (; pixels > 0; pixels--, x += runs->step) {
        for (size_t r = 0; r < runs->count; r++) {
            const bnn_word32 *from = (const bnn_word32 *)(const void *)(x + runs->offsets[r]);
            for (const bnn_word32 *end = from + runs->words; from < end; from += 2) {
                *panel++ = from[0];
                *panel++ = from[1];
            }
        }
    }
}

/* Sums of their weights. */
struct sums {
    uint32_t ones, twos, fours, eights;
};

/* Adds a and b to a sum and returns the carry. */
BNN_INLINE uint32_t add(uint32_t *sum, uint32_t a, uint32_t b)
{
    const uint32_t half = *sum ^ a;
    const uint32_t carry = (*sum & a) | (half & b);
    *sum = half ^ b;
    BNN_NO_LOADS_ACROSS();
    return carry;
}

/* Number of ones in each 4-bit field. */
BNN_INLINE uint32_t in_nibbles(uint32_t v)
{
    v -= (v >> 1) & 0x55555555;
    return (v & 0x33333333) + ((v >> 2) & 0x33333333);
}

/* Sums of the pairs of 4-bit fields. */
BNN_INLINE uint32_t in_bytes(uint32_t nibbles)
{
    return (nibbles & 0x0f0f0f0f) + ((nibbles >> 4) & 0x0f0f0f0f);
}

/* Sums of the pairs of bytes. */
BNN_INLINE uint32_t in_halves(uint32_t bytes)
{
    return (bytes & 0x00ff00ff) + ((bytes >> 8) & 0x00ff00ff);
}

/* Number of ones in each byte. */
BNN_INLINE uint32_t ones_in_bytes(uint32_t v)
{
    v = in_nibbles(v);
    return (v + (v >> 4)) & 0x0f0f0f0f;
}

/* 4 words against each other, those of w in two pairs; returns the carry, of weight 4. */
BNN_INLINE uint32_t add_four(struct sums *s, const bnn_word32 *x, const bnn_word32 *w, const bnn_word32 *w2)
{
    const uint32_t a = add(&s->ones, x[0] ^ w[0], x[1] ^ w[1]);
    const uint32_t b = add(&s->ones, x[2] ^ w2[0], x[3] ^ w2[1]);
    return add(&s->twos, a, b);
}

/* Number of different bits of panel and one output's weights, in the lower 16 bits. Both come in `steps` of 4 words; those of w start
 * `step` words behind each other, and their second half `half` words behind the first. `rest`: 2 more words. */
BNN_INLINE uint32_t different(const bnn_word32 *x, const bnn_word32 *w, size_t steps, size_t step, size_t half, size_t rest)
{
    struct sums s = {0, 0, 0, 0};
    uint32_t sixteens = 0, others = 0; /* numbers of ones in each byte: at most 8 for each word */
    const int many = steps >= 4;
    for (; steps >= 4; steps -= 4, x += 16, w += 4 * step) {
        const uint32_t a = add_four(&s, x, w, w + half);
        const uint32_t b = add_four(&s, x + 4, w + step, w + step + half);
        const uint32_t e = add(&s.fours, a, b);
        const uint32_t c = add_four(&s, x + 8, w + 2 * step, w + 2 * step + half);
        const uint32_t d = add_four(&s, x + 12, w + 3 * step, w + 3 * step + half);
        sixteens += ones_in_bytes(add(&s.eights, e, add(&s.fours, c, d)));
    }
    for (; steps > 0; steps--, x += 4, w += step) {
        others += 4 * ones_in_bytes(add_four(&s, x, w, w + half));
    }
    if (rest != 0) {
        others += 2 * ones_in_bytes(add(&s.ones, x[0] ^ w[0], x[1] ^ w[1]));
    }
    others += in_bytes(in_nibbles(s.ones) + 2 * in_nibbles(s.twos));
    uint32_t halves = in_halves(others);
    if (many) {
        halves += 4 * in_halves(in_bytes(in_nibbles(s.fours) + 2 * in_nibbles(s.eights)));
        halves += 16 * in_halves(sixteens);
    }
    return halves + (halves >> 16);
}

void bnn_panel_dot128_thumb(uint16_t *acc, const bnn_word32 *panel, const uint8_t *w, size_t vectors, size_t pixels)
{
    const bnn_word32 *words = (const bnn_word32 *)(const void *)w;
    for (; pixels > 0; pixels--, panel += 4 * vectors) {
        for (size_t j = 0; j < 8; j++, acc++) {
            *acc = (uint16_t)(*acc + different(panel, words + 4 * j, vectors, 32, 2, 0));
        }
    }
}

void bnn_panel_dot64_thumb(uint16_t *acc, const bnn_word32 *panel, const uint8_t *w, size_t vectors, size_t pixels)
{
    const bnn_word32 *words = (const bnn_word32 *)(const void *)w;
    for (; pixels > 0; pixels--, panel += 2 * vectors) {
        for (size_t j = 0; j < 8; j++, acc++) {
            *acc = (uint16_t)(*acc + different(panel, words + 2 * j, vectors / 2, 32, 16, vectors % 2));
        }
    }
}

#endif
