/* SPDX-License-Identifier: BSD-3-Clause
 *
 * qconv2d and qdense: 8-bit input, 8-bit or binary weights. The taps of some output pixels are laid side by side (a panel, in
 * scratch), those outside the input as the zero point, so that a kernel sees dot products only. What the zero point adds to
 * them is its product with the weights' sum: sums start at the negative of that.
 */
#include "blocks.h"
#include "layer.h"
#include "numbers.h"

#include "../port.h"

enum { STRIDE = 0, ZERO_CONV = 8, ZERO_DENSE = 0 }; /* attribute words */

#define PANEL 32          /* pixels: the taps of a 3x3 convolution of 256 channels are 72 kB then */
#define MOST_TAPS 65536u /* |x - zero| is at most 255, |w| 127: sums stay below 2^31 */

struct qconv {
    struct bnn_steps steps;
    struct bnn_window window;
    struct bnn_number_source x;
    const uint8_t *w;
    struct bnn_spans y_spans, x_spans;
    int binary;
    size_t groups, outputs, channels; /* outputs, channels: per convolution group */
    size_t taps, vectors;             /* of one output */
    const int32_t *sums;              /* of the weights of each output */
    uint64_t acc, panel, tile;        /* offsets in scratch */
};

/* One run. */
struct call {
    const struct qconv *layer;
    struct bnn_numbers x;
};

static bnn_status check_numbers(const struct bnn_op *op, uint32_t zero_word, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    const int32_t zero = bnn_op_attribute(op, zero_word);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_I8 || x.type == BNN_TYPE_F32, "x: must be I8 or F32");
    BNN_REQUIRE(OPERAND, w.type == BNN_TYPE_W_S8 || w.type == BNN_TYPE_W_SIGN, "w: must be W_S8 or W_SIGN");
    const uint64_t area = (uint64_t)w.dims[2] * w.dims[3];
    BNN_REQUIRE(OPERAND, area <= MOST_TAPS && area * w.dims[4] <= MOST_TAPS, "w: must have at most 65536 taps an output");
    BNN_REQUIRE(ATTRIBUTE, zero >= -128 && zero <= 127, "zero_point: must be -128..127");
    BNN_REQUIRE(ATTRIBUTE, zero == 0 || x.type == BNN_TYPE_I8, "zero_point: must be 0 for x F32");
    return BNN_OK;
}

static bnn_status check_conv(const struct bnn_op *op, bnn_error *error)
{
    const bnn_status status = check_numbers(op, ZERO_CONV, error);
    return status == BNN_OK ? bnn_conv_check(op, STRIDE, error) : status;
}

static bnn_status check_dense(const struct bnn_op *op, bnn_error *error)
{
    const bnn_status status = check_numbers(op, ZERO_DENSE, error);
    return status == BNN_OK ? bnn_dense_check(op, error) : status;
}

/* Weights of a block of `size` outputs. */
static const uint8_t *block_weights(const struct qconv *s, size_t group, size_t block)
{
    return s->binary ? s->w + (group * ((s->outputs + 7) / 8) + block) * s->taps
                     : s->w + (group * s->outputs + block * 8) * s->vectors * 16;
}

/* The sum of an output's weights. */
static int32_t weight_sum(const struct qconv *s, size_t group, size_t output)
{
    const size_t lane = output % 8, rest = s->outputs - output / 8 * 8, lanes = rest < 8 ? rest : 8;
    const uint8_t *w = block_weights(s, group, output / 8);
    int32_t sum = 0;
    for (size_t i = 0; i < s->taps; i++) {
        sum += s->binary ? 1 - 2 * (w[i] >> lane & 1) : (int8_t)w[16 * (lanes * (i / 16) + lane) + i % 16];
    }
    return sum;
}

static const void *bind_window(const struct bnn_op *op, const struct bnn_window *window, uint32_t zero_word,
                               struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    const struct bnn_value value = bnn_layer_value(&w, window);
    struct qconv *state = bnn_take(build, 1, sizeof *state);
    struct qconv s = {
        .window = *window,
        .w = w.data,
        .y_spans = bnn_take_spans(&window->y, build),
        .x_spans = bnn_take_spans(&window->x, build),
        .binary = w.type == BNN_TYPE_W_SIGN,
        .groups = w.dims[0],
        .outputs = w.dims[1],
        .channels = w.dims[4],
        .taps = (size_t)w.dims[2] * w.dims[3] * w.dims[4],
    };
    s.vectors = (s.taps + 15) / 16;
    bnn_numbers_bind(&s.x, &x, bnn_op_attribute(op, zero_word), build);
    int32_t *sums = bnn_take(build, value.channels, sizeof *sums);
    for (size_t c = 0; sums != NULL && c < value.channels; c++) {
        sums[c] = weight_sum(&s, c / s.outputs, c % s.outputs);
    }
    s.sums = sums;
    bnn_steps_bind(&s.steps, op, 2, &value, window->x.out, build);
    s.steps.apart = 1;
    s.acc = bnn_scratch(build, PANEL * 8 * sizeof(int32_t));
    s.panel = bnn_scratch(build, (uint64_t)PANEL * s.vectors * 16);
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = value.pixels * value.channels * s.taps;
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static const void *bind_conv(const struct bnn_op *op, struct bnn_build *build)
{
    const struct bnn_window window = bnn_conv_window(op, STRIDE);
    return bind_window(op, &window, ZERO_CONV, build);
}

static const void *bind_dense(const struct bnn_op *op, struct bnn_build *build)
{
    const struct bnn_window window = bnn_dense_window();
    return bind_window(op, &window, ZERO_DENSE, build);
}

/* Rows of taps are short and there are many of them: up to 64 bytes go by 16, or by 4, without a call; the last ones may overlap. */
static inline void copy_taps(int8_t *to, const int8_t *from, size_t bytes)
{
    if (bytes < 4 || bytes > 64) {
        bnn_memcpy(to, from, bytes);
        return;
    }
    size_t i = 0;
    for (; i + 16 <= bytes; i += 16) {
        bnn_memcpy(to + i, from + i, 16);
    }
    if (i > 0 && i < bytes) {
        bnn_memcpy(to + bytes - 16, from + bytes - 16, 16);
    } else if (i < bytes) {
        for (; i + 4 < bytes; i += 4) {
            bnn_memcpy(to + i, from + i, 4);
        }
        bnn_memcpy(to + bytes - 4, from + bytes - 4, 4);
    }
}

/* The taps of output (y, x) of a group, in the order of the weights; those that are neighbours in a row of the input are copied
 * at once, and zeros follow up to whole vectors. */
static void fill_pixel(const struct call *call, int8_t *to, size_t group, uint32_t y, uint32_t x)
{
    const struct qconv *s = call->layer;
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    const struct bnn_span *ys = bnn_span_of(&s->y_spans, y), *xs = bnn_span_of(&s->x_spans, x);
    const size_t pixel = s->groups * s->channels, row_taps = ax->kernel * s->channels, inside = xs->tap_end - xs->tap;
    const size_t run = s->groups == 1 && ax->dilation == 1 ? inside : 1; /* taps */
    if (ys->tap_end - ys->tap < ay->kernel || inside < ax->kernel) {
        bnn_memset(to, call->x.zero, ay->kernel * row_taps);
    }
    bnn_memset(to + s->taps, 0, s->vectors * 16 - s->taps);
    for (uint32_t ky = ys->tap; ky < ys->tap_end; ky++) {
        const int8_t *row = call->x.q + (size_t)bnn_tap(ay, y, ky) * ax->in * pixel + group * s->channels;
        for (uint32_t kx = xs->tap; kx < xs->tap_end; kx += (uint32_t)run) {
            copy_taps(to + ky * row_taps + kx * s->channels, row + (size_t)bnn_tap(ax, x, kx) * pixel, run * s->channels);
        }
    }
}

/* Sums of a block over the pixels of a panel, as floats to the slab's place. */
static void run_block(const struct call *call, int32_t *acc, const int8_t *panel, const struct bnn_block *block, size_t pixels,
                      float *place, size_t step)
{
    const struct qconv *s = call->layer;
    const int32_t *sums = s->sums + block->group * s->outputs + block->block * 8;
    const uint8_t *w = block_weights(s, block->group, block->block);
    int32_t start[8] = {0};
    for (size_t j = 0; j < block->size; j++) {
        start[j] = -call->x.zero * sums[j];
    }
    for (size_t p = 0; p < pixels; p++) {
        bnn_memcpy(acc + 8 * p, start, sizeof start);
    }
    if (s->binary) {
        s->steps.kernels->dot_sign(acc, panel, w, s->taps, pixels);
    } else {
        s->steps.kernels->dot_s8(acc, panel, (const int8_t *)w, s->vectors, pixels, block->size);
    }
    for (size_t p = 0; p < pixels; p++) {
        float v[8];
        for (size_t j = 0; j < 8; j++) {
            v[j] = (float)acc[8 * p + j] * call->x.scale;
        }
        bnn_place_lanes((float *)(void *)((uint8_t *)place + p * step), step, v, block, 1);
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct call *call = state;
    const struct qconv *s = call->layer;
    int32_t *acc = (int32_t *)(void *)(scratch + s->acc);
    int8_t *panel = (int8_t *)(scratch + s->panel);
    size_t step;
    float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
    for (size_t done = 0, pixels; done < slab->pixels; done += pixels) {
        pixels = slab->pixels - done < PANEL ? slab->pixels - done : PANEL;
        struct bnn_block block;
        size_t filled = s->groups; /* the group whose taps the panel holds */
        for (size_t column = 0; column < slab->channels; column += block.lanes) {
            block = bnn_block_at(slab, column, s->outputs);
            for (size_t p = 0; block.group != filled && p < pixels; p++) {
                const size_t at = slab->pixel + done + p;
                const uint32_t width = s->window.x.out;
                fill_pixel(call, panel + p * s->vectors * 16, block.group, (uint32_t)(at / width), (uint32_t)(at % width));
            }
            filled = block.group;
            run_block(call, acc, panel, &block, pixels, (float *)(void *)((uint8_t *)place + done * step), step);
        }
    }
    bnn_steps_run(&s->steps, slab, place, step, place, step);
}

static void run(const void *state, uint8_t *scratch)
{
    const struct qconv *s = state;
    const struct call call = {s, bnn_numbers_make(&s->x, scratch)};
    bnn_each_slab(&s->steps, run_slab, &call, scratch);
}

const struct bnn_op_code bnn_op_qconv2d = {BNN_CHECK(check_conv), bind_conv, run};
const struct bnn_op_code bnn_op_qdense = {BNN_CHECK(check_dense), bind_dense, run};
