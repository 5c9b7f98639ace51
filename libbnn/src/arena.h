/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The plan's part of the arena is filled front to back by one code path that runs twice: without memory to count it, then
 * with it. What the first pass counts is what the second one takes.
 */
#ifndef BNN_ARENA_H
#define BNN_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"
#include "team.h"

struct bnn_build {
    uint8_t *base; /* NULL in the counting pass */
    uint64_t used;
    const struct bnn_kernels *kernels; /* the plan's; in the counting pass a table like it */
    const struct bnn_team *team; /* of the op being bound; NULL in the counting pass */
    uint32_t workers;            /* in both passes */
    /* What the op being bound says about itself. */
    uint64_t scratch, shared;
    uint64_t macs;
    uint32_t weight_bytes;
    void (*note)(struct bnn_build *build, uint64_t at, uint64_t bytes); /* is told what bnn_take gives; NULL: nobody */
};

/* Next `count` elements of `size` bytes, aligned to BNN_ALIGNMENT; NULL in the counting pass. */
void *bnn_take(struct bnn_build *build, uint64_t count, size_t size);

/* Rounded up to BNN_ALIGNMENT. */
uint64_t bnn_align(uint64_t bytes);

/* Scratch of `bytes` for each worker, behind what the op has already asked for; returns its offset in the worker's own, a multiple
 * of BNN_ALIGNMENT. Offsets that do not fit are those of plans that are refused once they are counted. */
size_t bnn_scratch(struct bnn_build *build, uint64_t bytes);

/* The same of scratch that there is once for all workers: the offset in team->shared. */
size_t bnn_shared_scratch(struct bnn_build *build, uint64_t bytes);

#endif
