/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sizes: what the loader multiplies, and what the planner adds up.
 */
#include "any.h"

#include "arena.c"
#include "check_tables.c"
#include "error.c"
#include "ops.c"

/* Two numbers below 2^31 have their product; it does not overflow. */
void product(void)
{
    const uint64_t a = any(31), b = any(31);
    PROVE(times(a, b) <= (uint64_t)1 << 62, "at most 2^62");
}

/* A number of 2^31 or more, which no tensor may have, stays that large, whatever it is multiplied with. */
void product_too_large(void)
{
    const uint64_t a = (uint64_t)any(32) << 31 | any(31), b = (uint64_t)any(32) << 31 | any(31);
    ASSUME(a > BNN_DAB_MAX_BYTES || b > BNN_DAB_MAX_BYTES);
    PROVE(times(a, b) > BNN_DAB_MAX_BYTES, "still too large");
}

/* A pixel's bytes: no overflow, enough for all channels' bits, and not 16 bytes more than that. */
void group_bytes(void)
{
    const uint32_t channels = any(25);
    ASSUME(channels >= 1 && channels <= BNN_DAB_MAX_DIM);
    const uint32_t bytes = bnn_group_bytes(channels);
    PROVE(bytes >= (channels + 7) / 8 && bytes % 8 == 0, "whole words with all bits");
    PROVE(bytes < (channels + 7) / 8 + 16, "and no more");
}

/* A tensor of any type, rank and dims: nothing overflows. */
void type_bytes(void)
{
    uint32_t dims[6], rank = any(3);
    for (uint32_t i = 0; i < 6; i++) {
        dims[i] = any(25);
        ASSUME(dims[i] >= 1 && dims[i] <= BNN_DAB_MAX_DIM);
    }
    ASSUME(rank >= 1 && rank <= BNN_MAX_RANK);
    bnn_type_bytes(any(8), rank, dims);
}

/* The plan's memory grows by what is asked for, aligned, and the sums do not overflow: 2^48 bytes before, 2^40 bytes asked. */
void take(void)
{
    struct bnn_build build = {.base = NULL, .used = (uint64_t)any(32) << 16};
    ASSUME(build.used % BNN_ALIGNMENT == 0);
    const uint64_t before = build.used, count = any(32), size = any(8);
    const void *taken = bnn_take(&build, count, (size_t)size);
    PROVE(taken == NULL, "nothing is given while memory is counted");
    PROVE(build.used % BNN_ALIGNMENT == 0, "aligned");
    PROVE(build.used >= before && build.used - before < ((uint64_t)1 << 40) + BNN_ALIGNMENT, "no overflow");
}

/* The same, exactly, where the elements are bytes: room for all, and less than 64 bytes more. */
void take_bytes(void)
{
    struct bnn_build build = {.base = NULL, .used = (uint64_t)any(32) << 16};
    ASSUME(build.used % BNN_ALIGNMENT == 0);
    const uint64_t before = build.used, count = (uint64_t)any(32) << 8 | any(8);
    bnn_take(&build, count, 1);
    PROVE(build.used - before >= count && build.used - before < count + BNN_ALIGNMENT, "room, and no more");
}

/* Scratch memory of an op lies behind what the op has asked for before. */
void scratch(void)
{
    struct bnn_build build = {.scratch = (uint64_t)any(32) << 16, .shared = (uint64_t)any(32) << 16};
    ASSUME(build.scratch % BNN_ALIGNMENT == 0 && build.shared % BNN_ALIGNMENT == 0);
    const struct bnn_build before = build;
    const uint64_t bytes = (uint64_t)any(32) << 8 | any(8), own = bnn_scratch(&build, bytes);
    const uint64_t shared = bnn_shared_scratch(&build, bytes);
    PROVE(own == before.scratch && build.scratch - own >= bytes, "own");
    PROVE(shared == before.shared && build.shared - shared >= bytes, "shared");
    PROVE(build.scratch % BNN_ALIGNMENT == 0 && build.shared % BNN_ALIGNMENT == 0, "aligned");
}
