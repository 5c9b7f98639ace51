/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include "bnn/bnn.h"

uint64_t bnn_align(uint64_t bytes)
{
    return (bytes + BNN_ALIGNMENT - 1) / BNN_ALIGNMENT * BNN_ALIGNMENT;
}

void *bnn_take(struct bnn_build *build, uint64_t count, size_t size)
{
    uint64_t at = build->used;
    build->used += bnn_align(count * size);
    if (build->note != NULL) {
        build->note(build, at, count * size);
    }
    return build->base == NULL ? NULL : build->base + at;
}

size_t bnn_scratch(struct bnn_build *build, uint64_t bytes)
{
    uint64_t at = build->scratch;
    build->scratch += bnn_align(bytes);
    return (size_t)at;
}

size_t bnn_shared_scratch(struct bnn_build *build, uint64_t bytes)
{
    uint64_t at = build->shared;
    build->shared += bnn_align(bytes);
    return (size_t)at;
}
