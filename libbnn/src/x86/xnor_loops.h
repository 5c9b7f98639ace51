/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The loops of binary convolution and dense around a count of ones, for the instruction sets that take pixels one by one.
 */
#ifndef BNN_X86_XNOR_LOOPS_H
#define BNN_X86_XNOR_LOOPS_H

#include "target.h"

#if BNN_ARCH_X86

/* Defines, for functions of an instruction set, with sums of 8 outputs that begin(&sums, words) clears, count(&sums, x, w, words)
 * adds a vector of so many words of 8 bytes to, and finish(acc, &sums, words) adds to acc:
 *   pixel  all taps of one pixel
 *   dense  see bdense128 in kernels.def */
#define BNN_XNOR_LOOPS(set, sums, begin, count, finish)                                                                        \
    set BNN_INLINE void pixel(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t words)      \
    {                                                                                                                          \
        sums s;                                                                                                                \
        begin(&s, words);                                                                                                      \
        for (size_t g = 0; g < p->groups; g++) {                                                                               \
            for (size_t r = 0; r < p->rows; r++) {                                                                             \
                const uint8_t *row = x + g * p->group_step + r * p->row_step;                                                  \
                for (size_t t = 0; t < p->taps; t++, w += 64 * words) {                                                        \
                    count(&s, row + p->tap_x[t], w, words);                                                                    \
                }                                                                                                              \
            }                                                                                                                  \
        }                                                                                                                      \
        finish(acc, &s, words);                                                                                                \
    }                                                                                                                          \
    set BNN_INLINE void dense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,                \
                              size_t block_step, size_t words)                                                                 \
    {                                                                                                                          \
        for (size_t b = 0; b < blocks; b++, acc += 8, w += block_step) {                                                       \
            sums s;                                                                                                            \
            begin(&s, words);                                                                                                  \
            for (size_t v = 0; v < vectors; v++) {                                                                             \
                count(&s, x + 8 * words * v, w + 64 * words * v, words);                                                       \
            }                                                                                                                  \
            finish(acc, &s, words);                                                                                            \
        }                                                                                                                      \
    }

#endif
#endif
