/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense with the popcnt instruction: words of 64 bits, the sums of a pixel's 8 outputs in registers.
 */
#include "xnor_loops.h"

#if BNN_ARCH_X86

struct sums {
    uint64_t of[8];
};

BNN_POPCNT BNN_INLINE void begin(struct sums *s, size_t words)
{
    (void)words;
    *s = (struct sums){{0}};
}

/* Adds a vector of `words` words against those of 8 outputs. */
BNN_POPCNT BNN_INLINE void count(struct sums *s, const uint8_t *x, const uint8_t *w, size_t words)
{
    BNN_UNROLL
    for (size_t i = 0; i < words; i++) {
        const uint64_t v = bnn_load64(x + 8 * i);
        BNN_UNROLL
        for (size_t j = 0; j < 8; j++) {
            s->of[j] += (uint64_t)__builtin_popcountll(v ^ bnn_load64(w + 8 * (words * j + i)));
            __asm__("" : "+r"(s->of[j])); /* stays a word: pairs in vector registers would have to be taken apart again */
        }
    }
}

BNN_POPCNT BNN_INLINE void finish(uint16_t *acc, const struct sums *s, size_t words)
{
    (void)words;
    BNN_UNROLL
    for (size_t j = 0; j < 8; j++) {
        acc[j] = (uint16_t)(acc[j] + s->of[j]);
    }
}

BNN_XNOR_LOOPS(BNN_POPCNT, struct sums, begin, count, finish)

BNN_POPCNT BNN_INLINE void conv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words)
{
    for (size_t l = 0; l < lines; l++) {
        for (size_t i = 0; i < pixels; i++, acc += 8) {
            pixel(acc, x + l * p->line_step + 8 * words * i, w, p, words);
        }
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
