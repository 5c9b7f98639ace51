/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bdense: binary dot products over a whole input. Its vectors lie in the order of the weights' vectors.
 */
#include "states.h"

#include "../port.h"

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
    struct bnn_bdense_state *state = bnn_take(build, 1, sizeof *state);
    struct bnn_bdense_state s = {
        .x = x.data,
        .w = w.data,
        .wide = pixels * (x.dims[2] / 128 + (rest > 64)),
        .narrow = rest >= 1 && rest <= 64 ? pixels : 0,
        .block_bytes = (size_t)x.bytes * 8,
    };
    bnn_steps_bind(&s.steps, op, 2, &value, 1, build);
    s.steps.apart = 1;
    bnn_popcounts_bind(&s.popcounts, &s.steps, &w, &window, 0, build);
    s.acc = bnn_scratch(build, (uint64_t)s.popcounts.lanes * sizeof(uint16_t));
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = bnn_elements(&x) * w.dims[1];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

/* Accumulators of outputs [channel, channel + channels) and the rest of the last block. */
static void count(const struct bnn_bdense_state *s, uint16_t *acc, size_t channel, size_t channels)
{
    const struct bnn_kernels *kernels = s->steps.kernels;
    const size_t blocks = (channels + 7) / 8;
    const uint8_t *w = s->w + channel / 8 * s->block_bytes;
    kernels->acc_start(acc, s->popcounts.start, NULL, blocks);
    if (s->wide > 0) {
        kernels->bdense128(acc, s->x, w, s->wide, blocks, s->block_bytes);
    }
    if (s->narrow > 0) {
        kernels->bdense64(acc, s->x + s->wide * 16, w + s->wide * 128, s->narrow, blocks, s->block_bytes);
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_bdense_state *s = state;
    uint16_t *acc = (uint16_t *)(void *)(scratch + s->acc) + slab->channel;
    if (slab->fresh > 0) {
        count(s, acc, slab->channel, slab->fresh);
    }
    if (s->popcounts.limit != NULL) {
        const struct bnn_work work = {.popcounts = &s->popcounts, .steps = &s->steps, .slab = slab};
        for (size_t column = 0; column < slab->channels; column += 8) {
            struct bnn_block block = bnn_block_at(slab, column, s->popcounts.outputs);
            bnn_popcounts_emit_bits(&work, &block, acc + column, s->popcounts.odd[0], 0, 1);
        }
    }
    if (s->steps.floats) {
        size_t step;
        float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
        const struct bnn_acc_affine affine = {
            .mul = s->steps.mul + slab->channel, .add = s->steps.add + slab->channel, .odd = s->popcounts.odd[0]};
        s->steps.kernels->acc_affine_row(place, acc, &affine, slab->channels);
        bnn_steps_run(&s->steps, slab, place, step, place, step);
    }
}

void bnn_bdense_run(const void *state, uint8_t *scratch)
{
    const struct bnn_bdense_state *s = state;
    if (s->steps.int_out != NULL) {
        bnn_memset(s->steps.int_out, 0, bnn_group_bytes((uint32_t)s->steps.channels));
    } else if (s->steps.has_home && s->steps.count == 0 && s->steps.team->workers == 1) {
        const struct bnn_slab all = {.pixels = 1, .channels = s->steps.channels, .fresh = s->steps.channels};
        run_slab(s, &all, scratch); /* what is in its place and needs no packing need not come in groups of 128 */
        return;
    }
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_bdense = {BNN_CHECK(check), bind, bnn_bdense_run};
