/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From popcounts of binary weights to outputs: dot = base - 2 * popcount, then bits or floats. Shared by bconv2d and bdense.
 *
 * Taps on a border of exact 0 count nothing. The kernels see them as +1 (bits 0), where they add popcount(w), so
 *   dot = channels * (taps inside) + 2 * popcount(w at taps outside) - 2 * popcount
 * and `base` depends on which taps are outside. Outputs with the same taps inside form a class: a pair of spans.
 */
#ifndef BNN_POPCOUNTS_H
#define BNN_POPCOUNTS_H

#include "blocks.h"
#include "geometry.h"

struct bnn_popcounts {
    size_t outputs;  /* per convolution group */
    size_t blocks;   /* per convolution group */
    size_t channels; /* per convolution group */
    size_t lanes;    /* of all groups and blocks: 8 * groups * blocks */
    struct bnn_spans y, x;
    const int32_t *base;   /* [class][lane] */
    const uint16_t *limit; /* [class][lane]: dot < threshold iff popcount >= limit; NULL without EMIT_INT */
};

/* Spans and tables for weights w (W_XNOR) used with these windows. exact_zero: taps outside count nothing. */
void bnn_popcounts_bind(struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_view *w,
                        const struct bnn_window *window, int exact_zero, struct bnn_build *build);

/* Bytes of scratch that bnn_popcounts_emit needs. */
#define BNN_POPCOUNTS_SCRATCH (BNN_RUN * 8 * sizeof(float))

/* Where a block's results go. */
struct bnn_target {
    const struct bnn_slab *slab;
    float *place; /* of the slab */
    size_t step;
    float *rows; /* scratch */
};

/* Takes the popcounts of a run, acc [run.pixels][8], to the target: bits of a leading EMIT_INT, floats of v. */
void bnn_popcounts_emit(const struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_target *target,
                        const struct bnn_block *block, const struct bnn_run *run, const uint16_t *acc);

#endif
