/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bdense: binary dot products over a whole input. Its vectors lie in the order of the weights' vectors, and there is one pixel:
 * what follows the popcounts is a loop over outputs.
 */
#include "popcounts.h"

#include "../port.h"

#define SLAB_CHANNELS 128

struct bdense {
    struct bnn_steps steps;
    const uint8_t *x, *w;
    size_t wide, narrow; /* vectors of 16 bytes, of 8 bytes behind them */
    size_t block_bytes;
    int32_t elements;
    const uint16_t *limit; /* of the popcounts, for EMIT_INT; 65535 behind the last output */
    uint64_t acc, tile;    /* offsets in scratch */
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

static const uint16_t *take_limits(const struct bdense *s, struct bnn_build *build)
{
    const size_t lanes = (s->steps.channels + 7) / 8 * 8;
    uint16_t *limit = bnn_take(build, lanes, sizeof *limit);
    for (size_t i = 0; limit != NULL && i < lanes; i++) {
        limit[i] = i < s->steps.channels ? bnn_popcount_limit(s->elements, s->steps.int_threshold[i]) : 65535;
    }
    return limit;
}

static const void *bind(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    const size_t pixels = (size_t)x.dims[0] * x.dims[1], rest = x.dims[2] % 128;
    const struct bnn_value value = {.pixels = 1, .channels = w.dims[1], .integer = 1};
    struct bdense *state = bnn_take(build, 1, sizeof *state);
    struct bdense s = {
        .x = x.data,
        .w = w.data,
        .wide = pixels * (x.dims[2] / 128 + (rest > 64)),
        .narrow = rest >= 1 && rest <= 64 ? pixels : 0,
        .block_bytes = (size_t)x.bytes * 8,
        .elements = (int32_t)bnn_elements(&x),
    };
    bnn_steps_bind(&s.steps, op, 2, &value, 1, build);
    s.limit = s.steps.int_threshold != NULL ? take_limits(&s, build) : NULL;
    s.acc = bnn_scratch(build, SLAB_CHANNELS * sizeof(uint16_t));
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = bnn_elements(&x) * w.dims[1];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

/* Bits of a slab: each block of 8 outputs is one bit of 8 bytes. */
static void emit_bits(const struct bdense *s, const struct bnn_slab *slab, const uint16_t *acc)
{
    size_t size;
    uint8_t *out = s->steps.int_out + bnn_slab_bits(slab, 1, &size);
    const uint16_t *limit = s->limit + slab->channel;
    bnn_memset(out, 0, size);
    for (uint32_t c = 0; c < slab->channels; c += 8) {
        uint8_t *to = out + bnn_bit_byte(c, (uint32_t)size);
        const uint32_t shift = bnn_bit_shift(c, (uint32_t)size);
        for (size_t j = 0; j < 8; j++) {
            to[j] |= (uint8_t)((acc[c + j] >= limit[c + j]) << shift);
        }
    }
}

/* Floats of a slab, through the AFFINE that follows if there is one. */
static void emit_floats(const struct bdense *s, const struct bnn_slab *slab, const uint16_t *acc, float *out)
{
    const int32_t elements = s->elements;
    if (s->steps.mul == NULL) {
        for (size_t c = 0; c < slab->channels; c++) {
            out[c] = (float)(elements - 2 * acc[c]);
        }
        return;
    }
    const float *mul = s->steps.mul + slab->channel, *add = s->steps.add + slab->channel;
    for (size_t c = 0; c < slab->channels; c++) {
        out[c] = (float)(elements - 2 * acc[c]) * mul[c] + add[c];
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bdense *s = state;
    const struct bnn_kernels *kernels = s->steps.kernels;
    const size_t blocks = (slab->channels + 7) / 8;
    const uint8_t *w = s->w + slab->channel / 8 * s->block_bytes;
    uint16_t *acc = (uint16_t *)(void *)(scratch + s->acc);
    bnn_memset(acc, 0, blocks * 8 * sizeof acc[0]);
    if (s->wide > 0) {
        kernels->bdense128(acc, s->x, w, s->wide, blocks, s->block_bytes);
    }
    if (s->narrow > 0) {
        kernels->bdense64(acc, s->x + s->wide * 16, w + s->wide * 128, s->narrow, blocks, s->block_bytes);
    }
    if (s->limit != NULL) {
        emit_bits(s, slab, acc);
    }
    if (s->steps.floats) {
        size_t step;
        float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
        emit_floats(s, slab, acc, place);
        bnn_steps_run(&s->steps, slab, place, step, place, step);
    }
}

static void run(const void *state, uint8_t *scratch)
{
    const struct bdense *s = state;
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_bdense = {check, bind, run};
