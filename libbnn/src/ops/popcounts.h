/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From popcounts of binary weights to outputs: dot = base - 2 * popcount, then bits or floats.
 *
 * Taps on a border of exact 0 count nothing. The kernels see them as +1 (bits 0), where they add popcount(w). Taking that
 * away and adding half of what they would count if all differed keeps one base for all outputs:
 *   dot = K - 2 * (popcount - popcount(w at taps outside) + channels * (taps outside) / 2),   K = all taps x channels.
 * Where channels * (taps outside) is odd, the half is rounded down and K is one less. Outputs with the same taps inside form a
 * class: a pair of spans.
 */
#ifndef BNN_POPCOUNTS_H
#define BNN_POPCOUNTS_H

#include "blocks.h"
#include "geometry.h"

/* Output pixels of one row and class that have taps outside. */
struct bnn_stretch {
    uint32_t begin, end; /* pixels of the image */
    uint32_t class;
    uint32_t parity; /* of channels * (taps outside) */
};

struct bnn_popcounts {
    size_t outputs; /* per convolution group */
    size_t blocks;  /* per convolution group */
    uint32_t channels, kernel_h, kernel_w;
    size_t lanes;        /* of all groups and blocks: 8 * groups * blocks */
    int parities;        /* 2 if both parities of channels * (taps outside) occur, otherwise 1 */
    int32_t base[2][8];  /* [parity] */
    size_t stretches;    /* 0 where all taps count */
    const struct bnn_stretch *stretch; /* in the order of pixels */
    const uint16_t *change; /* [class][lane]: what is added to a popcount, modulo 65536 */
    const uint16_t *limit;  /* [parity][lane]: dot < threshold iff popcount >= limit; NULL without EMIT_INT */
};

/* Tables for weights w (W_XNOR) used with these windows. exact_zero: taps outside count nothing. */
void bnn_popcounts_bind(struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_view *w,
                        const struct bnn_window *window, int exact_zero, struct bnn_build *build);

/* Smallest popcount for which base - 2 * popcount < threshold; 65535, which no popcount reaches, if there is none. */
uint16_t bnn_popcount_limit(int32_t base, int32_t threshold);

/* Bytes of scratch that bnn_popcounts_emit needs. */
#define BNN_POPCOUNTS_SCRATCH (BNN_RUN * 8 * sizeof(float))

/* Where a block's results go. */
struct bnn_target {
    const struct bnn_slab *slab;
    float *place; /* of the slab */
    size_t step;
    float *rows; /* scratch */
    size_t stretch; /* the slab's first, from bnn_popcounts_stretch */
};

/* Index of the first stretch that ends behind `pixel`; p->stretches if there is none. */
size_t bnn_popcounts_stretch(const struct bnn_popcounts *p, size_t pixel);

/* Takes a block's popcounts of a whole slab, acc [slab.pixels][8], to the target: bits of a leading EMIT_INT, floats of v.
 * Changes acc. */
void bnn_popcounts_emit(const struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_target *target,
                        const struct bnn_block *block, uint16_t *acc);

#endif
