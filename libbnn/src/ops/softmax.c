/* SPDX-License-Identifier: BSD-3-Clause
 *
 * softmax along one axis.
 */
#include "states.h"

#include "../exp.h"

enum { AXIS = 0 }; /* attribute word */

static bnn_status check(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_F32, "x: must be F32");
    BNN_REQUIRE(OPERAND, out.type == BNN_TYPE_F32 && bnn_same_dims(&out, x.rank, x.dims), "output: must be F32 of x's dims");
    BNN_REQUIRE(ATTRIBUTE, bnn_op_attribute_word(op, AXIS) < x.rank, "axis: must be below the rank");
    return BNN_OK;
}

static const void *bind(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    const uint32_t axis = bnn_op_attribute_word(op, AXIS);
    struct bnn_softmax_state *s = bnn_take(build, 1, sizeof *s);
    if (s != NULL) {
        *s = (struct bnn_softmax_state){(const float *)(const void *)x.data, (float *)(void *)out.memory, 1, x.dims[axis], 1};
        for (uint32_t d = 0; d < axis; d++) {
            s->outer *= x.dims[d];
        }
        for (uint32_t d = axis + 1; d < x.rank; d++) {
            s->inner *= x.dims[d];
        }
    }
    return s;
}

void bnn_softmax_run(const void *state, uint8_t *scratch)
{
    (void)scratch;
    const struct bnn_softmax_state *s = state;
    for (size_t o = 0; o < s->outer * s->inner; o++) {
        const size_t at = o / s->inner * s->n * s->inner + o % s->inner;
        const float *x = s->x + at;
        float *out = s->out + at, max = x[0], sum = 0;
        for (size_t i = 1; i < s->n; i++) {
            max = x[i * s->inner] > max ? x[i * s->inner] : max;
        }
        for (size_t i = 0; i < s->n; i++) {
            out[i * s->inner] = bnn_exp(x[i * s->inner] - max);
            sum += out[i * s->inner];
        }
        for (size_t i = 0; i < s->n; i++) {
            out[i * s->inner] /= sum;
        }
    }
}

const struct bnn_op_code bnn_op_softmax = {BNN_CHECK(check), bind, bnn_softmax_run};
