/* SPDX-License-Identifier: BSD-3-Clause
 *
 * bconv2d: binary convolution. The kernels know no borders and no convolution groups: where there are any, the packed input
 * is copied first into an image that has the border in it, and each group's channels in groups of their own.
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
    size_t height, width;   /* of the image that the kernels see */
    size_t image_bytes;     /* of one convolution group */
    size_t block_bytes;     /* of weights */
    struct bnn_bconv wide, narrow; /* channel groups of 128, and the last one if it is of 64 */
    struct bnn_chained chain;
    uint64_t image, acc, rows, tile; /* offsets in scratch */
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

/* One row of taps per channel group of 128 (64) and kernel row. */
static struct bnn_bconv take_rows(const struct bconv2d *s, size_t first_group, size_t group_count, size_t size,
                                  struct bnn_build *build)
{
    const size_t kernel_h = s->window.y.kernel, kernel_w = s->window.x.kernel;
    const size_t row_bytes = s->width * size, first_image = first_group * s->height * s->width * 16;
    const size_t first_weights = first_group * kernel_h * kernel_w * 8 * 16;
    struct bnn_bconv p = {
        .row_count = group_count * kernel_h,
        .taps = kernel_w,
        .tap_step = s->window.x.dilation * size,
        .pixel_step = s->window.x.stride * size,
    };
    struct bnn_row *rows = bnn_take(build, p.row_count, sizeof *rows);
    for (size_t i = 0; rows != NULL && i < p.row_count; i++) {
        size_t group = i / kernel_h, ky = i % kernel_h;
        rows[i].x = (uint32_t)(first_image + (group * s->height + ky * s->window.y.dilation) * row_bytes);
        rows[i].w = (uint32_t)(first_weights + i * kernel_w * 8 * size);
    }
    p.rows = rows;
    return p;
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
    struct bnn_axis *ay = &s.window.y, *ax = &s.window.x;
    const int padded = ay->before > 0 || ay->after > 0 || ax->before > 0 || ax->after > 0;
    if (!padded && ay->kernel == 1 && ax->kernel == 1 && ay->stride == 1 && ax->stride == 1) {
        /* Pixels in a row, pixels in an image: the same to a 1x1 kernel, and longer runs are better. */
        ax->in = ax->out = ay->in * ax->in;
        ay->in = ay->out = 1;
    }
    s.height = (size_t)ay->in + ay->before + ay->after;
    s.width = (size_t)ax->in + ax->before + ax->after;
    s.copied = padded || (s.groups > 1 && s.channels % 128 != 0);
    s.image_bytes = s.height * s.width * bnn_group_bytes(s.channels);
    const size_t rest = s.channels % 128, wide = s.channels / 128 + (rest > 64);
    s.wide = take_rows(&s, 0, wide, 16, build);
    s.narrow = take_rows(&s, wide, rest >= 1 && rest <= 64, 8, build);
    bnn_steps_bind(&s.steps, op, 2, &value, ax->out, build);
    bnn_popcounts_bind(&s.popcounts, &s.steps, &w, &s.window, s.border == 0, build);
    const struct bnn_chain_layer layer = {
        .wide = &s.wide,
        .narrow = &s.narrow,
        .pixel_step = (size_t)ax->stride * 8,
        .row_step = (size_t)ay->stride * s.width * 8,
        .width = ax->out,
        .weights = s.w,
        .blocks = s.groups * s.popcounts.blocks,
        .block_bytes = s.block_bytes,
    };
    s.chain = bnn_take_chain(&layer, &s.steps, build);
    s.image = bnn_scratch(build, s.copied ? (uint64_t)s.image_bytes * s.groups : 0);
    s.acc = bnn_scratch(build, BNN_RUN * 8 * sizeof(uint16_t));
    s.rows = bnn_scratch(build, BNN_POPCOUNTS_SCRATCH);
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = value.pixels * value.channels * w.dims[2] * w.dims[3] * w.dims[4];
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

static uint8_t *fill(uint8_t *out, const uint8_t *pattern, size_t size, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, out += size) {
        bnn_memcpy(out, pattern, size);
    }
    return out;
}

/* A row of input pixels for channels [first, first + count), at most 128, as a channel group of its own. */
static uint8_t *copy_row(uint8_t *out, const struct bconv2d *s, size_t row, uint32_t first, uint32_t count)
{
    const uint32_t size = bnn_group_size(count), all = s->groups * s->channels;
    const size_t width = s->window.x.in, plane = s->window.y.in * width;
    if (first % 128 == 0 && (count == 128 || first + count == all)) {
        bnn_memcpy(out, s->x + first / 128 * 16 * plane + row * width * size, width * size);
        return out + width * size;
    }
    bnn_memset(out, 0, width * size);
    for (uint32_t c = 0; c < count; c++) {
        uint32_t from = (first + c) / 128 * 128, from_size = bnn_group_size(all - from < 128 ? all - from : 128);
        uint32_t shift = bnn_bit_shift(first + c - from, from_size), to_shift = bnn_bit_shift(c, size);
        const uint8_t *in = s->x + from / 8 * plane + row * width * from_size + bnn_bit_byte(first + c - from, from_size);
        uint8_t *to = out + bnn_bit_byte(c, size);
        for (size_t i = 0; i < width; i++) {
            to[i * size] |= (uint8_t)((in[i * from_size] >> shift & 1) << to_shift);
        }
    }
    return out + width * size;
}

/* The image that the kernels see: for each convolution group, for each of its channel groups, rows of pixels. A border of
 * -1 is bits 1 in real channels; of +1 or 0, bits 0. */
static void copy_image(uint8_t *out, const struct bconv2d *s)
{
    const struct bnn_axis *ay = &s->window.y, *ax = &s->window.x;
    for (uint32_t g = 0; g < s->groups; g++) {
        for (uint32_t c = 0; c < s->channels; c += 128) {
            const uint32_t count = s->channels - c < 128 ? s->channels - c : 128, size = bnn_group_size(count);
            uint8_t pattern[16] = {0};
            if (s->border < 0) {
                bnn_group_mask(pattern, count);
            }
            out = fill(out, pattern, size, ay->before * s->width);
            for (uint32_t row = 0; row < ay->in; row++) {
                out = fill(out, pattern, size, ax->before);
                out = copy_row(out, s, row, g * s->channels + c, count);
                out = fill(out, pattern, size, ax->after);
            }
            out = fill(out, pattern, size, ay->after * s->width);
        }
    }
}

/* Popcounts of a block over a slab: acc [slab.pixels][8]. */
static void count(const struct bconv2d *s, uint16_t *acc, const uint8_t *x, const uint8_t *w, const struct bnn_slab *slab)
{
    const struct bnn_kernels *kernels = s->steps.kernels;
    struct bnn_run run;
    bnn_memset(acc, 0, slab->pixels * 8 * sizeof acc[0]);
    for (size_t done = 0; done < slab->pixels; done += run.pixels, acc += run.pixels * 8) {
        run = bnn_run_at(slab, slab->pixel + done, s->window.x.out);
        const size_t first = (size_t)run.y * s->window.y.stride * s->width + (size_t)run.x * s->window.x.stride;
        if (s->wide.row_count > 0) {
            kernels->bconv128(acc, x + first * 16, w, &s->wide, run.pixels);
        }
        if (s->narrow.row_count > 0) {
            kernels->bconv64(acc, x + first * 8, w, &s->narrow, run.pixels);
        }
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bconv2d *s = state;
    const uint8_t *images = s->copied ? scratch + s->image : s->x;
    uint16_t *acc = (uint16_t *)(void *)(scratch + s->acc);
    struct bnn_target target = {
        .slab = slab,
        .rows = (float *)(void *)(scratch + s->rows),
        .stretch = bnn_popcounts_stretch(&s->popcounts, slab->pixel),
    };
    target.place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &target.step);
    struct bnn_block block;
    size_t prepared = SIZE_MAX; /* convolution group */
    for (size_t column = 0; column < slab->channels; column += block.lanes) {
        block = bnn_block_at(slab, column, s->popcounts.outputs);
        const uint8_t *x = images + block.group * s->image_bytes;
        const size_t weights = block.group * s->popcounts.blocks + block.block;
        if (s->chain.tile == 0) {
            count(s, acc, x, s->w + weights * s->block_bytes, slab);
        } else {
            if (block.group != prepared) {
                bnn_chain_prepare(&s->chain, s->steps.kernels, x, slab, scratch);
                prepared = block.group;
            }
            bnn_chain_count(&s->chain, s->steps.kernels, acc, weights, slab, scratch);
        }
        bnn_popcounts_emit(&s->popcounts, &s->steps, &target, &block, acc);
    }
    if (s->steps.floats) {
        bnn_steps_run(&s->steps, slab, target.place, target.step, target.place, target.step);
    }
}

static void run(const void *state, uint8_t *scratch)
{
    const struct bconv2d *s = state;
    if (s->copied) {
        copy_image(scratch + s->image, s);
    }
    if (s->steps.int_out != NULL) {
        bnn_memset(s->steps.int_out, 0, s->steps.pixels * bnn_group_bytes((uint32_t)s->steps.channels));
    }
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}

const struct bnn_op_code bnn_op_bconv2d = {check, bind, run};
