/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A convolution's slab, cut into what one kernel call computes: a block of 8 outputs over a run of pixels of one row.
 */
#ifndef BNN_BLOCKS_H
#define BNN_BLOCKS_H

#include "steps.h"

#include "../port.h"

/* Outputs [lane, lane + lanes) of a block: all of it, unless it is the last of its convolution group or lies across the
 * border of a slab's channels. */
struct bnn_block {
    size_t group, block;
    size_t size; /* outputs that the block has: 8, fewer in the last one of a group */
    size_t lane, lanes;
    size_t column; /* in the slab */
};

/* The block of the slab's channel `column`; `outputs`: per convolution group. */
static inline struct bnn_block bnn_block_at(const struct bnn_slab *slab, size_t column, size_t outputs)
{
    size_t channel = slab->channel + column, output = channel % outputs, rest = outputs - output / 8 * 8;
    struct bnn_block b = {.group = channel / outputs, .block = output / 8, .lane = output % 8, .column = column};
    b.size = rest < 8 ? rest : 8;
    b.lanes = b.size - b.lane;
    if (b.lanes > slab->channels - column) {
        b.lanes = slab->channels - column;
    }
    return b;
}

struct bnn_run {
    uint32_t y, x;
    size_t pixels;
};

/* The run that starts at `pixel` of an image of this width: to the end of the row or of the slab. */
static inline struct bnn_run bnn_run_at(const struct bnn_slab *slab, size_t pixel, uint32_t width)
{
    struct bnn_run run = {.y = (uint32_t)(pixel / width), .x = (uint32_t)(pixel % width)};
    size_t rest = slab->pixel + slab->pixels - pixel;
    run.pixels = width - run.x;
    run.pixels = run.pixels < rest ? run.pixels : rest;
    return run;
}

/* Takes a block's outputs from rows of 8 floats to the slab's place. */
static inline void bnn_place_lanes(float *out, size_t out_step, const float *rows, const struct bnn_block *block, size_t pixels)
{
    for (size_t p = 0; p < pixels; p++) {
        float *to = (float *)(void *)((uint8_t *)out + p * out_step) + block->column;
        const float *from = rows + 8 * p + block->lane;
        if (block->lanes == 8) {
            bnn_memcpy(to, from, 8 * sizeof *to); /* a size known to the compiler: no call */
        } else {
            bnn_memcpy(to, from, block->lanes * sizeof *to);
        }
    }
}

#endif
