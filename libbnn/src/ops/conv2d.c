/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conv2d and dense: float input, float or binary weights. Padding is zero, so taps outside the input are left out: pixels
 * with the same taps inside share a kernel call, and nothing is copied. dense is the convolution of one pixel.
 */
#include "blocks.h"
#include "geometry.h"

#include "../port.h"

enum { STRIDE = 0 }; /* attribute word */

struct conv {
    struct bnn_steps steps;
    struct bnn_window window;
    struct bnn_spans y_spans, x_spans;
    const float *x;
    const uint8_t *w;
    int binary;
    size_t outputs, blocks;     /* per convolution group */
    size_t channels;            /* per convolution group */
    size_t pixel_floats;        /* of x: groups x channels */
    const struct bnn_row *rows; /* kernel rows of full blocks, then of the last block */
    uint64_t acc, tile;         /* offsets in scratch */
};

static struct bnn_window one_pixel(void)
{
    const struct bnn_axis axis = {.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1};
    return (struct bnn_window){axis, axis};
}

static bnn_status check_types(const struct bnn_op *op, const struct bnn_view *x, const struct bnn_view *w, bnn_error *error)
{
    BNN_REQUIRE(OPERAND, x->type == BNN_TYPE_F32, "x: must be F32");
    BNN_REQUIRE(OPERAND, w->type == BNN_TYPE_W_F32 || w->type == BNN_TYPE_W_SIGN, "w: must be W_F32 or W_SIGN");
    return BNN_OK;
}

static bnn_status check_conv2d(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    bnn_status status = check_types(op, &x, &w, error);
    if (status != BNN_OK) {
        return status;
    }
    BNN_REQUIRE(OPERAND, x.rank == 3, "x: must be [H, W, C]");
    BNN_REQUIRE(OPERAND, x.dims[2] == (uint64_t)w.dims[0] * w.dims[4], "x: its channels must be groups x channels of w");
    status = bnn_window_check(op, STRIDE, x.dims, w.dims + 2, error);
    if (status != BNN_OK) {
        return status;
    }
    struct bnn_window window = bnn_window_of(op, STRIDE, x.dims, w.dims + 2);
    const struct bnn_value value = {
        .pixels = (uint64_t)window.y.out * window.x.out,
        .channels = (uint64_t)w.dims[0] * w.dims[1],
        .height = window.y.out,
        .width = window.x.out,
    };
    return bnn_steps_check(op, 2, &value, error);
}

static bnn_status check_dense(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    bnn_status status = check_types(op, &x, &w, error);
    if (status != BNN_OK) {
        return status;
    }
    BNN_REQUIRE(OPERAND, w.dims[0] == 1 && w.dims[2] == 1 && w.dims[3] == 1 && w.dims[4] == bnn_elements(&x),
                "w: must be [1, O, 1, 1, K] for x of K elements");
    const struct bnn_value value = {.pixels = 1, .channels = w.dims[1], .height = 1, .width = 1};
    return bnn_steps_check(op, 2, &value, error);
}

/* Offsets of kernel rows relative to the first that is inside the input. Those of rows that are never inside may wrap
 * around; they are never used. */
static void fill_rows(struct bnn_row *rows, const struct conv *s, size_t lanes)
{
    const struct bnn_axis *y = &s->window.y, *x = &s->window.x;
    const size_t tap_bytes = s->channels * (s->binary ? 1 : lanes * sizeof(float));
    for (size_t ky = 0; ky < y->kernel; ky++) {
        rows[ky].x = (uint32_t)(ky * y->dilation * x->in * s->pixel_floats * sizeof(float));
        rows[ky].w = (uint32_t)(ky * x->kernel * tap_bytes);
    }
}

static const void *bind_window(const struct bnn_op *op, const struct bnn_window *window, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    const struct bnn_value value = {
        .pixels = (uint64_t)window->y.out * window->x.out,
        .channels = (uint64_t)w.dims[0] * w.dims[1],
    };
    struct conv *state = bnn_take(build, 1, sizeof *state);
    struct conv s = {
        .window = *window,
        .x = (const float *)(const void *)x.data,
        .w = w.data,
        .binary = w.type == BNN_TYPE_W_SIGN,
        .outputs = w.dims[1],
        .blocks = ((size_t)w.dims[1] + 7) / 8,
        .channels = w.dims[4],
        .pixel_floats = (size_t)w.dims[0] * w.dims[4],
    };
    struct bnn_row *rows = bnn_take(build, 2 * (uint64_t)window->y.kernel, sizeof *rows);
    if (rows != NULL) {
        fill_rows(rows, &s, 8);
        fill_rows(rows + window->y.kernel, &s, s.outputs % 8);
    }
    s.rows = rows;
    s.y_spans = bnn_take_spans(&s.window.y, build);
    s.x_spans = bnn_take_spans(&s.window.x, build);
    bnn_steps_bind(&s.steps, op, 2, &value, window->x.out, build);
    s.acc = bnn_scratch(build, s.steps.limit * 8 * sizeof(float));
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = value.pixels * value.channels * w.dims[2] * w.dims[3] * w.dims[4];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static const void *bind_conv2d(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    struct bnn_window window = bnn_window_of(op, STRIDE, x.dims, w.dims + 2);
    return bind_window(op, &window, build);
}

static const void *bind_dense(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_window window = one_pixel();
    return bind_window(op, &window, build);
}

/* Sums of a block over the pixels [begin, end) of row y, all in one span of both axes. */
static void convolve(const struct conv *s, float *acc, const struct bnn_block *block, uint32_t y, uint32_t begin, uint32_t end,
                     const struct bnn_span *y_span, const struct bnn_span *x_span)
{
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    const size_t taps = (size_t)ay->kernel * ax->kernel * s->channels; /* of one output */
    const size_t first_tap = ((size_t)y_span->tap * ax->kernel + x_span->tap) * s->channels;
    const size_t row = (size_t)bnn_tap(ay, y, y_span->tap), column = (size_t)bnn_tap(ax, begin, x_span->tap);
    const float *x = s->x + (row * ax->in + column) * s->pixel_floats + block->group * s->channels;
    const struct bnn_conv p = {
        .rows = s->rows + (block->size < 8 ? ay->kernel : 0),
        .row_count = y_span->tap_end - y_span->tap,
        .taps = x_span->tap_end - x_span->tap,
        .channels = s->channels,
        .tap_step = ax->dilation * s->pixel_floats * sizeof(float),
        .pixel_step = ax->stride * s->pixel_floats * sizeof(float),
    };
    if (s->binary) {
        const uint8_t *w = s->w + (block->group * s->blocks + block->block) * taps + first_tap;
        s->steps.kernels->conv_sign(acc, x, w, &p, end - begin, block->size);
    } else {
        const float *w = (const float *)(const void *)s->w + (block->group * s->outputs + block->block * 8) * taps;
        s->steps.kernels->conv_f32(acc, x, w + first_tap * block->size, &p, end - begin, block->size);
    }
}

/* The same over a slab: acc [slab.pixels][8]. */
static void convolve_slab(const struct conv *s, float *acc, const struct bnn_block *block, const struct bnn_slab *slab)
{
    struct bnn_run run;
    bnn_memset(acc, 0, slab->pixels * 8 * sizeof acc[0]);
    for (size_t done = 0; done < slab->pixels; done += run.pixels, acc += run.pixels * 8) {
        run = bnn_run_at(slab, slab->pixel + done, s->window.x.out);
        const struct bnn_span *y = bnn_span_of(&s->y_spans, run.y), *x = bnn_span_of(&s->x_spans, run.x);
        const uint32_t run_end = run.x + (uint32_t)run.pixels;
        for (uint32_t begin = run.x; begin < run_end; begin = x->end, x++) {
            if (y->tap_end > 0 && x->tap_end > 0) {
                convolve(s, acc + 8 * (begin - run.x), block, run.y, begin, x->end < run_end ? x->end : run_end, y, x);
            }
        }
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct conv *s = state;
    float *acc = (float *)(void *)(scratch + s->acc);
    size_t step;
    float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
    struct bnn_block block;
    for (size_t column = 0; column < slab->channels; column += block.lanes) {
        block = bnn_block_at(slab, column, s->outputs);
        convolve_slab(s, acc, &block, slab);
        bnn_place_lanes(place, step, acc, &block, slab->pixels);
    }
    bnn_steps_run(&s->steps, slab, place, step, place, step);
}

static void run(const void *state, uint8_t *scratch)
{
    const struct conv *s = state;
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_conv2d = {check_conv2d, bind_conv2d, run};
const struct bnn_op_code bnn_op_dense = {check_dense, bind_dense, run};
