/* SPDX-License-Identifier: BSD-3-Clause */
#include "gather.h"

#include "blocks.h"

#include "../port.h"

#define PANEL_BYTES 131072
#define FEWEST 12
#define MOST 48 /* rows of output that are a power of 2 apart find room in the nearest cache, 64 of them at most */

size_t bnn_gather_limit(size_t k, int binary)
{
    const size_t fit = PANEL_BYTES / sizeof(float) / (k > 0 ? k : 1) / FEWEST * FEWEST;
    if (binary || fit > MOST) {
        return MOST; /* binary weights become floats for each panel, which many pixels should share */
    }
    return fit < FEWEST ? FEWEST : fit;
}

/* Outputs whose taps are all inside; begin == end: none. */
static struct bnn_span inner_of(const struct bnn_axis *a, const struct bnn_spans *spans)
{
    for (uint32_t i = 0; i < spans->count; i++) {
        if (spans->span[i].tap == 0 && spans->span[i].tap_end == a->kernel) {
            return spans->span[i]; /* bounds on taps only fall, so there is one such span */
        }
    }
    return (struct bnn_span){.begin = 0, .end = 0};
}

/* Offsets of pixels that have taps outside may wrap around; they are never used. */
static void fill_offsets(uint32_t *offsets, const struct bnn_gather *g)
{
    const struct bnn_axis *y = &g->window.y, *x = &g->window.x;
    const size_t runs = x->kernel / g->taps_per_run, pixel = g->pixel_floats * sizeof(float);
    for (size_t i = 0; i < g->count; i++) {
        offsets[i] = (uint32_t)((i / runs * y->dilation * x->in + i % runs * x->dilation) * pixel);
        offsets[g->count + i] = (uint32_t)(i * (g->k / g->count) * sizeof(float));
    }
}

void bnn_gather_bind(struct bnn_gather *g, const struct bnn_window *window, const float *x, size_t groups, size_t channels,
                     size_t pixels, struct bnn_build *build)
{
    const size_t kernel = window->x.kernel;
    *g = (struct bnn_gather){
        .kernels = build->kernels,
        .window = *window,
        .x = x,
        .channels = channels,
        .pixel_floats = groups * channels,
        .k = (size_t)window->y.kernel * kernel * channels,
        .taps_per_run = groups == 1 && window->x.dilation == 1 ? kernel : 1,
    };
    g->count = window->y.kernel * kernel / g->taps_per_run;
    g->y_spans = bnn_take_spans(&g->window.y, build);
    g->x_spans = bnn_take_spans(&g->window.x, build);
    uint32_t *offsets = bnn_take(build, 2 * (uint64_t)g->count, sizeof *offsets);
    if (offsets != NULL) {
        g->inner_y = inner_of(&g->window.y, &g->y_spans);
        g->inner_x = inner_of(&g->window.x, &g->x_spans);
        fill_offsets(offsets, g);
    }
    g->offsets = offsets;
    g->at = bnn_scratch(build, bnn_panel_step(pixels));
    g->column = bnn_scratch(build, 4 * (uint64_t)g->k * sizeof(float));
}

void bnn_gather_pixel(const struct bnn_gather *g, float *column, uint32_t y, uint32_t x, size_t group)
{
    const struct bnn_axis *ay = &g->window.y, *ax = &g->window.x;
    const struct bnn_span *ys = bnn_span_of(&g->y_spans, y), *xs = bnn_span_of(&g->x_spans, x);
    const uint32_t taps = xs->tap_end - xs->tap, step = g->taps_per_run > 1 ? taps : 1;
    const struct bnn_tile rows = {
        .pixels = ys->tap_end - ys->tap,
        .channels = step * g->channels,
        .out_step = ax->kernel * g->channels * sizeof *column,
        .x_step = (size_t)ay->dilation * ax->in * g->pixel_floats * sizeof *column,
    };
    bnn_memset(column, 0, g->k * sizeof *column);
    if (rows.pixels == 0 || taps == 0) {
        return;
    }
    const float *from = g->x + (size_t)bnn_tap(ay, y, ys->tap) * ax->in * g->pixel_floats + group * g->channels;
    for (uint32_t kx = xs->tap; kx < xs->tap_end; kx += step) {
        g->kernels->copy_f32(column + ((size_t)ys->tap * ax->kernel + kx) * g->channels,
                             from + (size_t)bnn_tap(ax, x, kx) * g->pixel_floats, &rows);
    }
}

/* Columns [begin, end) of the panel, all of pixels that are inside. */
static void take_inner(const struct bnn_gather *g, const struct bnn_panel *p, float *panel, size_t group, const uint32_t *at,
                       size_t begin, size_t end)
{
    if (begin < end) {
        g->kernels->panel_f32(panel + begin, g->x + group * g->channels, p, at + begin, end - begin);
    }
}

static int is_inner(const struct bnn_span *inner, uint32_t output)
{
    return output - inner->begin < inner->end - inner->begin;
}

/* Byte of x; of a tap outside it may wrap around. */
static size_t first_tap(const struct bnn_gather *g, uint32_t y, uint32_t x)
{
    const size_t pixel = (size_t)bnn_tap(&g->window.y, y, 0) * g->window.x.in + (size_t)bnn_tap(&g->window.x, x, 0);
    return pixel * g->pixel_floats * sizeof(float);
}

/* From output pixel to output pixel. */
struct walk {
    const struct bnn_gather *g;
    size_t left; /* pixels */
    size_t step; /* bytes of x */
    struct bnn_run run;
    size_t offset; /* of its first tap */
};

static void next_pixels(struct walk *walk, uint32_t count)
{
    walk->left -= count;
    walk->offset += count * walk->step;
    walk->run.x += count;
    if (walk->run.x == walk->g->window.x.out) {
        walk->run.x = 0;
        walk->offset = first_tap(walk->g, ++walk->run.y, 0);
    }
}

/* Bytes of the next 4 pixels, of which the last one is repeated, if all taps of all are inside; otherwise 0. */
static int next_four(struct walk *walk, uint32_t *at)
{
    const struct bnn_span *x = &walk->g->inner_x;
    if (walk->left > 4 && is_inner(&walk->g->inner_y, walk->run.y) && x->begin <= walk->run.x && walk->run.x + 4 <= x->end) {
        for (size_t j = 0; j < 4; j++) {
            at[j] = (uint32_t)(walk->offset + j * walk->step);
        }
        next_pixels(walk, 4);
        return 1;
    }
    int all = 1;
    for (size_t j = 0; j < 4; j++) {
        all &= is_inner(&walk->g->inner_y, walk->run.y) & is_inner(x, walk->run.x);
        at[j] = (uint32_t)walk->offset;
        if (walk->left > 1) {
            next_pixels(walk, 1);
        }
    }
    return all;
}

void bnn_gather_run(const struct bnn_gather *g, float *panel, const struct bnn_slab *slab, size_t group, uint8_t *scratch)
{
    const struct bnn_axis *ax = &g->window.x;
    const uint32_t bytes = (uint32_t)(g->k * sizeof(float)), columns[4] = {0, bytes, 2 * bytes, 3 * bytes};
    const size_t pixel = g->pixel_floats * sizeof(float);
    const struct bnn_panel inner = {g->offsets, g->count, g->k / g->count, bnn_panel_step(slab->pixels)};
    const struct bnn_panel written = {g->offsets + g->count, g->count, inner.run, inner.step};
    uint32_t *at = (uint32_t *)(void *)(scratch + g->at);
    float *column = (float *)(void *)(scratch + g->column);
    struct walk walk = {g, slab->pixels, ax->stride * pixel, bnn_run_at(slab, slab->pixel, ax->out), 0};
    walk.offset = first_tap(g, walk.run.y, walk.run.x);
    size_t done = 0;
    for (size_t i = 0; i < slab->pixels; i += 4) {
        if (!next_four(&walk, at + i)) {
            take_inner(g, &inner, panel, group, at, done, i);
            for (size_t j = 0; j < 4; j++) {
                const size_t last = slab->pixels - 1, p = slab->pixel + (i + j < last ? i + j : last);
                bnn_gather_pixel(g, column + j * g->k, (uint32_t)(p / ax->out), (uint32_t)(p % ax->out), group);
            }
            g->kernels->panel_f32(panel + i, column, &written, columns, 4);
            done = i + 4;
        }
    }
    take_inner(g, &inner, panel, group, at, done, (slab->pixels + 3) / 4 * 4);
}
