/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense with the popcnt instruction: words of 64 bits, the sums of a pixel's 8 outputs in registers.
 */
#include "target.h"

#if BNN_ARCH_X86

/* Adds a vector of `words` words against those of 8 outputs. */
BNN_POPCNT BNN_INLINE void count(uint64_t sum[8], const uint8_t *x, const uint8_t *w, size_t words)
{
    BNN_UNROLL
    for (size_t i = 0; i < words; i++) {
        const uint64_t v = bnn_load64(x + 8 * i);
        BNN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            sum[j] += (uint64_t)__builtin_popcountll(v ^ bnn_load64(w + 8 * (words * j + i)));
            __asm__("" : "+r"(sum[j])); /* stays a word: pairs in vector registers would have to be taken apart again */
        }
    }
}

BNN_POPCNT BNN_INLINE void store(uint16_t *acc, const uint64_t sum[8])
{
    BNN_UNROLL
    for (size_t j = 0; j < 8; j++) {
        acc[j] = (uint16_t)(acc[j] + sum[j]);
    }
}

BNN_POPCNT BNN_INLINE void pixel(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t words)
{
    uint64_t sum[8] = {0};
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            const uint8_t *row = x + g * p->group_step + r * p->row_step;
            for (size_t t = 0; t < p->taps; t++, w += 64 * words) {
                count(sum, row + p->tap_x[t], w, words);
            }
        }
    }
    store(acc, sum);
}

BNN_POPCNT BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words)
{
    for (size_t l = 0; l < lines; l++) {
        for (size_t i = 0; i < pixels; i++, acc += 8) {
            pixel(acc, x + l * p->line_step + 8 * words * i, w, p, words);
        }
    }
}

BNN_POPCNT BNN_INLINE void dense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                 size_t block_step, size_t words)
{
    for (size_t b = 0; b < blocks; b++, acc += 8, w += block_step) {
        uint64_t sum[8] = {0};
        for (size_t v = 0; v < vectors; v++) {
            count(sum, x + 8 * words * v, w + 64 * words * v, words);
        }
        store(acc, sum);
    }
}

BNN_POPCNT void bnn_bconv128_popcnt(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                    size_t pixels)
{
    conv(acc, x, w, p, lines, pixels, 2);
}

BNN_POPCNT void bnn_bconv64_popcnt(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                   size_t pixels)
{
    conv(acc, x, w, p, lines, pixels, 1);
}

BNN_POPCNT void bnn_bdense128_popcnt(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                     size_t block_step)
{
    dense(acc, x, w, vectors, blocks, block_step, 2);
}

BNN_POPCNT void bnn_bdense64_popcnt(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                    size_t block_step)
{
    dense(acc, x, w, vectors, blocks, block_step, 1);
}

#endif
