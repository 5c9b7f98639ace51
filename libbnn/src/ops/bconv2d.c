/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bconv2d: binary convolution. The kernels know no borders, no horizontal strides and no convolution groups: where there are
 * any, the packed input is copied first into an image that suits them (image.h). Where the table has bconv64x2, a channel group
 * of 64 is always copied, every pixel twice.
 */
#include "states.h"

#include "../port.h"

enum { STRIDE = 0, BORDER = 8 }; /* attribute words */

static bnn_status check(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    BNN_REQUIRE(OPERAND, x.type == BNN_TYPE_BITS, "x: must be BITS");
    BNN_REQUIRE(OPERAND, w.type == BNN_TYPE_W_XNOR, "w: must be W_XNOR");
    const uint64_t groups = w.dims[0], channels = w.dims[4];
    BNN_REQUIRE(OPERAND, x.dims[2] == groups * channels, "x: its channels must be groups x channels of w");
    BNN_REQUIRE(OPERAND, channels * w.dims[2] * w.dims[3] <= 65534, "w: KH * KW * C must be at most 65534");
    bnn_status status = bnn_window_check(op, STRIDE, x.dims, w.dims + 2, error);
    if (status != BNN_OK) {
        return status;
    }
    int32_t border = bnn_op_attribute(op, BORDER);
    BNN_REQUIRE(ATTRIBUTE, border >= -1 && border <= 1, "border: must be -1, 0 or +1");
    struct bnn_window window = bnn_window_of(op, STRIDE, x.dims, w.dims + 2);
    /* In two steps, so that no product leaves 64 bits. */
    uint64_t height = (uint64_t)window.y.in + window.y.before + window.y.after;
    uint64_t width = (uint64_t)window.x.in + window.x.before + window.x.after;
    uint64_t pixels = height * width, pixel_bytes = groups * bnn_group_bytes(w.dims[4]);
    BNN_REQUIRE(ATTRIBUTE, pixels <= BNN_DAB_MAX_BYTES && pixels * pixel_bytes <= BNN_DAB_MAX_BYTES,
                "pads: the padded input must be smaller than 2^31 bytes");
    const struct bnn_value value = {
        .pixels = (uint64_t)window.y.out * window.x.out,
        .channels = groups * w.dims[1],
        .height = window.y.out,
        .width = window.x.out,
        .integer = 1,
    };
    return bnn_steps_check(op, 2, &value, error);
}

/* What kernels for channel groups of `size` bytes need to know of the image. */
static struct bnn_bconv describe(const struct bnn_image *image, size_t groups, size_t size, struct bnn_build *build)
{
    const struct bnn_axis *ay = &image->window.y, *ax = &image->window.x;
    const size_t phase = image->width * size, line = ax->stride * phase;
    uint32_t *tap_x = bnn_take(build, ax->kernel, sizeof *tap_x);
    for (size_t t = 0; tap_x != NULL && t < ax->kernel; t++) {
        tap_x[t] = (uint32_t)(t * ax->dilation % ax->stride * phase + t * ax->dilation / ax->stride * size);
    }
    return (struct bnn_bconv){
        .groups = groups,
        .group_step = image->height * line,
        .rows = ay->kernel,
        .row_step = ay->dilation * line,
        .taps = ax->kernel,
        .tap_x = tap_x,
        .line_step = ay->stride * line,
        .phases = ax->dilation == 1 ? ax->stride : 0,
    };
}

static int is_padded(const struct bnn_window *window)
{
    return window->y.before > 0 || window->y.after > 0 || window->x.before > 0 || window->x.after > 0;
}

/* Does with the geometry what leaves the result as it is, for the kernels' sake. */
static void simplify(struct bnn_window *window)
{
    struct bnn_axis *ay = &window->y, *ax = &window->x;
    if (!is_padded(window) && ay->kernel == 1 && ax->kernel == 1 && ay->stride == 1 && ax->stride == 1) {
        /* Pixels in a row, pixels in an image: the same to a 1x1 kernel, and longer runs are better. */
        ax->in = ax->out = ay->in * ax->in;
        ay->in = ay->out = 1;
    }
    /* One output has no next one; and the image is then less than twice as wide as the padded input. */
    ay->stride = ay->out > 1 ? ay->stride : 1;
    ax->stride = ax->out > 1 ? ax->stride : 1;
}

static const void *bind(const struct bnn_op *op, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    struct bnn_bconv2d_state *state = bnn_take(build, 1, sizeof *state);
    struct bnn_bconv2d_state s = {
        .image =
            {
                .x = x.data,
                .window = bnn_window_of(op, STRIDE, x.dims, w.dims + 2),
                .groups = w.dims[0],
                .channels = w.dims[4],
                .border = bnn_op_attribute(op, BORDER),
                .narrow_pixel = 8,
            },
        .w = w.data,
        .block_bytes = (size_t)w.dims[2] * w.dims[3] * 8 * bnn_group_bytes(w.dims[4]),
    };
    struct bnn_image *image = &s.image;
    const struct bnn_axis *ay = &image->window.y, *ax = &image->window.x;
    const struct bnn_value value = {
        .pixels = (uint64_t)ay->out * ax->out,
        .channels = (uint64_t)w.dims[0] * w.dims[1],
        .integer = 1,
    };
    simplify(&image->window);
    bnn_image_bind(image, build);
    const size_t rest = image->channels % 128, wide = image->channels / 128 + (rest > 64), narrow = rest >= 1 && rest <= 64;
    const size_t taps = (size_t)ay->kernel * ax->kernel;
    s.copied = is_padded(&image->window) || ax->stride > 1 || (image->groups > 1 && rest != 0);
    if (narrow > 0 && build->kernels->bconv64x2 != bnn_bconv64x2_c && 2 * bnn_image_bytes(image) <= BNN_DAB_MAX_BYTES &&
        !bnn_chain_pays(wide * taps, narrow * taps, value.pixels, build->kernels)) {
        image->narrow_pixel = 16;
        s.copied = 1;
    }
    s.image_bytes = (size_t)bnn_image_bytes(image);
    s.wide = describe(image, wide, 16, build);
    s.narrow = describe(image, narrow, image->narrow_pixel, build);
    s.narrow_x = wide * s.wide.group_step;
    s.narrow_w = wide * taps * 8 * 16;
    bnn_steps_bind(&s.steps, op, 2, &value, ax->out, build);
    s.steps.apart = 1;
    bnn_popcounts_bind(&s.popcounts, &s.steps, &w, &image->window, image->border == 0, build);
    const struct bnn_chain_layer layer = {
        .wide = &s.wide,
        .narrow = &s.narrow,
        .narrow_x = s.narrow_x,
        .width = ax->out,
        .weights = s.w,
        .blocks = image->groups * s.popcounts.blocks,
        .block_bytes = s.block_bytes,
    };
    s.chain = bnn_take_chain(&layer, &s.steps, build);
    s.copy = bnn_shared_scratch(build, s.copied ? (uint64_t)s.image_bytes * image->groups : 0);
    s.arrays = bnn_popcounts_arrays(&s.steps, build);
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = value.pixels * value.channels * w.dims[2] * w.dims[3] * w.dims[4];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

/* A part of a slab that one kernel call does: whole lines, or a part of one. */
struct part {
    size_t acc;          /* of its first pixel, in uint16_t */
    size_t wide, narrow; /* bytes of the image */
    size_t lines, pixels;
};
#define MOST_PARTS 3 /* the end of a line, lines, the beginning of one */

static size_t divide(struct part *parts, const struct bnn_bconv2d_state *s, const struct bnn_slab *slab)
{
    const size_t width = s->image.window.x.out;
    size_t count = 0;
    for (size_t done = 0; done < slab->pixels; count++) {
        const struct bnn_run run = bnn_run_at(slab, slab->pixel + done, s->image.window.x.out);
        const size_t lines = run.pixels == width ? (slab->pixels - done) / width : 1;
        parts[count] = (struct part){
            .acc = done * 8,
            .wide = run.y * s->wide.line_step + (size_t)run.x * 16,
            .narrow = s->narrow_x + run.y * s->narrow.line_step + run.x * s->image.narrow_pixel,
            .lines = lines,
            .pixels = run.pixels,
        };
        done += lines * run.pixels;
    }
    return count;
}

/* Adds a block's popcounts over a part to its accumulators. */
static inline void add_popcounts(const struct bnn_bconv2d_state *s, uint16_t *acc, const uint8_t *x, const uint8_t *w,
                                 const struct part *part)
{
    const struct bnn_kernels *kernels = s->steps.kernels;
    if (s->wide.groups > 0) {
        kernels->bconv128(acc + part->acc, x + part->wide, w, &s->wide, part->lines, part->pixels);
    }
    if (s->narrow.groups > 0) {
        bnn_bconv64_fn *bconv64 = s->image.narrow_pixel == 16 ? kernels->bconv64x2 : kernels->bconv64;
        bconv64(acc + part->acc, x + part->narrow, w + s->narrow_w, &s->narrow, part->lines, part->pixels);
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_bconv2d_state *s = state;
    const uint8_t *images = s->copied ? s->steps.team->shared + s->copy : s->image.x;
    struct bnn_work work = {
        .popcounts = &s->popcounts,
        .steps = &s->steps,
        .slab = slab,
        .acc = (uint16_t *)(void *)(scratch + s->arrays.acc),
        .classes = (uint32_t *)(void *)(scratch + s->arrays.classes),
        .rows = (float *)(void *)(scratch + s->arrays.rows),
    };
    work.place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &work.step);
    struct part parts[MOST_PARTS];
    const size_t part_count = divide(parts, s, slab);
    /* What is prepared for these pixels stays for their other channels: classes, and the chain for a convolution group. */
    size_t prepared = SIZE_MAX;
    if (slab->fresh > 0) {
        bnn_popcounts_begin(&work);
    } else {
        prepared = (slab->channel - 1) / s->popcounts.outputs;
    }
    struct bnn_block block;
    for (size_t column = 0; column < slab->channels; column += block.lanes) {
        block = bnn_block_at(slab, column, s->popcounts.outputs);
        const uint8_t *x = images + block.group * s->image_bytes;
        const size_t weights = block.group * s->popcounts.blocks + block.block;
        bnn_popcounts_start(&work, weights);
        if (!BNN_CONFIG_CHAIN || s->chain.tile == 0) {
            for (size_t i = 0; i < part_count; i++) {
                add_popcounts(s, work.acc, x, s->w + weights * s->block_bytes, &parts[i]);
            }
        } else {
            if (block.group != prepared) {
                bnn_chain_prepare(&s->chain, s->steps.kernels, x, slab, scratch);
                prepared = block.group;
            }
            bnn_chain_count(&s->chain, s->steps.kernels, work.acc, weights, slab, scratch);
        }
        bnn_popcounts_emit(&work, &block);
    }
    if (s->steps.floats) {
        bnn_steps_run(&s->steps, slab, work.place, work.step, work.place, work.step);
    }
}

void bnn_bconv2d_run(const void *state, uint8_t *scratch)
{
    const struct bnn_bconv2d_state *s = state;
    if (s->copied) {
        bnn_image_copy(s->steps.team->shared + s->copy, &s->image);
    }
    if (s->steps.int_out != NULL) {
        bnn_memset(s->steps.int_out, 0, s->steps.pixels * bnn_group_bytes((uint32_t)s->steps.channels));
    }
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_bconv2d = {BNN_CHECK(check), bind, bnn_bconv2d_run};
