/* SPDX-License-Identifier: BSD-3-Clause */
#include "image.h"

#include "../port.h"

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

void bnn_image_bind(struct bnn_image *image, struct bnn_build *build)
{
    const struct bnn_axis *ay = &image->window.y, *ax = &image->window.x;
    image->height = (size_t)ay->in + ay->before + ay->after;
    image->width = ((size_t)ax->in + ax->before + ax->after + ax->stride - 1) / ax->stride;
    image->uses_line = take_uses(ay, build);
    image->uses_column = take_uses(ax, build);
}

uint64_t bnn_image_bytes(const struct bnn_image *image)
{
    const size_t rest = image->channels % 128, narrow = rest >= 1 && rest <= 64;
    const uint64_t pixel = bnn_group_bytes(image->channels) - narrow * 8 + narrow * image->narrow_pixel;
    return (uint64_t)image->height * image->window.x.stride * image->width * pixel;
}

/* A channel group of a convolution group, as the image has it. */
struct group {
    uint32_t first, count; /* channels of x */
    size_t size, to;       /* bytes of a pixel: in x, in the image */
    uint8_t border[16];
};

/* Pixels of border. The sizes are written out so that compilers know them. */
static uint8_t *fill(uint8_t *out, const struct group *g, size_t pixels)
{
    if (g->to == 16) {
        for (size_t i = 0; i < pixels; i++) {
            bnn_memcpy(out + 16 * i, g->border, 16);
        }
    } else {
        for (size_t i = 0; i < pixels; i++) {
            bnn_memcpy(out + 8 * i, g->border, 8);
        }
    }
    return out + pixels * g->to;
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
static void gather_pixels(uint8_t *out, const struct bnn_image *image, const struct group *g, size_t in, size_t step,
                          size_t pixels)
{
    const uint32_t all = image->groups * image->channels;
    const size_t plane = (size_t)image->window.y.in * image->window.x.in;
    bnn_memset(out, 0, pixels * g->to);
    for (uint32_t c = 0; c < g->count; c++) {
        const uint32_t channel = g->first + c, from = channel / 128 * 128;
        const uint32_t size = bnn_group_size(all - from < 128 ? all - from : 128);
        const uint32_t shift = bnn_bit_shift(channel - from, size), to_shift = bnn_bit_shift(c, (uint32_t)g->size);
        const uint8_t *x = image->x + from / 8 * plane + in * size + bnn_bit_byte(channel - from, size);
        uint8_t *to = out + bnn_bit_byte(c, (uint32_t)g->size);
        for (size_t i = 0; i < pixels; i++) {
            to[i * g->to] |= (uint8_t)((x[i * step * size] >> shift & 1) << to_shift);
        }
    }
    if (g->to != g->size) {
        copy_twice(out, out, g->to, pixels);
    }
}

/* Columns column, column + stride, ... of a row of x. */
static uint8_t *copy_columns(uint8_t *out, const struct bnn_image *image, const struct group *g, size_t row, size_t column,
                             size_t pixels)
{
    const uint32_t all = image->groups * image->channels;
    const size_t stride = image->window.x.stride, plane = (size_t)image->window.y.in * image->window.x.in;
    const size_t in = row * image->window.x.in + column;
    uint8_t *end = out + pixels * g->to;
    if (g->first % 128 != 0 || (g->count != 128 && g->first + g->count != all)) {
        gather_pixels(out, image, g, in, stride, pixels);
        return end;
    }
    const uint8_t *x = image->x + g->first / 8 * plane + in * g->size;
    if (g->to != g->size) {
        copy_twice(out, x, stride * g->size, pixels);
    } else {
        copy_pixels(out, x, stride * g->size, g->size, pixels);
    }
    return end;
}

/* A line of the image from a row of x, phase by phase. */
static void copy_line(uint8_t *out, const struct bnn_image *image, const struct group *g, size_t row)
{
    const size_t stride = image->window.x.stride, before = image->window.x.before, end = before + image->window.x.in;
    for (size_t phase = 0; phase < stride; phase++, out += image->width * g->to) {
        if (image->uses_column[phase]) {
            /* Pixel i is column i * stride + phase; the columns of x are [before, end). */
            const size_t first = before > phase ? (before - phase + stride - 1) / stride : 0;
            const size_t behind = end > phase ? (end - phase + stride - 1) / stride : 0;
            uint8_t *to = fill(out, g, first);
            to = copy_columns(to, image, g, row, first * stride + phase - before, behind - first);
            fill(to, g, image->width - behind);
        }
    }
}

void bnn_image_copy(uint8_t *out, const struct bnn_image *image)
{
    const struct bnn_axis *ay = &image->window.y;
    for (uint32_t i = 0, channels; i < image->groups * image->channels; i += channels) {
        const uint32_t left = image->channels - i % image->channels;
        channels = left < 128 ? left : 128;
        const uint32_t size = bnn_group_size(channels);
        struct group g = {.first = i, .count = channels, .size = size, .to = size == 16 ? 16 : image->narrow_pixel};
        if (image->border < 0) {
            bnn_group_mask(g.border, channels);
        }
        if (g.to != g.size) {
            copy_twice(g.border, g.border, 16, 1);
        }
        const size_t line = image->window.x.stride * image->width; /* pixels */
        out = fill(out, &g, ay->before * line);
        for (uint32_t row = 0; row < ay->in; row++, out += line * g.to) {
            if (image->uses_line[(row + ay->before) % ay->stride]) {
                copy_line(out, image, &g, row);
            }
        }
        out = fill(out, &g, ay->after * line);
    }
}
