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

/* Words of a panel: long ones share the cost of adding up, and stacks are small. A kernel's frame is one and a half times that.
 * 248 have 31 times 8 words, whose carries of weight 8 a byte counts. */
enum { BNN_PANEL = BNN_ARCH_HAS_MVE ? 248 : 128 };

/* acc[8*p + j] += number of ones in panel[p] ^ weights, for pixels p, at least one, of `vectors` vectors, which follow each other, and
 * 8 outputs j, whose vectors take turns in w. */
typedef void bnn_panel_dot_fn(uint16_t *acc, const bnn_word32 *panel, const uint8_t *w, size_t vectors, size_t pixels);

/* Runs of taps that are neighbours in x. */
struct bnn_panel_runs {
    size_t count, words;              /* of each run: an even number */
    size_t step;                      /* bytes from pixel to pixel */
    uint32_t offsets[BNN_PANEL / 2];  /* bytes from the pixel */
};

/* Copies the runs of pixels, at least one run and one pixel. */
typedef void bnn_panel_fill_fn(bnn_word32 *panel, const uint8_t *x, const struct bnn_panel_runs *runs, size_t pixels);
bnn_panel_fill_fn bnn_panel_fill_thumb;

/* Some taps of all outputs. A panel holds as many pixels as there is room for. */
BNN_INLINE void bnn_panel_taps(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_panel_runs *runs,
                               size_t line_step, size_t lines, size_t pixels, size_t words, bnn_panel_dot_fn *dot)
{
    _Alignas(16) bnn_word32 panel[BNN_PANEL];
    const size_t all = runs->count * runs->words, most = BNN_PANEL / all;
    for (; lines > 0; lines--, x += line_step) {
        for (size_t done = 0; done < pixels; done += most) {
            const size_t some = pixels - done < most ? pixels - done : most;
            bnn_panel_fill_thumb(panel, x + 4 * words * done, runs, some);
            dot(acc, panel, w, all / words, some);
            acc += 8 * some;
        }
    }
}

/* Whether the taps of a row are neighbours, of which a panel holds some rows. */
BNN_INLINE int bnn_panel_rows(const struct bnn_bconv *p, size_t words)
{
    for (size_t t = 1; t < p->taps; t++) {
        if (p->tap_x[t] != p->tap_x[0] + 4 * words * t) {
            return 0;
        }
    }
    return p->taps * words <= BNN_PANEL;
}

/* The kernels bconv128 (vectors of 4 words) and bconv64 (of 2). */
BNN_INLINE void bnn_panel_bconv(uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_bconv *p, size_t lines,
                                size_t pixels, size_t words, bnn_panel_dot_fn *dot)
{
    const size_t taps = bnn_panel_rows(p, words) ? p->taps : 1; /* of a run */
    struct bnn_panel_runs runs = {.count = 0, .words = taps * words, .step = 4 * words};
    const size_t most = BNN_PANEL / runs.words;
    size_t left = p->groups * p->rows * p->taps / taps;
    for (size_t g = 0; g < p->groups; g++) {
        for (size_t r = 0; r < p->rows; r++) {
            for (size_t t = 0; t < p->taps; t += taps) {
                runs.offsets[runs.count++] = (uint32_t)(g * p->group_step + r * p->row_step) + p->tap_x[t];
                left--;
                if (runs.count == most || left == 0) {
                    bnn_panel_taps(acc, x, w, &runs, p->line_step, lines, pixels, words, dot);
                    w += runs.count * runs.words * 8 * 4;
                    runs.count = 0;
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
    const size_t most = BNN_PANEL / words;
    for (; vectors > 0; panel += most * words, w += most * 8 * 4 * words) {
        const size_t some = vectors < most ? vectors : most;
        for (size_t b = 0; b < blocks; b++) {
            dot(acc + 8 * b, panel, w + b * block_step, some, 1);
        }
        vectors -= some;
    }
}

#endif
#endif
