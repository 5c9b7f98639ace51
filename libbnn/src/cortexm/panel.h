/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution and dense layers as dot products of neighbouring vectors: the taps of one output pixel are copied next to
 * each other (a panel, on the stack), which costs little beside 8 outputs and leaves the inner loops without addresses to find.
 */
#ifndef BNN_CORTEXM_PANEL_H
#define BNN_CORTEXM_PANEL_H

#include "../kernels.h"

#if BNN_ARCH_CORTEXM

#if BNN_ARCH_HAS_MVE
#include <arm_mve.h>
#endif

#define BNN_INLINE static inline __attribute__((always_inline))

/* Compilers load ahead of what the registers hold, and then store and load again: an adder needs its operands only. */
#define BNN_NO_LOADS_ACROSS() __asm__ volatile("" ::: "memory")

/* Bits as words of the processor. */
typedef uint32_t bnn_word32 __attribute__((may_alias));

/* Words of a panel: long ones share the cost of adding up, and stacks are small. A kernel's frame is one and a half times that. */
enum { BNN_PANEL = BNN_ARCH_HAS_MVE ? 256 : 128 };

/* acc[j] += number of ones in panel ^ weights, for 8 outputs j, whose vectors take turns in w. */
typedef void bnn_panel_dot_fn(uint16_t acc[8], const bnn_word32 *panel, const uint8_t *w, size_t vectors);

/* Copies one vector of `words` words and returns the end. */
BNN_INLINE bnn_word32 *bnn_panel_add(bnn_word32 *panel, const uint8_t *x, size_t words)
{
    const bnn_word32 *from = (const bnn_word32 *)(const void *)x;
#if BNN_ARCH_HAS_MVE
    if (words == 4) {
        vst1q_u32(panel, vld1q_u32(from));
        return panel + 4;
    }
#endif
    for (size_t i = 0; i < words; i++) {
        panel[i] = from[i];
    }
    return panel + words;
}

/* Some taps of all outputs; offsets: of the taps from the output's pixel. */
BNN_INLINE void bnn_panel_taps(uint16_t *acc, const uint8_t *x, const uint8_t *w, const uint32_t *offsets, size_t taps,
                               size_t line_step, size_t lines, size_t pixels, size_t words, bnn_panel_dot_fn *dot)
{
    _Alignas(16) bnn_word32 panel[BNN_PANEL];
    for (; lines > 0; lines--, x += line_step) {
        for (size_t pixel = 0; pixel < pixels; pixel++, acc += 8) {
            bnn_word32 *end = panel;
            for (size_t t = 0; t < taps; t++) {
                end = bnn_panel_add(end, x + 4 * words * pixel + offsets[t], words);
            }
            dot(acc, panel, w, taps);
        }
    }
}

/* The kernels bconv128 (vectors of 4 words) and bconv64 (of 2). */
BNN_INLINE void bnn_panel_bconv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words, bnn_panel_dot_fn *dot)
{
    uint32_t offsets[BNN_PANEL / 2];
    size_t count = 0, left = p->groups * p->rows * p->taps;
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            for (size_t t = 0; t < p->taps; t++) {
                offsets[count++] = (uint32_t)(g * p->group_step + r * p->row_step) + p->tap_x[t];
                left--;
                if (count == BNN_PANEL / words || left == 0) {
                    bnn_panel_taps(acc, x, w, offsets, count, p->line_step, lines, pixels, words, dot);
                    w += count * 8 * 4 * words;
                    count = 0;
                }
            }
        }
    }
}

/* The kernels bdense128 and bdense64. */
BNN_INLINE void bnn_panel_bdense(uint16_t *acc, const uint8_t *x, const uint8_t *w, size_t vectors, size_t blocks,
                                 size_t block_step, size_t words, bnn_panel_dot_fn *dot)
{
    const bnn_word32 *panel = (const bnn_word32 *)(const void *)x;
    for (; blocks > 0; blocks--, acc += 8, w += block_step) {
        for (size_t v = 0; v < vectors; v += BNN_PANEL / words) {
            const size_t left = vectors - v, most = BNN_PANEL / words;
            dot(acc, panel + v * words, w + v * 8 * 4 * words, left < most ? left : most);
        }
    }
}

#endif
#endif
