/* SPDX-License-Identifier: BSD-3-Clause
 *
 * maxpool2d, avgpool2d and bmaxpool2d: windows over taps inside the input. Of floats a kernel gets a run of windows that have the
 * same taps.
 */
#include "states.h"

#include "../port.h"

enum { KERNEL = 0, STRIDE = 2, COUNT_PAD = 10 }; /* attribute words */

static void kernel_of(const struct bnn_op *op, uint32_t kernel[2])
{
    kernel[0] = bnn_op_attribute_word(op, KERNEL);
    kernel[1] = bnn_op_attribute_word(op, KERNEL + 1);
}

static bnn_status check_pool(const struct bnn_op *op, bnn_type type, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    BNN_REQUIRE(OPERAND, x.type == type && x.rank == 3, "x: wrong type, or not [H, W, C]");
    uint32_t kernel[2];
    kernel_of(op, kernel);
    bnn_status status = bnn_window_check(op, STRIDE, x.dims, kernel, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_window window = bnn_window_of(op, STRIDE, x.dims, kernel);
    BNN_REQUIRE(ATTRIBUTE, bnn_axis_has_taps(&window.y) && bnn_axis_has_taps(&window.x),
                "pads, dilations: every window needs a tap inside x");
    const uint32_t dims[3] = {window.y.out, window.x.out, x.dims[2]};
    BNN_REQUIRE(OPERAND, out.type == type && bnn_same_dims(&out, 3, dims), "output: wrong type or dims");
    return BNN_OK;
}

static bnn_status check_max(const struct bnn_op *op, bnn_error *error)
{
    return check_pool(op, BNN_TYPE_F32, error);
}

static bnn_status check_average(const struct bnn_op *op, bnn_error *error)
{
    BNN_REQUIRE(ATTRIBUTE, bnn_op_attribute(op, STRIDE + 2) == 1 && bnn_op_attribute(op, STRIDE + 3) == 1,
                "dilation: must be 1 for avgpool2d");
    BNN_REQUIRE(ATTRIBUTE, bnn_op_attribute_word(op, COUNT_PAD) <= 1, "count_pad: must be 0 or 1");
    return check_pool(op, BNN_TYPE_F32, error);
}

static bnn_status check_bits(const struct bnn_op *op, bnn_error *error)
{
    bnn_status status = check_pool(op, BNN_TYPE_BITS, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_view x = bnn_op_input(op, 0), flip = bnn_op_input(op, 1);
    BNN_REQUIRE(OPERAND, flip.type == BNN_TYPE_U8 && flip.constant && bnn_same_dims(&flip, 1, x.dims + 2),
                "flip: must be a constant U8[C]");
    return BNN_OK;
}

static const void *bind(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), out = bnn_op_output(op, 0);
    uint32_t kernel[2];
    kernel_of(op, kernel);
    struct bnn_pool_state *state = bnn_take(build, 1, sizeof *state);
    const struct bnn_window window = bnn_window_of(op, STRIDE, x.dims, kernel);
    const struct bnn_spans y_spans = bnn_take_spans(&window.y, build), x_spans = bnn_take_spans(&window.x, build);
    const uint8_t *flips = NULL;
    size_t row = 0;
    if (x.type == BNN_TYPE_BITS) {
        flips = bnn_pack_flips(bnn_op_input(op, 1).data, x.dims[2], build);
        row = bnn_scratch(build, (uint64_t)x.dims[1] * bnn_group_size(x.dims[2]));
    }
    if (state != NULL) {
        *state = (struct bnn_pool_state){
            .kernels = build->kernels,
            .team = build->team,
            .window = window,
            .y_spans = y_spans,
            .x_spans = x_spans,
            .x = x.data,
            .out = out.memory,
            .channels = x.dims[2],
            .count_pad = op->kind->words > COUNT_PAD && bnn_op_attribute_word(op, COUNT_PAD) != 0,
            .flips = flips,
            .row = row,
        };
    }
    return state;
}

/* Rows of the output are the parts of the work. */
typedef void window_fn(float *out, const float *x, const struct bnn_pool *p, size_t pixels);

struct floats {
    const struct bnn_pool_state *pool;
    window_fn *kernel;
};

static void run_float_row(const void *job, uint32_t oy, uint8_t *scratch)
{
    (void)scratch;
    const struct floats *floats = job;
    const struct bnn_pool_state *s = floats->pool;
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    const struct bnn_span *y = bnn_span_of(&s->y_spans, oy);
    const size_t pixel = s->channels * sizeof(float);
    struct bnn_pool p = {
        .rows = y->tap_end - y->tap,
        .row_step = pixel * ay->dilation * ax->in,
        .tap_step = ax->dilation * pixel,
        .channels = s->channels,
        .pixel_step = ax->stride * pixel,
        .out_step = pixel,
    };
    const uint8_t *row = s->x + (size_t)bnn_tap(ay, oy, y->tap) * ax->in * pixel;
    uint8_t *out = s->out + (size_t)oy * ax->out * pixel;
    for (uint32_t i = 0; i < s->x_spans.count; i++) {
        const struct bnn_span *x = &s->x_spans.span[i];
        p.taps = x->tap_end - x->tap;
        p.count = s->count_pad ? (size_t)ay->kernel * ax->kernel : p.rows * p.taps;
        floats->kernel((float *)(void *)(out + x->begin * pixel),
                       (const float *)(const void *)(row + (size_t)bnn_tap(ax, x->begin, x->tap) * pixel), &p,
                       x->end - x->begin);
    }
}

void bnn_maxpool2d_run(const void *state, uint8_t *scratch)
{
    const struct bnn_pool_state *s = state;
    const struct floats floats = {s, s->kernels->pool_max};
    bnn_share(s->team, run_float_row, &floats, s->window.y.out, scratch);
}

void bnn_avgpool2d_run(const void *state, uint8_t *scratch)
{
    const struct bnn_pool_state *s = state;
    const struct floats floats = {s, s->kernels->pool_average};
    bnn_share(s->team, run_float_row, &floats, s->window.y.out, scratch);
}

/* Bits of a channel group: a plane of pixels of `size` bytes. */
struct plane {
    const struct bnn_pool_state *pool;
    uint8_t *out;
    const uint8_t *x;
    size_t size;
    const uint8_t *flips;
};

/* The maximum of taps that lie `step` apart, as bits: `size` is a multiple of 8. */
static void max_taps(uint8_t *out, const uint8_t *x, size_t taps, size_t step, const struct plane *plane)
{
    for (size_t i = 0; i < plane->size; i += sizeof(uint64_t)) {
        uint64_t all = UINT64_MAX, bits;
        for (size_t t = 0; t < taps; t++) {
            bnn_memcpy(&bits, x + t * step + i, sizeof bits);
            all &= bits;
        }
        bnn_memcpy(&bits, plane->flips + i, sizeof bits);
        all ^= bits;
        bnn_memcpy(out + i, &all, sizeof all);
    }
}

/* The rows of the windows become one, and windows are then of that. */
static void run_bits_row(const void *job, uint32_t oy, uint8_t *scratch)
{
    const struct plane *plane = job;
    const struct bnn_pool_state *s = plane->pool;
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    const struct bnn_span *ys = bnn_span_of(&s->y_spans, oy);
    const size_t size = plane->size, bytes = ax->in * size;
    uint8_t *row = scratch + s->row, *out = plane->out + (size_t)oy * ax->out * size;
    bnn_memcpy(row, plane->x + (size_t)bnn_tap(ay, oy, ys->tap) * bytes, bytes);
    for (uint32_t ky = ys->tap + 1; ky < ys->tap_end; ky++) {
        s->kernels->max_bits(row, plane->x + (size_t)bnn_tap(ay, oy, ky) * bytes, bytes);
    }
    for (uint32_t ox = 0; ox < ax->out; ox++, out += size) {
        const struct bnn_span *xs = bnn_span_of(&s->x_spans, ox);
        max_taps(out, row + (size_t)bnn_tap(ax, ox, xs->tap) * size, xs->tap_end - xs->tap, ax->dilation * size, plane);
    }
}

void bnn_bmaxpool2d_run(const void *state, uint8_t *scratch)
{
    const struct bnn_pool_state *s = state;
    const size_t in = (size_t)s->window.y.in * s->window.x.in, out = (size_t)s->window.y.out * s->window.x.out;
    for (uint32_t c = 0; c < s->channels; c += 128) {
        const size_t before = c / 8, size = bnn_group_size(s->channels - c);
        const struct plane plane = {s, s->out + before * out, s->x + before * in, size, s->flips + before};
        bnn_share(s->team, run_bits_row, &plane, s->window.y.out, scratch);
    }
}

const struct bnn_op_code bnn_op_maxpool2d = {BNN_CHECK(check_max), bind, bnn_maxpool2d_run};
const struct bnn_op_code bnn_op_avgpool2d = {BNN_CHECK(check_average), bind, bnn_avgpool2d_run};
const struct bnn_op_code bnn_op_bmaxpool2d = {BNN_CHECK(check_bits), bind, bnn_bmaxpool2d_run};
