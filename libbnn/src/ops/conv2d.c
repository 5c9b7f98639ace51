/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conv2d and dense: float input, float or binary weights. In general the activations of a slab's pixels are gathered into a
 * panel, which blocks of 8 outputs are multiplied with; one pixel (dense is its convolution) and groups of one channel have kernels
 * of their own.
 */
#include "blocks.h"
#include "depthwise.h"
#include "direct.h"
#include "layer.h"
#include "states.h"

enum { STRIDE = 0 }; /* attribute word */

static bnn_status check_types(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_F32, "x: must be F32");
    BNN_REQUIRE(OPERAND, w.type == BNN_TYPE_W_F32 || w.type == BNN_TYPE_W_SIGN, "w: must be W_F32 or W_SIGN");
    return BNN_OK;
}

static bnn_status check_conv2d(const struct bnn_op *op, bnn_error *error)
{
    const bnn_status status = check_types(op, error);
    return status == BNN_OK ? bnn_conv_check(op, STRIDE, error) : status;
}

static bnn_status check_dense(const struct bnn_op *op, bnn_error *error)
{
    const bnn_status status = check_types(op, error);
    return status == BNN_OK ? bnn_dense_check(op, error) : status;
}

/* Blocks of 8 weights per tap and channel from blocks of fewer. */
static const float *take_last(const struct bnn_view *w, const struct bnn_conv_state *s, struct bnn_build *build)
{
    const size_t lanes = s->outputs % 8, k = s->gather.k;
    if (lanes == 0 || s->binary) {
        return NULL;
    }
    float *last = bnn_take(build, (uint64_t)w->dims[0] * k, 8 * sizeof *last);
    for (size_t g = 0; last != NULL && g < w->dims[0]; g++) {
        const float *from = (const float *)(const void *)w->data + ((g + 1) * s->outputs - lanes) * k;
        for (size_t i = 0; i < k * 8; i++) {
            last[g * k * 8 + i] = i % 8 < lanes ? from[i / 8 * lanes + i % 8] : 0;
        }
    }
    return last;
}

/* What blocks of 8 outputs need. */
static void take_blocks(struct bnn_conv_state *s, const struct bnn_view *w, struct bnn_build *build)
{
    const size_t groups = w->dims[0], pixels = s->one_pixel ? 1 : s->steps.limit, k = s->gather.k;
    s->last = take_last(w, s, build);
    if (s->steps.mul != NULL) {
        s->mul = bnn_layer_per_block(s->steps.mul, groups, s->outputs, build);
        s->add = bnn_layer_per_block(s->steps.add, groups, s->outputs, build);
    }
    s->panel = bnn_scratch(build, (uint64_t)k * bnn_panel_step(pixels));
    s->weights = bnn_scratch(build, s->binary && !s->one_pixel ? (uint64_t)k * 8 * sizeof(float) : 0);
    s->acc = bnn_scratch(build, (uint64_t)pixels * 8 * sizeof(float));
}

static const void *bind_window(const struct bnn_op *op, const struct bnn_window *window, struct bnn_build *build)
{
    if (BNN_CONFIG_SMALL) {
        return bnn_direct_bind(op, window, build);
    }
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    struct bnn_value value = bnn_layer_value(&w, window);
    build->macs = value.pixels * value.channels * w.dims[2] * w.dims[3] * w.dims[4];
    build->weight_bytes = w.bytes;
    struct bnn_conv_state *state = bnn_take(build, 1, sizeof *state);
    struct bnn_conv_state s = {
        .w = w.data,
        .binary = w.type == BNN_TYPE_W_SIGN,
        .depthwise = w.dims[0] > 1 && w.dims[1] == 1 && w.dims[4] == 1,
        .outputs = w.dims[1],
        .blocks = ((size_t)w.dims[1] + 7) / 8,
    };
    s.one_pixel = value.pixels == 1 && !s.depthwise;
    value.takes_affine = !s.one_pixel && !s.depthwise;
    bnn_steps_bind(&s.steps, op, 2, &value, window->x.out, build);
    s.steps.apart = 1;
    const size_t k = (size_t)w.dims[2] * w.dims[3] * w.dims[4], most = bnn_gather_limit(k, s.binary);
    const size_t fit = most < s.steps.pixels ? most : s.steps.pixels;
    if (!s.depthwise && s.steps.limit > fit) {
        s.steps.limit = fit;
    }
    bnn_gather_bind(&s.gather, window, (const float *)(const void *)x.data, w.dims[0], w.dims[4], s.steps.limit, build);
    if (s.depthwise) {
        s.by_tap = bnn_take_depthwise(&w, build);
    } else {
        take_blocks(&s, &w, build);
    }
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static const void *bind_conv2d(const struct bnn_op *op, struct bnn_build *build)
{
    const struct bnn_window window = bnn_conv_window(op, STRIDE);
    return bind_window(op, &window, build);
}

static const void *bind_dense(const struct bnn_op *op, struct bnn_build *build)
{
    const struct bnn_window window = bnn_dense_window();
    return bind_window(op, &window, build);
}

/* A block's float weights. */
static const float *floats_of(const struct bnn_conv_state *s, const struct bnn_block *block)
{
    const size_t k = s->gather.k;
    return block->size < 8 ? s->last + block->group * k * 8
                           : (const float *)(const void *)s->w + (block->group * s->outputs + block->block * 8) * k;
}

static const uint8_t *signs_of(const struct bnn_conv_state *s, const struct bnn_block *block)
{
    return s->w + (block->group * s->blocks + block->block) * s->gather.k;
}

/* A block over the panel's pixels. */
static void convolve(const struct bnn_conv_state *s, float *out, size_t out_step, const struct bnn_block *block,
                     const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_kernels *kernels = s->steps.kernels;
    const size_t first = (block->group * s->blocks + block->block) * 8;
    const struct bnn_gemm p = {
        .k = s->gather.k,
        .panel_step = bnn_panel_step(slab->pixels),
        .out_step = out_step,
        .mul = s->mul != NULL ? s->mul + first : NULL,
        .add = s->mul != NULL ? s->add + first : NULL,
    };
    float *weights = (float *)(void *)(scratch + s->weights);
    if (s->binary) {
        kernels->sign_weights(weights, signs_of(s, block), p.k);
    }
    kernels->gemm_f32(out, (float *)(void *)(scratch + s->panel), s->binary ? weights : floats_of(s, block), &p, slab->pixels);
}

/* Blocks that are neighbours, of the one pixel in the panel. */
static void multiply(const struct bnn_conv_state *s, float *out, const struct bnn_block *block, size_t blocks,
                     const uint8_t *scratch)
{
    const float *x = (const float *)(const void *)(scratch + s->panel);
    if (s->binary) {
        s->steps.kernels->dense_sign(out, x, signs_of(s, block), s->gather.k, blocks);
    } else {
        s->steps.kernels->dense_f32(out, x, floats_of(s, block), s->gather.k, blocks);
    }
}

static void prepare(const struct bnn_conv_state *s, const struct bnn_slab *slab, size_t group, uint8_t *scratch)
{
    float *panel = (float *)(void *)(scratch + s->panel);
    if (s->one_pixel) {
        bnn_gather_pixel(&s->gather, panel, 0, 0, group);
    } else {
        bnn_gather_run(&s->gather, panel, slab, group, scratch);
    }
}

static void run_blocks(const struct bnn_conv_state *s, const struct bnn_slab *slab, float *place, size_t step, uint8_t *scratch)
{
    float *acc = (float *)(void *)(scratch + s->acc);
    /* What is gathered for these pixels stays for their other channels. */
    size_t prepared = slab->fresh > 0 ? SIZE_MAX : (slab->channel - 1) / s->outputs, lanes;
    for (size_t column = 0; column < slab->channels; column += lanes) {
        const struct bnn_block block = bnn_block_at(slab, column, s->outputs);
        lanes = block.lanes;
        if (block.group != prepared) {
            prepare(s, slab, block.group, scratch);
            prepared = block.group;
        }
        float *out = block.lanes == 8 ? place + column : acc;
        if (!s->one_pixel) {
            convolve(s, out, block.lanes == 8 ? step : 8 * sizeof *acc, &block, slab, scratch);
        } else if (block.lanes < 8) {
            multiply(s, out, &block, 1, scratch);
        } else {
            const size_t of_group = s->outputs / 8 - block.block, of_slab = (slab->channels - column) / 8;
            lanes = 8 * (of_group < of_slab ? of_group : of_slab);
            multiply(s, out, &block, lanes / 8, scratch);
        }
        if (out == acc) {
            bnn_place_lanes(place, step, acc, &block, slab->pixels);
        }
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_conv_state *s = state;
    size_t step;
    float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
    if (s->depthwise) {
        bnn_depthwise_run(&s->gather, s->by_tap, slab, place, step);
    } else {
        run_blocks(s, slab, place, step, scratch);
    }
    bnn_steps_run(&s->steps, slab, place, step, place, step);
}

void bnn_conv_run(const void *state, uint8_t *scratch)
{
    const struct bnn_conv_state *s = state;
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_conv2d = {BNN_CHECK(check_conv2d), bind_conv2d,
                                          BNN_CONFIG_SMALL ? bnn_direct_run : bnn_conv_run};
const struct bnn_op_code bnn_op_dense = {BNN_CHECK(check_dense), bind_dense, BNN_CONFIG_SMALL ? bnn_direct_run : bnn_conv_run};
