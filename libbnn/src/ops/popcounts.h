/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From popcounts of binary weights to outputs: bits or floats. Shared by bconv2d and bdense.
 *
 * Kernels add popcounts to 16-bit accumulators, which start such that, as signed numbers, they end at
 *   dot = odd - 2 * acc, odd = the lowest bit of dot
 * The number of taps x channels is below 65535, so acc = (odd - dot) / 2 always fits, and whether dot is odd does not depend on
 * the signs.
 *
 * Taps on a border of exact 0 count nothing. The kernels see them as +1 (bits 0), where they add popcount(w), so
 *   dot = channels * (taps inside) + 2 * popcount(w at taps outside) - 2 * popcount
 * and it is the start that depends on which taps are outside, not what follows. Outputs with the same taps inside form a
 * class: a pair of spans.
 */
#ifndef BNN_POPCOUNTS_H
#define BNN_POPCOUNTS_H

#include "blocks.h"
#include "geometry.h"

struct bnn_popcounts {
    size_t outputs;        /* per convolution group */
    size_t blocks;         /* per convolution group */
    size_t lanes;          /* of all groups and blocks: 8 * groups * blocks */
    struct bnn_spans y, x; /* classes: [y][x] */
    size_t classes;
    int outside;           /* taps may be outside: starts then depend on the weights, even with one class */
    const uint16_t *start; /* [block][class][8]; without taps outside [8], the same for all blocks */
    const uint8_t *odd;    /* [class] */
    int mixed;             /* odd is not the same for all */
    const int16_t *limit;  /* [odd][lane]: dot < threshold iff acc > limit; NULL without EMIT_INT */
};

/* Tables for weights w (W_XNOR) used with these windows. exact_zero: taps outside count nothing. */
void bnn_popcounts_bind(struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_view *w,
                        const struct bnn_window *window, int exact_zero, struct bnn_build *build);

/* Arrays for a slab of these steps, in scratch. */
struct bnn_arrays {
    size_t acc, classes, rows; /* offsets */
};
struct bnn_arrays bnn_popcounts_arrays(const struct bnn_steps *steps, struct bnn_build *build);

/* A slab at work. */
struct bnn_work {
    const struct bnn_popcounts *popcounts;
    const struct bnn_steps *steps;
    const struct bnn_slab *slab;
    float *place; /* of the slab */
    size_t step;
    uint16_t *acc;     /* of a block: [slab.pixels][8] */
    uint32_t *classes; /* [slab.pixels]; unused if there is one class */
    float *rows;       /* [slab.pixels][8] */
};

/* The classes of the slab's pixels, before its first block. */
void bnn_popcounts_begin(const struct bnn_work *work);

/* What a block's accumulators start at; block: counted over all groups. */
void bnn_popcounts_start(const struct bnn_work *work, size_t block);

/* Takes a block's accumulators to the outputs: bits of a leading EMIT_INT, floats of v. */
void bnn_popcounts_emit(const struct bnn_work *work, const struct bnn_block *block);

/* The bits alone: of pixels [first, first + pixels) of the slab. */
void bnn_popcounts_emit_bits(const struct bnn_work *work, const struct bnn_block *block, const uint16_t *acc, size_t odd,
                             size_t first, size_t pixels);

#endif
