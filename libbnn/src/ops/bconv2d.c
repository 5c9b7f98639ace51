/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bconv2d: binary convolution. The kernels know no borders, no horizontal strides and no convolution groups: where there are
 * any, the packed input is copied first into an image that has the border in it, the pixels of a line sorted by phase
 * (struct bnn_bconv), and each convolution group's channels in channel groups of their own. Where the table has bconv64x2, a
 * channel group of 64 is always copied, every pixel twice.
 */
#include "chain.h"
#include "popcounts.h"

#include "../port.h"

enum { STRIDE = 0, BORDER = 8 }; /* attribute words */

struct bconv2d {
    struct bnn_steps steps;
    struct bnn_popcounts popcounts;
    struct bnn_window window;
    const uint8_t *x, *w;
    uint32_t groups, channels; /* channels per group */
    int copied, border;
    size_t height, width; /* of the image that the kernels see: lines, pixels of a phase */
    size_t image_bytes;   /* of one convolution group */
    size_t block_bytes;   /* of weights */
    struct bnn_bconv wide, narrow; /* channel groups of 128, and the last one if it is of 64; groups may be 0 */
    size_t narrow_x, narrow_w;     /* the last one's place in the image and in a block */
    size_t narrow_pixel;           /* its bytes in the image: 8, or 16 if they stand twice */
    struct bnn_chained chain;
    uint64_t image;       /* offset in shared scratch */
    uint64_t tile;        /* offset in scratch */
    struct bnn_arrays arrays;
    const uint8_t *uses_line, *uses_column; /* by remainder of the stride: whether a tap meets them */
};

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
static struct bnn_bconv describe(const struct bconv2d *s, size_t groups, size_t size, struct bnn_build *build)
{
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    const size_t phase = s->width * size, line = ax->stride * phase;
    uint32_t *tap_x = bnn_take(build, ax->kernel, sizeof *tap_x);
    for (size_t t = 0; tap_x != NULL && t < ax->kernel; t++) {
        tap_x[t] = (uint32_t)(t * ax->dilation % ax->stride * phase + t * ax->dilation / ax->stride * size);
    }
    return (struct bnn_bconv){
        .groups = groups,
        .group_step = s->height * line,
        .rows = ay->kernel,
        .row_step = ay->dilation * line,
        .taps = ax->kernel,
        .tap_x = tap_x,
        .line_step = ay->stride * line,
        .phases = ax->dilation == 1 ? ax->stride : 0,
    };
}

static const uint8_t *take_uses(const struct bnn_axis *axis, struct bnn_build *build)
{
    uint8_t *uses = bnn_take(build, axis->stride, sizeof *uses);
    if (uses != NULL) {
        bnn_memset(uses, 0, axis->stride);
        for (uint32_t t = 0; t < axis->kernel; t++) {
            uses[(uint64_t)t * axis->dilation % axis->stride] = 1;
        }
    }
    return uses;
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
    struct bconv2d *state = bnn_take(build, 1, sizeof *state);
    struct bconv2d s = {
        .window = bnn_window_of(op, STRIDE, x.dims, w.dims + 2),
        .x = x.data,
        .w = w.data,
        .groups = w.dims[0],
        .channels = w.dims[4],
        .border = bnn_op_attribute(op, BORDER),
        .block_bytes = (size_t)w.dims[2] * w.dims[3] * 8 * bnn_group_bytes(w.dims[4]),
    };
    const struct bnn_value value = {
        .pixels = (uint64_t)s.window.y.out * s.window.x.out,
        .channels = (uint64_t)w.dims[0] * w.dims[1],
        .integer = 1,
    };
    simplify(&s.window);
    const struct bnn_axis *ay = &s.window.y, *ax = &s.window.x;
    s.height = (size_t)ay->in + ay->before + ay->after;
    s.width = ((size_t)ax->in + ax->before + ax->after + ax->stride - 1) / ax->stride;
    const size_t rest = s.channels % 128, wide = s.channels / 128 + (rest > 64), narrow = rest >= 1 && rest <= 64;
    const size_t taps = (size_t)ay->kernel * ax->kernel;
    const int twice = narrow > 0 && build->kernels->bconv64x2 != bnn_bconv64x2_c &&
                      !bnn_chain_pays(wide * taps, narrow * taps, value.pixels, build->kernels);
    s.narrow_pixel = twice ? 16 : 8;
    s.copied = twice || is_padded(&s.window) || ax->stride > 1 || (s.groups > 1 && s.channels % 128 != 0);
    s.image_bytes = s.height * ax->stride * s.width * (wide * 16 + narrow * s.narrow_pixel);
    s.wide = describe(&s, wide, 16, build);
    s.narrow = describe(&s, narrow, s.narrow_pixel, build);
    s.narrow_x = wide * s.wide.group_step;
    s.narrow_w = wide * taps * 8 * 16;
    bnn_steps_bind(&s.steps, op, 2, &value, ax->out, build);
    s.steps.apart = 1;
    bnn_popcounts_bind(&s.popcounts, &s.steps, &w, &s.window, s.border == 0, build);
    const struct bnn_chain_layer layer = {
        .wide = &s.wide,
        .narrow = &s.narrow,
        .narrow_x = s.narrow_x,
        .width = ax->out,
        .weights = s.w,
        .blocks = s.groups * s.popcounts.blocks,
        .block_bytes = s.block_bytes,
    };
    s.chain = bnn_take_chain(&layer, &s.steps, build);
    s.uses_line = take_uses(ay, build);
    s.uses_column = take_uses(ax, build);
    s.image = bnn_shared_scratch(build, s.copied ? (uint64_t)s.image_bytes * s.groups : 0);
    s.arrays = bnn_popcounts_arrays(&s.steps, build);
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = value.pixels * value.channels * w.dims[2] * w.dims[3] * w.dims[4];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

/* A channel group of a convolution group, as the image has it. */
struct group {
    uint32_t first, count; /* channels of x */
    size_t size, image;    /* bytes of a pixel: in x, in the image */
    uint8_t border[16];
};

/* Pixels of border. The sizes are written out so that compilers know them. */
static uint8_t *fill(uint8_t *out, const struct group *g, size_t pixels)
{
    if (g->image == 16) {
        for (size_t i = 0; i < pixels; i++) {
            bnn_memcpy(out + 16 * i, g->border, 16);
        }
    } else {
        for (size_t i = 0; i < pixels; i++) {
            bnn_memcpy(out + 8 * i, g->border, 8);
        }
    }
    return out + pixels * g->image;
}

/* Copies pixels of 8 bytes that are `step` apart, each twice. */
static void copy_twice(uint8_t *out, const uint8_t *in, size_t step, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        uint64_t pixel;
        bnn_memcpy(&pixel, in + i * step, 8);
        bnn_memcpy(out + 16 * i, &pixel, 8);
        bnn_memcpy(out + 16 * i + 8, &pixel, 8);
    }
}

/* Copies pixels of 16 (8) bytes that are `step` apart. */
static void copy_pixels(uint8_t *out, const uint8_t *in, size_t step, size_t size, size_t pixels)
{
    if (step == size) {
        bnn_memcpy(out, in, pixels * size);
    } else if (size == 16) {
        for (size_t i = 0; i < pixels; i++) {
            bnn_memcpy(out + 16 * i, in + i * step, 16);
        }
    } else {
        for (size_t i = 0; i < pixels; i++) {
            bnn_memcpy(out + 8 * i, in + i * step, 8);
        }
    }
}

/* The same bit by bit, for channels that are no channel group of x. in: the first pixel of x in the first channel group. */
static void gather_pixels(uint8_t *out, const struct bconv2d *s, const struct group *g, size_t in, size_t step, size_t pixels)
{
    const uint32_t all = s->groups * s->channels;
    const size_t plane = (size_t)s->window.y.in * s->window.x.in;
    bnn_memset(out, 0, pixels * g->image);
    for (uint32_t c = 0; c < g->count; c++) {
        const uint32_t channel = g->first + c, from = channel / 128 * 128;
        const uint32_t size = bnn_group_size(all - from < 128 ? all - from : 128);
        const uint32_t shift = bnn_bit_shift(channel - from, size), to_shift = bnn_bit_shift(c, (uint32_t)g->size);
        const uint8_t *x = s->x + from / 8 * plane + in * size + bnn_bit_byte(channel - from, size);
        uint8_t *to = out + bnn_bit_byte(c, (uint32_t)g->size);
        for (size_t i = 0; i < pixels; i++) {
            to[i * g->image] |= (uint8_t)((x[i * step * size] >> shift & 1) << to_shift);
        }
    }
    if (g->image != g->size) {
        copy_twice(out, out, g->image, pixels);
    }
}

/* Columns column, column + stride, ... of a row of x. */
static uint8_t *copy_columns(uint8_t *out, const struct bconv2d *s, const struct group *g, size_t row, size_t column,
                             size_t pixels)
{
    const uint32_t all = s->groups * s->channels;
    const size_t stride = s->window.x.stride, plane = (size_t)s->window.y.in * s->window.x.in;
    const size_t in = row * s->window.x.in + column;
    const uint8_t *x = s->x + g->first / 8 * plane + in * g->size;
    if (g->first % 128 != 0 || (g->count != 128 && g->first + g->count != all)) {
        gather_pixels(out, s, g, in, stride, pixels);
    } else if (g->image != g->size) {
        copy_twice(out, x, stride * g->size, pixels);
    } else {
        copy_pixels(out, x, stride * g->size, g->size, pixels);
    }
    return out + pixels * g->image;
}

/* A line of the image from a row of x, phase by phase. */
static void copy_line(uint8_t *out, const struct bconv2d *s, const struct group *g, size_t row)
{
    const size_t stride = s->window.x.stride, before = s->window.x.before, end = before + s->window.x.in;
    for (size_t phase = 0; phase < stride; phase++, out += s->width * g->image) {
        if (s->uses_column[phase]) {
            /* Pixel i is column i * stride + phase; the columns of x are [before, end). */
            const size_t first = before > phase ? (before - phase + stride - 1) / stride : 0;
            const size_t behind = end > phase ? (end - phase + stride - 1) / stride : 0;
            uint8_t *to = fill(out, g, first);
            to = copy_columns(to, s, g, row, first * stride + phase - before, behind - first);
            fill(to, g, s->width - behind);
        }
    }
}

/* The image that the kernels see: for each convolution group, for each of its channel groups, lines. A border of -1 is bits 1
 * in real channels; of +1 or 0, bits 0. What no tap meets is left as it is. */
static void copy_image(uint8_t *out, const struct bconv2d *s)
{
    const struct bnn_axis *ay = &s->window.y;
    for (uint32_t i = 0, channels; i < s->groups * s->channels; i += channels) {
        const uint32_t left = s->channels - i % s->channels;
        channels = left < 128 ? left : 128;
        const uint32_t size = bnn_group_size(channels);
        struct group g = {.first = i, .count = channels, .size = size, .image = size == 16 ? 16 : s->narrow_pixel};
        if (s->border < 0) {
            bnn_group_mask(g.border, channels);
        }
        if (g.image != g.size) {
            copy_twice(g.border, g.border, 16, 1);
        }
        const size_t line = s->window.x.stride * s->width; /* pixels */
        out = fill(out, &g, ay->before * line);
        for (uint32_t row = 0; row < ay->in; row++, out += line * g.image) {
            if (s->uses_line[(row + ay->before) % ay->stride]) {
                copy_line(out, s, &g, row);
            }
        }
        out = fill(out, &g, ay->after * line);
    }
}

/* A part of a slab that one kernel call does: whole lines, or a part of one. */
struct part {
    size_t acc;          /* of its first pixel, in uint16_t */
    size_t wide, narrow; /* bytes of the image */
    size_t lines, pixels;
};
#define MOST_PARTS 3 /* the end of a line, lines, the beginning of one */

static size_t divide(struct part *parts, const struct bconv2d *s, const struct bnn_slab *slab)
{
    const size_t width = s->window.x.out;
    size_t count = 0;
    for (size_t done = 0; done < slab->pixels; count++) {
        const struct bnn_run run = bnn_run_at(slab, slab->pixel + done, s->window.x.out);
        const size_t lines = run.pixels == width ? (slab->pixels - done) / width : 1;
        parts[count] = (struct part){
            .acc = done * 8,
            .wide = run.y * s->wide.line_step + (size_t)run.x * 16,
            .narrow = s->narrow_x + run.y * s->narrow.line_step + run.x * s->narrow_pixel,
            .lines = lines,
            .pixels = run.pixels,
        };
        done += lines * run.pixels;
    }
    return count;
}

/* Adds a block's popcounts over a part to its accumulators. */
static inline void add_popcounts(const struct bconv2d *s, uint16_t *acc, const uint8_t *x, const uint8_t *w,
                                 const struct part *part)
{
    const struct bnn_kernels *kernels = s->steps.kernels;
    if (s->wide.groups > 0) {
        kernels->bconv128(acc + part->acc, x + part->wide, w, &s->wide, part->lines, part->pixels);
    }
    if (s->narrow.groups > 0) {
        bnn_bconv64_fn *bconv64 = s->narrow_pixel == 16 ? kernels->bconv64x2 : kernels->bconv64;
        bconv64(acc + part->acc, x + part->narrow, w + s->narrow_w, &s->narrow, part->lines, part->pixels);
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bconv2d *s = state;
    const uint8_t *images = s->copied ? s->steps.team->shared + s->image : s->x;
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
        if (s->chain.tile == 0) {
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

static void run(const void *state, uint8_t *scratch)
{
    const struct bconv2d *s = state;
    if (s->copied) {
        copy_image(s->steps.team->shared + s->image, s);
    }
    if (s->steps.int_out != NULL) {
        bnn_memset(s->steps.int_out, 0, s->steps.pixels * bnn_group_bytes((uint32_t)s->steps.channels));
    }
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_bconv2d = {BNN_CHECK(check), bind, run};
