/* SPDX-License-Identifier: BSD-3-Clause */
#include "popcounts.h"

#include "../port.h"

static uint32_t popcount(const uint8_t *bytes, size_t n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t v;
        bnn_memcpy(&v, bytes + i, sizeof v);
        v -= v >> 1 & 0x55555555u;
        v = (v & 0x33333333u) + (v >> 2 & 0x33333333u);
        count += ((v + (v >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
    }
    return count;
}

/* Popcount of lane `lane` of a weight block at the taps outside the class (y, x). */
static uint32_t outside(const uint8_t *block, const uint32_t *dims, size_t lane, const struct bnn_span *y,
                        const struct bnn_span *x)
{
    const size_t kernel_w = dims[3], taps = dims[2] * kernel_w;
    uint32_t count = 0;
    for (uint32_t c = 0; c < dims[4]; c += 128) {
        const size_t size = bnn_group_size(dims[4] - c);
        for (size_t t = 0; t < taps; t++) {
            size_t ky = t / kernel_w, kx = t % kernel_w;
            if (ky < y->tap || ky >= y->tap_end || kx < x->tap || kx >= x->tap_end) {
                count += popcount(block + (t * 8 + lane) * size, size);
            }
        }
        block += taps * 8 * size;
    }
    return count;
}

/* Largest acc for which odd - 2 * acc is still at least the threshold. */
static int16_t limit_of(int32_t odd, int32_t threshold)
{
    int64_t room = (int64_t)odd - threshold, limit = (room - (room & 1)) / 2;
    return (int16_t)(limit < INT16_MIN ? INT16_MIN : limit > INT16_MAX ? INT16_MAX : limit);
}

/* What accumulators start at where the taps of (y, x) are inside. */
static uint16_t start_of(const struct bnn_view *w, size_t block, size_t lane, const struct bnn_span *y,
                         const struct bnn_span *x)
{
    const size_t block_bytes = (size_t)w->dims[2] * w->dims[3] * 8 * bnn_group_bytes(w->dims[4]);
    const uint32_t inside = (y->tap_end - y->tap) * (x->tap_end - x->tap) * w->dims[4];
    return (uint16_t)(0 - inside / 2 - outside(w->data + block * block_bytes, w->dims, lane, y, x));
}

static void fill_starts(uint16_t *start, uint8_t *odd, const struct bnn_popcounts *p, const struct bnn_view *w)
{
    const size_t blocks = p->outside ? p->lanes / 8 : 1;
    for (size_t c = 0; c < p->classes; c++) {
        const struct bnn_span *y = &p->y.span[c / p->x.count], *x = &p->x.span[c % p->x.count];
        odd[c] = (uint8_t)((y->tap_end - y->tap) * (x->tap_end - x->tap) * w->dims[4] % 2);
        for (size_t i = 0; i < blocks * 8; i++) {
            start[(i / 8 * p->classes + c) * 8 + i % 8] = start_of(w, i / 8, i % 8, y, x);
        }
    }
}

static void fill_limits(int16_t *limit, const struct bnn_popcounts *p, const int32_t *threshold)
{
    for (size_t i = 0; i < 2 * p->lanes; i++) {
        size_t lane = i % p->lanes, group = lane / (8 * p->blocks), output = lane % (8 * p->blocks);
        int real = output < p->outputs; /* lanes that are not real give no bits */
        limit[i] = real ? limit_of((int32_t)(i / p->lanes), threshold[group * p->outputs + output]) : INT16_MAX;
    }
}

static int is_padded(const struct bnn_axis *axis)
{
    return axis->before > 0 || axis->after > 0;
}

/* The axis of an image that has the border in it. */
static struct bnn_axis border_inside(const struct bnn_axis *axis)
{
    struct bnn_axis whole = *axis;
    whole.in += axis->before + axis->after;
    whole.before = whole.after = 0;
    return whole;
}

void bnn_popcounts_bind(struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_view *w,
                        const struct bnn_window *window, int exact_zero, struct bnn_build *build)
{
    p->outputs = w->dims[1];
    p->blocks = (p->outputs + 7) / 8;
    p->lanes = 8 * p->blocks * w->dims[0];
    const struct bnn_axis y = exact_zero ? window->y : border_inside(&window->y);
    const struct bnn_axis x = exact_zero ? window->x : border_inside(&window->x);
    p->y = bnn_take_spans(&y, build);
    p->x = bnn_take_spans(&x, build);
    p->classes = (size_t)p->y.count * p->x.count;
    p->outside = is_padded(&y) || is_padded(&x);
    uint16_t *start = bnn_take(build, (uint64_t)p->y.count * p->x.count * (p->outside ? p->lanes : 8), sizeof *start);
    uint8_t *odd = bnn_take(build, (uint64_t)p->y.count * p->x.count, sizeof *odd);
    int16_t *limit = steps->int_threshold != NULL ? bnn_take(build, 2 * (uint64_t)p->lanes, sizeof *limit) : NULL;
    if (start != NULL && odd != NULL) {
        fill_starts(start, odd, p, w);
        for (size_t c = 1; c < p->classes; c++) {
            p->mixed |= odd[c] != odd[0];
        }
    }
    if (limit != NULL) {
        fill_limits(limit, p, steps->int_threshold);
    }
    p->start = start;
    p->odd = odd;
    p->limit = limit;
}

struct bnn_arrays bnn_popcounts_arrays(const struct bnn_steps *steps, struct bnn_build *build)
{
    const uint64_t pixels = steps->limit < steps->pixels ? steps->limit : steps->pixels;
    struct bnn_arrays arrays;
    arrays.acc = bnn_scratch(build, pixels * 8 * sizeof(uint16_t));
    arrays.classes = bnn_scratch(build, pixels * sizeof(uint32_t));
    arrays.rows = bnn_scratch(build, pixels * 8 * sizeof(float));
    return arrays;
}

void bnn_popcounts_begin(const struct bnn_work *work)
{
    const struct bnn_popcounts *p = work->popcounts;
    const struct bnn_slab *slab = work->slab;
    const uint32_t width = p->x.span[p->x.count - 1].end;
    const struct bnn_span *above = NULL; /* of the line before, if it is a whole one */
    struct bnn_run run;
    for (size_t done = 0; p->classes > 1 && done < slab->pixels; done += run.pixels) {
        run = bnn_run_at(slab, slab->pixel + done, width);
        const struct bnn_span *y = bnn_span_of(&p->y, run.y), *x = bnn_span_of(&p->x, run.x);
        uint32_t *classes = work->classes + done;
        if (y == above && run.pixels == width) {
            bnn_memcpy(classes, classes - width, width * sizeof *classes);
            continue;
        }
        const uint32_t first = (uint32_t)(y - p->y.span) * p->x.count;
        for (uint32_t i = run.x; i < run.x + run.pixels; i++) {
            x += x->end == i;
            *classes++ = first + (uint32_t)(x - p->x.span);
        }
        above = run.pixels == width ? y : NULL;
    }
}

/* A block's starts: [class][8]. */
static const uint16_t *starts(const struct bnn_popcounts *p, size_t block)
{
    return p->start + (p->outside ? block * p->classes * 8 : 0);
}

void bnn_popcounts_start(const struct bnn_work *work, size_t block)
{
    const struct bnn_popcounts *p = work->popcounts;
    const uint32_t *classes = p->classes > 1 ? work->classes : NULL;
    work->steps->kernels->acc_start(work->acc, starts(p, block), classes, work->slab->pixels);
}

void bnn_popcounts_emit_bits(const struct bnn_work *work, const struct bnn_block *block, const uint16_t *acc, size_t odd,
                             size_t first, size_t pixels)
{
    const struct bnn_steps *steps = work->steps;
    const struct bnn_popcounts *p = work->popcounts;
    const int16_t *limit = p->limit + odd * p->lanes + (block->group * p->blocks + block->block) * 8;
    size_t step;
    uint8_t *out = steps->int_out + bnn_slab_bits(work->slab, steps->pixels, &step) + first * step;
    const uint32_t column = (uint32_t)block->column, size = (uint32_t)step;
    if (block->lane == 0 && column % 8 == 0) {
        steps->kernels->acc_bits(out + bnn_bit_byte(column, size), acc, limit, pixels, step, bnn_bit_shift(column, size));
        return;
    }
    /* Convolution groups whose outputs are no multiple of 8: their blocks do not start at a byte of 8 outputs. */
    for (uint32_t i = 0; i < block->lanes; i++) {
        uint8_t *byte = out + bnn_bit_byte(column + i, size);
        for (size_t pixel = 0, lane = block->lane + i; pixel < pixels; pixel++) {
            byte[pixel * step] |= (uint8_t)(((int16_t)acc[8 * pixel + lane] > limit[lane]) << bnn_bit_shift(column + i, size));
        }
    }
}

/* Floats of pixels [first, first + pixels) of the slab: v = dot, through the AFFINE that follows if there is one. */
static void emit_floats(const struct bnn_work *work, const struct bnn_block *block, const uint16_t *acc, size_t odd,
                        size_t first, size_t pixels)
{
    const struct bnn_steps *steps = work->steps;
    const size_t channel = work->slab->channel + block->column;
    float *out = (float *)(void *)((uint8_t *)work->place + first * work->step);
    struct bnn_acc_affine affine = {.mul = steps->mul + channel, .add = steps->add + channel, .odd = odd};
    if (block->lanes == 8) {
        steps->kernels->acc_affine(out + block->column, acc, &affine, pixels, work->step);
        return;
    }
    float mul[8] = {0}, add[8] = {0};
    bnn_memcpy(mul + block->lane, affine.mul, block->lanes * sizeof mul[0]);
    bnn_memcpy(add + block->lane, affine.add, block->lanes * sizeof add[0]);
    affine.mul = mul;
    affine.add = add;
    steps->kernels->acc_affine(work->rows, acc, &affine, pixels, 8 * sizeof(float));
    bnn_place_lanes(out, work->step, work->rows, block, pixels);
}

/* Pixels [first, first + pixels) of the slab, all of the same odd. */
static void emit(const struct bnn_work *work, const struct bnn_block *block, size_t odd, size_t first, size_t pixels)
{
    const uint16_t *acc = work->acc + 8 * first;
    if (work->popcounts->limit != NULL) {
        bnn_popcounts_emit_bits(work, block, acc, odd, first, pixels);
    }
    if (work->steps->floats) {
        emit_floats(work, block, acc, odd, first, pixels);
    }
}

void bnn_popcounts_emit(const struct bnn_work *work, const struct bnn_block *block)
{
    const struct bnn_popcounts *p = work->popcounts;
    const size_t pixels = work->slab->pixels;
    if (!p->mixed) {
        emit(work, block, p->odd[0], 0, pixels);
        return;
    }
    for (size_t begin = 0, end; begin < pixels; begin = end) {
        const size_t odd = p->odd[work->classes[begin]];
        end = begin + 1;
        /* As far as the popcounts are the same, at most to the end. */
        while (end < pixels && p->odd[work->classes[end]] == odd) {
            end++;
        }
        emit(work, block, odd, begin, end - begin);
    }
}
