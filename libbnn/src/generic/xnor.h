/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counting different bits without a popcount instruction, for the generic bconv and bdense. The ones of each byte of a machine
 * word are counted in place and added up bytewise; only every 31st time are the bytes added to the sums. The loops over words
 * are independent of each other, so compilers make vector code of them.
 */
#ifndef BNN_GENERIC_XNOR_H
#define BNN_GENERIC_XNOR_H

#include "../kernels.h"

/* A machine word that may be loaded from any object: packed bits are bytes elsewhere. */
typedef size_t bnn_word __attribute__((may_alias));

/* Words of a vector of `bytes` bytes, and of the largest tap: 8 outputs x 16 bytes. */
#define BNN_WORDS(bytes) ((bytes) / sizeof(bnn_word))
#define BNN_TAP_WORDS BNN_WORDS(8 * 16)

/* The byte repeated over a word. */
#define BNN_BYTES(byte) (~(bnn_word)0 / 255 * (byte))

/* A byte counts at most 8 ones per tap: 31 * 8 = 248 <= 255. */
#define BNN_TAPS_PER_FLUSH 31

/* Bytewise counts of 8 outputs; word i of output j is ones[j * words + i]. */
struct bnn_counts {
    bnn_word ones[BNN_TAP_WORDS];
    size_t taps;
};

/* Number of ones in each byte of v. */
static inline bnn_word bnn_ones_per_byte(bnn_word v)
{
    v -= (v >> 1) & BNN_BYTES(0x55);
    v = (v & BNN_BYTES(0x33)) + ((v >> 2) & BNN_BYTES(0x33));
    return (v + (v >> 4)) & BNN_BYTES(0x0f);
}

/* Sum of the bytes of v, which fits 16 bits: pairs of bytes, then a multiplication that gathers them in the top 16 bits. */
static inline size_t bnn_sum_of_bytes(bnn_word v)
{
    const bnn_word low = ~(bnn_word)0 / 0xffff * 0xff;
    const bnn_word pairs = (v & low) + ((v >> 8) & low);
    return (pairs * (~(bnn_word)0 / 0xffff)) >> (8 * sizeof v - 16);
}

/* acc[j] += counts of output j, and zeroes the counts. */
static inline void bnn_counts_flush(struct bnn_counts *counts, uint16_t acc[8], size_t words)
{
    for (size_t j = 0; j < 8; j++) {
        size_t sum = acc[j];
        for (size_t i = 0; i < words; i++) {
            sum += bnn_sum_of_bytes(counts->ones[j * words + i]);
            counts->ones[j * words + i] = 0;
        }
        acc[j] = (uint16_t)sum;
    }
    counts->taps = 0;
}

/* Adds one tap: a vector x of `words` words against the vectors of 8 outputs. Flushes to acc when the bytes are full. */
static inline void bnn_counts_tap(struct bnn_counts *counts, uint16_t acc[8], const uint8_t *x, const uint8_t *w, size_t words)
{
    const bnn_word *xs = (const bnn_word *)(const void *)x;
    const bnn_word *ws = (const bnn_word *)(const void *)w;
    if (counts->taps == BNN_TAPS_PER_FLUSH) {
        bnn_counts_flush(counts, acc, words);
    }
    counts->taps++;
    for (size_t j = 0; j < 8; j++) {
        for (size_t i = 0; i < words; i++) {
            counts->ones[j * words + i] += bnn_ones_per_byte(xs[i] ^ ws[j * words + i]);
        }
    }
}

#endif
