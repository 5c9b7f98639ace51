/* SPDX-License-Identifier: BSD-3-Clause
 *
 * concat, transpose, reshape, pad and slice: all are strided copies of floats.
 */
#include "states.h"

#include "../port.h"

enum { AXIS = 0 };                               /* words of concat */
enum { RANK = 0, DIMS = 1, PERM = 7 };           /* of transpose */
enum { BEFORE = 0, AFTER = 6, VALUE = 12 };      /* of pad */
enum { START = 0, STEP = 6 };                    /* of slice */

/* The two inner axes, from an element of x and one of the output on. A step back is no size for kernels, and no offset for a
 * pointer: it is added to an index, modulo, before that becomes an address. */
static void run_plane(const struct bnn_kernels *kernels, const struct bnn_copy *c, size_t in_at, size_t out_at)
{
    const size_t *dims = c->dims + c->rank - 2, *in = c->in_step + c->rank - 2, *to = c->out_step + c->rank - 2;
    const float *x = c->in;
    float *out = c->out;
    if (in[1] == 1 && to[1] == 1 && in[0] <= PTRDIFF_MAX / sizeof *x) {
        const struct bnn_tile rows = {dims[0], dims[1], to[0] * sizeof *out, in[0] * sizeof *x};
        kernels->copy_f32(out + out_at, x + in_at, &rows);
    } else if (in[0] == 1 && to[1] == 1 && in[1] <= PTRDIFF_MAX / sizeof *x) {
        const struct bnn_tile columns = {dims[0], dims[1], to[0] * sizeof *out, in[1] * sizeof *x};
        kernels->transpose_f32(out + out_at, x + in_at, &columns);
    } else {
        for (size_t i = 0; i < dims[0]; i++) {
            for (size_t j = 0; j < dims[1]; j++) {
                out[out_at + i * to[0] + j * to[1]] = x[in_at + i * in[0] + j * in[1]];
            }
        }
    }
}

static void run_copy(const struct bnn_kernels *kernels, const struct bnn_copy *c)
{
    size_t index[BNN_MAX_RANK] = {0}, in = c->in_at, out = c->out_at;
    for (;;) { /* at most as often as the outer axes have indices */
        run_plane(kernels, c, in, out);
        uint32_t d = c->rank - 2;
        for (;;) { /* at most once for each outer axis */
            if (d-- == 0) {
                return;
            }
            in += c->in_step[d];
            out += c->out_step[d];
            if (++index[d] < c->dims[d]) {
                break;
            }
            in -= c->in_step[d] * c->dims[d];
            out -= c->out_step[d] * c->dims[d];
            index[d] = 0;
        }
    }
}

void bnn_copies_run(const void *state, uint8_t *scratch)
{
    (void)scratch;
    const struct bnn_copies_state *s = state;
    for (size_t i = 0; i < s->fill; i++) {
        s->copy[0].out[i] = s->value;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        run_copy(s->kernels, &s->copy[i]);
    }
}

/* Elements from index to index of each axis of a dense tensor. */
static void dense_steps(size_t *steps, uint32_t rank, const uint32_t *dims)
{
    size_t step = 1;
    for (uint32_t d = rank; d-- > 0;) {
        steps[d] = step;
        step *= dims[d];
    }
}

/* A dense copy of x into a dense output of `out_dims`, for bind to adjust. */
static struct bnn_copy copy_of(const struct bnn_view *x, const struct bnn_view *out, const uint32_t *out_dims)
{
    struct bnn_copy c = {.in = (const float *)(const void *)x->data, .out = (float *)(void *)out->memory, .rank = x->rank};
    for (uint32_t d = 0; d < x->rank; d++) {
        c.dims[d] = x->dims[d];
    }
    dense_steps(c.in_step, x->rank, x->dims);
    dense_steps(c.out_step, x->rank, out_dims);
    return c;
}

/* Axes that follow one another in both tensors are one: longer inner loops. */
static void merge_axes(struct bnn_copy *c)
{
    for (uint32_t d = c->rank - 1; d-- > 0;) {
        if (c->in_step[d] == c->in_step[d + 1] * c->dims[d + 1] && c->out_step[d] == c->out_step[d + 1] * c->dims[d + 1]) {
            c->dims[d] *= c->dims[d + 1];
            c->in_step[d] = c->in_step[d + 1];
            c->out_step[d] = c->out_step[d + 1];
            for (uint32_t e = d + 1; e + 1 < c->rank; e++) {
                c->dims[e] = c->dims[e + 1];
                c->in_step[e] = c->in_step[e + 1];
                c->out_step[e] = c->out_step[e + 1];
            }
            c->rank--;
        }
    }
}

static void swap(size_t *axes, uint32_t a, uint32_t b)
{
    const size_t old = axes[a];
    axes[a] = axes[b];
    axes[b] = old;
}

static void swap_axes(struct bnn_copy *c, uint32_t a, uint32_t b)
{
    swap(c->dims, a, b);
    swap(c->in_step, a, b);
    swap(c->out_step, a, b);
}

/* Makes two inner axes for the kernels: the last one, along which the output lies, and that along which x does, if it is another. */
static void choose_plane(struct bnn_copy *c)
{
    if (c->rank == 1) {
        c->rank = 2;
        c->dims[1] = c->in_step[1] = c->out_step[1] = 1;
        swap_axes(c, 0, 1);
    }
    for (uint32_t d = 0; d + 2 < c->rank && c->in_step[c->rank - 1] != 1; d++) {
        if (c->in_step[d] == 1) {
            swap_axes(c, d, c->rank - 2);
        }
    }
}

static struct bnn_copies_state *take(struct bnn_build *build, struct bnn_copy **copy, uint32_t count)
{
    struct bnn_copies_state *s = bnn_take(build, 1, sizeof *s);
    *copy = bnn_take(build, count, sizeof **copy);
    if (s != NULL) {
        *s = (struct bnn_copies_state){.kernels = build->kernels, .count = count, .copy = *copy};
    }
    return s;
}

static const void *take_one(struct bnn_build *build, struct bnn_copy c)
{
    struct bnn_copy *copy;
    struct bnn_copies_state *s = take(build, &copy, 1);
    merge_axes(&c);
    choose_plane(&c);
    if (s != NULL) {
        *copy = c;
    }
    return s;
}

static bnn_status check_f32(const struct bnn_op *op, bnn_error *error)
{
    for (uint32_t i = 0; i < op->inputs; i++) {
        BNN_REQUIRE(OPERAND, bnn_op_input(op, i).type == BNN_TYPE_F32, "x: must be F32");
    }
    BNN_REQUIRE(OPERAND, bnn_op_output(op, 0).type == BNN_TYPE_F32, "output: must be F32");
    return BNN_OK;
}

/* --- concat --- */

static bnn_status check_concat(const struct bnn_op *op, bnn_error *error)
{
    bnn_status status = check_f32(op, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_view sum = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    const uint32_t axis = bnn_op_attribute_word(op, AXIS);
    BNN_REQUIRE(ATTRIBUTE, axis < sum.rank, "axis: must be below the rank");
    for (uint32_t i = 1; i < op->inputs; i++) {
        struct bnn_view x = bnn_op_input(op, i);
        const uint32_t extent = x.dims[axis];
        sum.dims[axis] += extent;
        x.dims[axis] = sum.dims[axis];
        BNN_REQUIRE(OPERAND, bnn_same_dims(&x, sum.rank, sum.dims), "inputs: must be of equal dims but for the axis");
    }
    BNN_REQUIRE(OPERAND, bnn_same_dims(&out, sum.rank, sum.dims), "output: wrong dims");
    return BNN_OK;
}

static const void *bind_concat(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view out = bnn_op_output(op, 0);
    const uint32_t axis = bnn_op_attribute_word(op, AXIS);
    struct bnn_copy *copy;
    struct bnn_copies_state *s = take(build, &copy, op->inputs);
    size_t at = 0;
    for (uint32_t i = 0; s != NULL && i < op->inputs; i++) {
        struct bnn_view x = bnn_op_input(op, i);
        copy[i] = copy_of(&x, &out, out.dims);
        copy[i].out_at = at * copy[i].out_step[axis];
        at += x.dims[axis];
        merge_axes(&copy[i]);
        choose_plane(&copy[i]);
    }
    return s;
}

/* --- transpose --- */

static bnn_status check_transpose(const struct bnn_op *op, bnn_error *error)
{
    bnn_status status = check_f32(op, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    const uint32_t rank = bnn_op_attribute_word(op, RANK);
    BNN_REQUIRE(ATTRIBUTE, rank >= 1 && rank <= BNN_MAX_RANK, "rank: must be 1..6");
    const uint64_t elements = bnn_elements(&x);
    uint64_t product = 1;
    uint32_t seen = 0;
    for (uint32_t d = 0; d < BNN_MAX_RANK; d++) {
        const uint32_t dim = bnn_op_attribute_word(op, DIMS + d), axis = bnn_op_attribute_word(op, PERM + d);
        if (d < rank) {
            BNN_REQUIRE(ATTRIBUTE, dim >= 1 && dim <= elements && product <= elements, "dims: must be x's elements");
            BNN_REQUIRE(ATTRIBUTE, axis < rank && (seen >> axis & 1) == 0, "perm: must name each axis once");
            product *= dim;
            seen |= 1u << axis;
        } else {
            BNN_REQUIRE(ATTRIBUTE, dim == 0 && axis == 0, "dims, perm: must be zero beyond the rank");
        }
    }
    BNN_REQUIRE(ATTRIBUTE, product == elements, "dims: must be x's elements");
    BNN_REQUIRE(OPERAND, bnn_elements(&out) == elements, "output: wrong number of elements");
    return BNN_OK;
}

static const void *bind_transpose(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    uint32_t out_dims[BNN_MAX_RANK] = {0};
    x.rank = bnn_op_attribute_word(op, RANK);
    for (uint32_t d = 0; d < x.rank; d++) {
        x.dims[d] = bnn_op_attribute_word(op, DIMS + d);
        out_dims[d] = bnn_op_attribute_word(op, DIMS + bnn_op_attribute_word(op, PERM + d));
    }
    struct bnn_copy from = copy_of(&x, &out, out_dims), c = from;
    for (uint32_t d = 0; d < x.rank; d++) {
        const uint32_t axis = bnn_op_attribute_word(op, PERM + d);
        c.dims[d] = from.dims[axis];
        c.in_step[d] = from.in_step[axis];
    }
    return take_one(build, c);
}

/* --- reshape --- */

static bnn_status check_reshape(const struct bnn_op *op, bnn_error *error)
{
    bnn_status status = check_f32(op, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    BNN_REQUIRE(OPERAND, bnn_elements(&x) == bnn_elements(&out), "output: wrong number of elements");
    return BNN_OK;
}

static const void *bind_reshape(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    return take_one(build, copy_of(&x, &out, x.dims));
}

/* --- pad --- */

static bnn_status check_pad(const struct bnn_op *op, bnn_error *error)
{
    bnn_status status = check_f32(op, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    const uint32_t value = bnn_op_attribute_word(op, VALUE), magnitude = value & 0x7fffffffu;
    BNN_REQUIRE(ATTRIBUTE, value == 0 || (magnitude >= 0x00800000u && magnitude <= 0x7f800000u),
                "value: must not be NaN, -0.0 or denormal");
    for (uint32_t d = 0; d < BNN_MAX_RANK; d++) {
        const uint32_t before = bnn_op_attribute_word(op, BEFORE + d), after = bnn_op_attribute_word(op, AFTER + d);
        const uint32_t most = d < x.rank ? BNN_DAB_MAX_DIM : 0;
        BNN_REQUIRE(ATTRIBUTE, before <= most && after <= most, "before, after: must be 0..2^24, and 0 beyond the rank");
        x.dims[d] += before + after;
    }
    BNN_REQUIRE(OPERAND, bnn_same_dims(&out, x.rank, x.dims), "output: wrong dims");
    return BNN_OK;
}

static const void *bind_pad(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    const uint32_t word = bnn_op_attribute_word(op, VALUE);
    struct bnn_copy *copy, c = copy_of(&x, &out, out.dims);
    struct bnn_copies_state *s = take(build, &copy, 1);
    for (uint32_t d = 0; d < x.rank; d++) {
        c.out_at += bnn_op_attribute_word(op, BEFORE + d) * c.out_step[d];
    }
    merge_axes(&c);
    choose_plane(&c);
    if (s != NULL) {
        *copy = c;
        s->fill = (size_t)bnn_elements(&out);
        bnn_memcpy(&s->value, &word, sizeof word);
    }
    return s;
}

/* --- slice --- */

static bnn_status check_slice(const struct bnn_op *op, bnn_error *error)
{
    bnn_status status = check_f32(op, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    for (uint32_t d = 0; d < BNN_MAX_RANK; d++) {
        const int32_t start = bnn_op_attribute(op, START + d), step = bnn_op_attribute(op, STEP + d);
        const int32_t most = d < x.rank ? (int32_t)BNN_DAB_MAX_DIM : 0;
        BNN_REQUIRE(ATTRIBUTE, start >= 0 && start <= most && step >= -most && step <= most,
                    "start, step: must be 0..2^24 and -2^24..2^24, and 0 beyond the rank");
    }
    BNN_REQUIRE(OPERAND, out.rank == x.rank, "output: wrong rank");
    for (uint32_t d = 0; d < x.rank; d++) {
        const int64_t first = bnn_op_attribute(op, START + d);
        const int64_t last = first + (int64_t)(out.dims[d] - 1) * bnn_op_attribute(op, STEP + d);
        BNN_REQUIRE(OPERAND, first < x.dims[d] && last >= 0 && last < x.dims[d], "output: takes more than x has");
    }
    return BNN_OK;
}

static const void *bind_slice(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    struct bnn_copy c = copy_of(&x, &out, out.dims);
    for (uint32_t d = 0; d < x.rank; d++) {
        c.in_at += bnn_op_attribute_word(op, START + d) * c.in_step[d];
        c.in_step[d] *= (size_t)bnn_op_attribute(op, STEP + d); /* a negative one wraps around, as sums with it do */
        c.dims[d] = out.dims[d];
    }
    return take_one(build, c);
}

const struct bnn_op_code bnn_op_concat = {BNN_CHECK(check_concat), bind_concat, bnn_copies_run};
const struct bnn_op_code bnn_op_transpose = {BNN_CHECK(check_transpose), bind_transpose, bnn_copies_run};
const struct bnn_op_code bnn_op_reshape = {BNN_CHECK(check_reshape), bind_reshape, bnn_copies_run};
const struct bnn_op_code bnn_op_pad = {BNN_CHECK(check_pad), bind_pad, bnn_copies_run};
const struct bnn_op_code bnn_op_slice = {BNN_CHECK(check_slice), bind_slice, bnn_copies_run};
