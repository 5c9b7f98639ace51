/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pointwise: a program of steps alone, on floats, on signs as +1.0 and -1.0, or on 8-bit numbers.
 */
#include "states.h"

static struct bnn_value value_of(const struct bnn_view *x)
{
    uint32_t channels = x->dims[x->rank - 1];
    return (struct bnn_value){
        .pixels = bnn_elements(x) / channels,
        .channels = channels,
        .may_be_minus_zero = 1,
    };
}

static bnn_status check(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_F32 || x.type == BNN_TYPE_BITS || x.type == BNN_TYPE_I8,
                "x: must be F32, BITS or I8");
    struct bnn_value value = value_of(&x);
    return bnn_steps_check(op, 1, &value, error);
}

static const void *bind(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0);
    struct bnn_value value = value_of(&x);
    struct bnn_pointwise_state *state = bnn_take(build, 1, sizeof *state), s = {0};
    s.bits = x.type == BNN_TYPE_BITS ? x.data : NULL;
    s.bytes = x.type == BNN_TYPE_I8 ? (const int8_t *)x.data : NULL;
    s.floats = x.type == BNN_TYPE_F32 ? (const float *)(const void *)x.data : NULL;
    bnn_steps_bind(&s.steps, op, 1, &value, BNN_RUN, build);
    s.steps.apart = 1;
    bnn_scratch(build, bnn_steps_tile(&s.steps));
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_pointwise_state *s = state;
    size_t step, bits_step, v_step = s->steps.channels * sizeof(float);
    float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)scratch, &step);
    const float *v = place;
    if (s->bits != NULL) {
        const uint8_t *bits = s->bits + bnn_slab_bits(slab, s->steps.pixels, &bits_step);
        s->steps.kernels->unpack(place, bits, slab->pixels, step, slab->channels);
        v_step = step;
    } else if (s->bytes != NULL) {
        const struct bnn_tile tile = {slab->pixels, slab->channels, step, s->steps.channels};
        s->steps.kernels->unpack_i8(place, s->bytes + slab->pixel * s->steps.channels + slab->channel, &tile);
        v_step = step;
    } else {
        v = s->floats + slab->pixel * s->steps.channels + slab->channel;
    }
    bnn_steps_run(&s->steps, slab, v, v_step, place, step);
}

void bnn_pointwise_run(const void *state, uint8_t *scratch)
{
    const struct bnn_pointwise_state *s = state;
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_pointwise = {BNN_CHECK(check), bind, bnn_pointwise_run};
