/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense layers as dot products of neighbouring vectors: the taps of one output pixel are copied next to
 * each other (a panel, on the stack), which costs little beside 8 outputs and leaves the inner loops without addresses to find.
 */
#ifndef BNN_CORTEXM_PANEL_H
#define BNN_CORTEXM_PANEL_H

#include "../kernels.h"

#if BNN_ARCH_CORTEXM

#define BNN_INLINE static inline __attribute__((always_inline))

/* Compilers load ahead of what the registers hold, and then store and load again: an adder needs its operands only. */
#define BNN_NO_LOADS_ACROSS() __asm__ volatile("" ::: "memory")

/* Bits as words of the processor. */
typedef uint32_t bnn_word32 __attribute__((may_alias));

/* Vectors of a panel: long ones share the cost of adding up, and the stack is small. */
enum { BNN_PANEL = 32 };

/* acc[j] += number of ones in panel ^ weights, for 8 outputs; their next vectors are 8 vectors further. At most BNN_PANEL
 * vectors. */
typedef void bnn_panel_dot_fn(uint16_t acc[8], const bnn_word32 *panel, const uint8_t *w, size_t vectors);

/* Copies one vector of `words` words `copies` times and returns the end. */
BNN_INLINE bnn_word32 *bnn_panel_add(bnn_word32 *panel, const uint8_t *x, size_t words, size_t copies)
{
    const bnn_word32 *from = (const bnn_word32 *)(const void *)x;
    for (size_t i = 0; i < words; i++) {
        for (size_t copy = 0; copy < copies; copy++) {
            panel[copy * words + i] = from[i];
        }
    }
    return panel + words * copies;
}

/* The kernels bconv128 (vectors of 4 words) and bconv64 (of 2); a panel has each vector `copies` times. */
BNN_INLINE void bnn_panel_bconv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words, size_t copies, bnn_panel_dot_fn *dot)
{
    _Alignas(16) bnn_word32 panel[BNN_PANEL * 4];
    const bnn_word32 *const full = panel + BNN_PANEL * words * copies;
    for (size_t pixel = 0, column = 0; pixel < lines * pixels; pixel++, acc += 8) {
        const uint8_t *weights = w, *group = x + column * 4 * words;
        bnn_word32 *end = panel;
        for (size_t g = 0; g < p->groups; g++, group += p->group_step) {
            const uint8_t *row = group;
            for (size_t r = 0; r < p->rows; r++, row += p->row_step) {
                for (size_t t = 0; t < p->taps; t++) {
                    end = bnn_panel_add(end, row + p->tap_x[t], words, copies);
                    if (end == full) {
                        dot(acc, panel, weights, BNN_PANEL);
                        weights += BNN_PANEL * 8 * 4 * words;
                        end = panel;
                    }
                }
            }
        }
        dot(acc, panel, weights, (size_t)(end - panel) / (words * copies));
        if (++column == pixels) {
            column = 0;
            x += p->line_step;
        }
    }
}

/* The kernels bdense128 and bdense64. */
BNN_INLINE void bnn_panel_bdense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                 size_t block_step, size_t words, size_t copies, bnn_panel_dot_fn *dot)
{
    _Alignas(16) bnn_word32 panel[BNN_PANEL * 4];
    for (size_t v = 0; v < vectors; v += BNN_PANEL, x += BNN_PANEL * 4 * words, w += BNN_PANEL * 8 * 4 * words) {
        const size_t n = vectors - v < BNN_PANEL ? vectors - v : BNN_PANEL;
        bnn_word32 *end = panel;
        for (size_t i = 0; i < n; i++) {
            end = bnn_panel_add(end, x + 4 * words * i, words, copies);
        }
        for (size_t b = 0; b < blocks; b++) {
            dot(acc + 8 * b, panel, w + b * block_step, n);
        }
    }
}

#endif
#endif
