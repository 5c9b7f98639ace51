/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bdense: binary dot products over a whole input. Its vectors lie in the order of the weights' vectors.
 */
#include "popcounts.h"

#include "../port.h"

#define SLAB_BLOCKS 16 /* blocks of 8 in a slab of 128 channels */

struct bdense {
    struct bnn_steps steps;
    struct bnn_popcounts popcounts;
    const uint8_t *x, *w;
    size_t wide, narrow; /* vectors of 16 bytes, of 8 bytes behind them */
    size_t block_bytes;
    uint64_t acc, rows, tile; /* offsets in scratch */
};

static bnn_status check(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_BITS, "x: must be BITS");
    BNN_REQUIRE(OPERAND, w.type == BNN_TYPE_W_XNOR, "w: must be W_XNOR");
    BNN_REQUIRE(OPERAND, w.dims[0] == 1 && bnn_same_dims(&x, 3, w.dims + 2), "w: must be [1, O, H, W, C] for x [H, W, C]");
    BNN_REQUIRE(OPERAND, bnn_elements(&x) <= 65534, "x: H * W * C must be at most 65534");
    const struct bnn_value value = {.pixels = 1, .channels = w.dims[1], .height = 1, .width = 1, .integer = 1};
    return bnn_steps_check(op, 2, &value, error);
}

static const void *bind(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    const size_t pixels = (size_t)x.dims[0] * x.dims[1], rest = x.dims[2] % 128;
    /* The whole input under one window. */
    const struct bnn_window window = {
        {.in = x.dims[0], .out = 1, .kernel = x.dims[0], .stride = 1, .dilation = 1},
        {.in = x.dims[1], .out = 1, .kernel = x.dims[1], .stride = 1, .dilation = 1},
    };
    const struct bnn_value value = {.pixels = 1, .channels = w.dims[1], .integer = 1};
    struct bdense *state = bnn_take(build, 1, sizeof *state);
    struct bdense s = {
        .x = x.data,
        .w = w.data,
        .wide = pixels * (x.dims[2] / 128 + (rest > 64)),
        .narrow = rest >= 1 && rest <= 64 ? pixels : 0,
        .block_bytes = (size_t)x.bytes * 8,
    };
    bnn_steps_bind(&s.steps, op, 2, &value, 1, build);
    bnn_popcounts_bind(&s.popcounts, &s.steps, &w, &window, 0, build);
    s.acc = bnn_scratch(build, SLAB_BLOCKS * 8 * sizeof(uint16_t));
    s.rows = bnn_scratch(build, BNN_POPCOUNTS_SCRATCH);
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = bnn_elements(&x) * w.dims[1];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    static const struct bnn_run pixel = {.pixels = 1};
    const struct bdense *s = state;
    const struct bnn_kernels *kernels = s->steps.kernels;
    const size_t blocks = (slab->channels + 7) / 8;
    const uint8_t *w = s->w + slab->channel / 8 * s->block_bytes;
    uint16_t *acc = (uint16_t *)(void *)(scratch + s->acc);
    bnn_memset(acc, 0, blocks * 8 * sizeof acc[0]);
    kernels->bdense128(acc, s->x, w, s->wide, blocks, s->block_bytes);
    kernels->bdense64(acc, s->x + s->wide * 16, w + s->wide * 128, s->narrow, blocks, s->block_bytes);
    struct bnn_target target = {.slab = slab, .rows = (float *)(void *)(scratch + s->rows)};
    target.place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &target.step);
    for (size_t b = 0; b < blocks; b++) {
        struct bnn_block block = bnn_block_at(slab, 8 * b, s->popcounts.outputs);
        bnn_popcounts_emit(&s->popcounts, &s->steps, &target, &block, &pixel, acc + 8 * b);
    }
    if (s->steps.floats) {
        bnn_steps_run(&s->steps, slab, target.place, target.step, target.place, target.step);
    }
}

static void run(const void *state, uint8_t *scratch)
{
    const struct bdense *s = state;
    if (s->steps.int_out != NULL) {
        bnn_memset(s->steps.int_out, 0, bnn_group_bytes((uint32_t)s->steps.channels));
    }
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_bdense = {check, bind, run};
