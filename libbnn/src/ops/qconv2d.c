/* SPDX-License-Identifier: BSD-3-Clause
 *
 * qconv2d and qdense: 8-bit input, 8-bit or binary weights. The taps of some output pixels are laid side by side (a panel, in
 * scratch), those outside the input as the zero point, so that a kernel sees dot products only. What the zero point adds to
 * them is its product with the weights' sum: sums start at the negative of that. Where x itself is such a panel it is taken as it
 * is.
 */
#include "blocks.h"
#include "layer.h"
#include "states.h"

#include "../port.h"

enum { STRIDE = 0, ZERO_CONV = 8, ZERO_DENSE = 0 }; /* attribute words */

#define PANEL 36         /* pixels: the taps of a 3x3 convolution of 256 channels are 83 kB then */
#define MOST_TAPS 65536u /* |x - zero| is at most 255, |w| 127: sums stay below 2^31 */

/* One run. */
struct call {
    const struct bnn_qconv_state *layer;
    struct bnn_numbers x;
    float mul[8], add[8]; /* of all blocks, if the layer has none */
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
static const uint8_t *block_weights(const struct bnn_qconv_state *s, size_t group, size_t block)
{
    return s->binary ? s->w + (group * ((s->outputs + 7) / 8) + block) * s->taps
                     : s->w + (group * s->outputs + block * 8) * s->vectors * 16;
}

/* The sum of an output's weights. */
static int32_t weight_sum(const struct bnn_qconv_state *s, size_t group, size_t output)
{
    const size_t lane = output % 8, rest = s->outputs - output / 8 * 8, lanes = rest < 8 ? rest : 8;
    const uint8_t *w = block_weights(s, group, output / 8);
    int32_t sum = 0;
    for (size_t i = 0; i < s->taps; i++) {
        sum += s->binary ? 1 - 2 * (w[i] >> lane & 1) : (int8_t)w[16 * (lanes * (i / 16) + lane) + i % 16];
    }
    return sum;
}

static const int32_t *take_sums(const struct bnn_qconv_state *s, struct bnn_build *build)
{
    const size_t padded = (s->outputs + 7) / 8 * 8;
    int32_t *sums = bnn_take(build, (uint64_t)s->groups * padded, sizeof *sums);
    for (size_t i = 0; sums != NULL && i < s->groups * padded; i++) {
        sums[i] = i % padded < s->outputs ? weight_sum(s, i / padded, i % padded) : 0;
    }
    return sums;
}

static int takes_every_pixel(const struct bnn_axis *axis)
{
    return axis->kernel == 1 && axis->stride == 1 && axis->before == 0 && axis->after == 0;
}

/* Whether an output's taps are the channels of its pixel, in whole vectors. */
static int is_panel(const struct bnn_qconv_state *s)
{
    return takes_every_pixel(&s->window.y) && takes_every_pixel(&s->window.x) && s->groups == 1 && s->taps % 16 == 0;
}

static const void *bind_window(const struct bnn_op *op, const struct bnn_window *window, uint32_t zero_word,
                               struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    struct bnn_value value = bnn_layer_value(&w, window);
    struct bnn_qconv_state *state = bnn_take(build, 1, sizeof *state);
    struct bnn_qconv_state s = {
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
    s.sums = take_sums(&s, build);
    s.is_panel = is_panel(&s);
    value.integer = x.type == BNN_TYPE_I8;
    bnn_steps_bind(&s.steps, op, 2, &value, window->x.out, build);
    s.steps.apart = 1;
    if (value.integer) {
        s.mul = bnn_layer_per_block(s.steps.mul, s.groups, s.outputs, build);
        s.add = bnn_layer_per_block(s.steps.add, s.groups, s.outputs, build);
    }
    s.acc = bnn_scratch(build, (uint64_t)PANEL * 8 * sizeof(int32_t));
    s.rows = bnn_scratch(build, (uint64_t)PANEL * 8 * sizeof(float));
    s.panel = bnn_scratch(build, s.is_panel ? 0 : (uint64_t)PANEL * s.vectors * 16);
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

/* A direction of a copy: rows of taps, or pixels. */
struct direction {
    size_t count, out_step, x_step;
};

/* Rows of `bytes`, as many as both directions have: few calls of many rows. */
static void copy_rows(const struct bnn_kernels *kernels, int8_t *to, const int8_t *from, size_t bytes,
                      const struct direction *a, const struct direction *b)
{
    const struct direction *most = a->count < b->count ? b : a, *least = most == a ? b : a;
    const struct bnn_tile tile = {most->count, bytes, most->out_step, most->x_step};
    for (size_t i = 0; i < least->count; i++, to += least->out_step, from += least->x_step) {
        kernels->copy_i8(to, from, &tile);
    }
}

/* The panel of `pixels` outputs from (y, x) on, which have the same taps inside, for a group: taps in the order of the weights,
 * and zeros up to whole vectors. Taps that are neighbours in a row of the input are copied at once. */
static void fill_pixels(const struct call *call, int8_t *to, size_t group, uint32_t y, uint32_t x, size_t pixels)
{
    const struct bnn_qconv_state *s = call->layer;
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    const struct bnn_span *ys = bnn_span_of(&s->y_spans, y), *xs = bnn_span_of(&s->x_spans, x);
    const size_t pixel = s->groups * s->channels, row = ax->in * pixel, row_taps = ax->kernel * s->channels;
    const size_t step = s->vectors * 16, inside = xs->tap_end - xs->tap;
    const struct direction along_y = {ys->tap_end - ys->tap, row_taps, ay->dilation * row};
    const struct direction along_x = {pixels, step, ax->stride * pixel};
    const uint32_t run = s->groups == 1 && ax->dilation == 1 ? (uint32_t)inside : 1; /* taps */
    const int whole = along_y.count == ay->kernel && inside == ax->kernel;
    static const int8_t none[16] = {0};
    for (size_t p = 0; p < pixels; p++) {
        bnn_memcpy(to + p * step + step - sizeof none, none, sizeof none);
        if (!whole) {
            bnn_memset(to + p * step, call->x.zero, s->taps);
        }
    }
    if (along_y.count == 0) {
        return;
    }
    const int8_t *from = call->x.q + (size_t)bnn_tap(ay, y, ys->tap) * row + group * s->channels;
    to += ys->tap * row_taps;
    for (uint32_t kx = xs->tap; kx < xs->tap_end; kx += run) {
        copy_rows(s->steps.kernels, to + kx * s->channels, from + (size_t)bnn_tap(ax, x, kx) * pixel, run * s->channels,
                  &along_y, &along_x);
    }
}

/* The panel of `pixels` from `first` on for a group. */
static const int8_t *panel_at(const struct call *call, size_t group, size_t first, size_t pixels, uint8_t *scratch)
{
    const struct bnn_qconv_state *s = call->layer;
    const size_t step = s->vectors * 16, width = s->window.x.out;
    int8_t *panel = (int8_t *)(scratch + s->panel);
    if (s->is_panel) {
        return call->x.q + first * step;
    }
    for (size_t done = 0, run; done < pixels; done += run) {
        const uint32_t y = (uint32_t)((first + done) / width), x = (uint32_t)((first + done) % width);
        const size_t alike = bnn_span_of(&s->x_spans, x)->end - x;
        run = pixels - done < alike ? pixels - done : alike;
        fill_pixels(call, panel + done * step, group, y, x, run);
    }
    return panel;
}

/* Sums of block number `at` over the pixels of a panel. */
static void multiply(const struct call *call, int32_t *acc, const int8_t *panel, const struct bnn_block *block, size_t at,
                     size_t pixels)
{
    const struct bnn_qconv_state *s = call->layer;
    const uint8_t *w = block_weights(s, block->group, block->block);
    int32_t start[8];
    for (size_t j = 0; j < 8; j++) {
        start[j] = -call->x.zero * s->sums[8 * at + j];
    }
    for (size_t p = 0; p < pixels; p++) {
        bnn_memcpy(acc + 8 * p, start, sizeof start);
    }
    if (s->binary) {
        s->steps.kernels->dot_sign(acc, panel, w, s->taps, pixels);
    } else {
        s->steps.kernels->dot_s8(acc, panel, (const int8_t *)w, s->vectors, pixels, block->size);
    }
}

/* A block over the pixels of a panel, as floats to the slab's place. */
static void run_block(const struct call *call, const int8_t *panel, const struct bnn_block *block, size_t pixels, float *place,
                      size_t step, uint8_t *scratch)
{
    const struct bnn_qconv_state *s = call->layer;
    const size_t at = block->group * ((s->outputs + 7) / 8) + block->block;
    const float *mul = s->mul != NULL ? s->mul + 8 * at : call->mul, *add = s->mul != NULL ? s->add + 8 * at : call->add;
    int32_t *acc = (int32_t *)(void *)(scratch + s->acc);
    multiply(call, acc, panel, block, at, pixels);
    if (block->lanes == 8) {
        s->steps.kernels->sum_affine(place + block->column, acc, mul, add, pixels, step);
    } else {
        float *rows = (float *)(void *)(scratch + s->rows);
        s->steps.kernels->sum_affine(rows, acc, mul, add, pixels, 8 * sizeof *rows);
        bnn_place_lanes(place, step, rows, block, pixels);
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct call *call = state;
    const struct bnn_qconv_state *s = call->layer;
    size_t step;
    float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
    for (size_t done = 0, pixels; done < slab->pixels; done += pixels) {
        pixels = slab->pixels - done < PANEL ? slab->pixels - done : PANEL;
        float *rows = (float *)(void *)((uint8_t *)place + done * step);
        const int8_t *panel = NULL;
        size_t filled = s->groups; /* the group whose taps the panel holds */
        struct bnn_block block;
        for (size_t column = 0; column < slab->channels; column += block.lanes) {
            block = bnn_block_at(slab, column, s->outputs);
            if (block.group != filled) {
                panel = panel_at(call, block.group, slab->pixel + done, pixels, scratch);
                filled = block.group;
            }
            run_block(call, panel, &block, pixels, rows, step, scratch);
        }
    }
    bnn_steps_run(&s->steps, slab, place, step, place, step);
}

void bnn_qconv_run(const void *state, uint8_t *scratch)
{
    const struct bnn_qconv_state *s = state;
    struct call call = {s, bnn_numbers_make(&s->x, scratch), {0}, {0}};
    for (size_t j = 0; j < 8; j++) {
        call.mul[j] = call.x.scale;
    }
    bnn_each_slab(&s->steps, run_slab, &call, scratch);
}

const struct bnn_op_code bnn_op_qconv2d = {BNN_CHECK(check_conv), bind_conv, bnn_qconv_run};
const struct bnn_op_code bnn_op_qdense = {BNN_CHECK(check_dense), bind_dense, bnn_qconv_run};
