/* SPDX-License-Identifier: BSD-3-Clause
 *
 * softmax along one axis, with an exponential of its own: the same bits on every machine.
 */
#include "../ops.h"

#include "../port.h"

enum { AXIS = 0 }; /* attribute word */

struct softmax {
    const float *x;
    float *out;
    size_t outer, n, inner;
};

/* exp(x) for x <= 0 within 8.7e-8 of its value (1.04 units in the last place; the worst of all floats from -87 to 0); 0 below
 * -87 and for NaN. x = n ln 2 + r with |r| <= 0.35, where Taylor's series of degree 7 is off by less than 6e-9. */
static float exp_negative(float x)
{
    if (!(x > -87.0f)) {
        return 0.0f;
    }
    const int32_t n = (int32_t)(x * 1.44269504f - 0.5f);
    /* ln 2 in two parts, the first exact when multiplied by n. */
    const float r = (x - (float)n * 0.693359375f) - (float)n * -2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r;
    p = p + 1.0f;
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float power;
    bnn_memcpy(&power, &bits, sizeof power);
    return p * power;
}

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
    struct softmax *s = bnn_take(build, 1, sizeof *s);
    if (s != NULL) {
        *s = (struct softmax){(const float *)(const void *)x.data, (float *)(void *)out.memory, 1, x.dims[axis], 1};
        for (uint32_t d = 0; d < axis; d++) {
            s->outer *= x.dims[d];
        }
        for (uint32_t d = axis + 1; d < x.rank; d++) {
            s->inner *= x.dims[d];
        }
    }
    return s;
}

static void run(const void *state, uint8_t *scratch)
{
    (void)scratch;
    const struct softmax *s = state;
    for (size_t o = 0; o < s->outer * s->inner; o++) {
        const size_t at = o / s->inner * s->n * s->inner + o % s->inner;
        const float *x = s->x + at;
        float *out = s->out + at, max = x[0], sum = 0;
        for (size_t i = 1; i < s->n; i++) {
            max = x[i * s->inner] > max ? x[i * s->inner] : max;
        }
        for (size_t i = 0; i < s->n; i++) {
            out[i * s->inner] = exp_negative(x[i * s->inner] - max);
            sum += out[i * s->inner];
        }
        for (size_t i = 0; i < s->n; i++) {
            out[i * s->inner] /= sum;
        }
    }
}

const struct bnn_op_code bnn_op_softmax = {check, bind, run};
