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

uint16_t bnn_popcount_limit(int32_t base, int32_t threshold)
{
    int64_t room = (int64_t)base - threshold, limit = room < 0 ? 0 : room / 2 + 1;
    return limit < 65535 ? (uint16_t)limit : 65535;
}

/* channels * (taps outside) of a class. */
static uint32_t lost(const struct bnn_popcounts *p, const struct bnn_span *y, const struct bnn_span *x)
{
    return (p->kernel_h * p->kernel_w - (y->tap_end - y->tap) * (x->tap_end - x->tap)) * p->channels;
}

static const uint16_t *take_changes(const struct bnn_popcounts *p, const struct bnn_view *w, const struct bnn_spans *ys,
                                    const struct bnn_spans *xs, struct bnn_build *build)
{
    const size_t block_bytes = (size_t)p->kernel_h * p->kernel_w * 8 * bnn_group_bytes(p->channels);
    const uint64_t classes = (uint64_t)ys->count * xs->count;
    uint16_t *change = bnn_take(build, classes * p->lanes, sizeof *change);
    for (size_t c = 0; change != NULL && c < classes; c++) {
        const struct bnn_span *y = &ys->span[c / xs->count], *x = &xs->span[c % xs->count];
        for (size_t i = 0; i < p->lanes; i++) {
            uint32_t added = outside(w->data + i / 8 * block_bytes, w->dims, i % 8, y, x);
            change[c * p->lanes + i] = (uint16_t)(lost(p, y, x) / 2 - added);
        }
    }
    return change;
}

static void take_stretches(struct bnn_popcounts *p, const struct bnn_window *window, const struct bnn_spans *ys,
                           const struct bnn_spans *xs, struct bnn_build *build)
{
    /* Room for rows that all have taps outside; most have them left and right only. */
    struct bnn_stretch *stretch = bnn_take(build, (uint64_t)window->y.out * xs->count, sizeof *stretch);
    p->stretch = stretch;
    for (uint32_t row = 0; stretch != NULL && row < window->y.out; row++) {
        const struct bnn_span *y = bnn_span_of(ys, row);
        for (uint32_t i = 0; i < xs->count; i++) {
            const struct bnn_span *x = &xs->span[i];
            const uint32_t first = row * window->x.out, class = (uint32_t)(y - ys->span) * xs->count + i;
            if (lost(p, y, x) > 0) {
                stretch[p->stretches++] = (struct bnn_stretch){first + x->begin, first + x->end, class, lost(p, y, x) % 2};
            }
        }
    }
}

static const uint16_t *take_limits(const struct bnn_popcounts *p, const int32_t *threshold, struct bnn_build *build)
{
    uint16_t *limit = bnn_take(build, (uint64_t)p->parities * p->lanes, sizeof *limit);
    for (size_t i = 0; limit != NULL && i < (size_t)p->parities * p->lanes; i++) {
        const size_t lane = i % p->lanes, output = lane % (p->blocks * 8), group = lane / (p->blocks * 8);
        const int real = output < p->outputs; /* lanes that are not real give no bits */
        limit[i] = real ? bnn_popcount_limit(p->base[i / p->lanes][0], threshold[group * p->outputs + output]) : 65535;
    }
    return limit;
}

void bnn_popcounts_bind(struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_view *w,
                        const struct bnn_window *window, int exact_zero, struct bnn_build *build)
{
    const struct bnn_axis *ay = &window->y, *ax = &window->x;
    const int padded = ay->before > 0 || ay->after > 0 || ax->before > 0 || ax->after > 0;
    *p = (struct bnn_popcounts){
        .outputs = w->dims[1],
        .blocks = ((size_t)w->dims[1] + 7) / 8,
        .channels = w->dims[4],
        .kernel_h = w->dims[2],
        .kernel_w = w->dims[3],
        .parities = exact_zero && padded ? 1 + w->dims[4] % 2 : 1,
    };
    p->lanes = 8 * p->blocks * w->dims[0];
    for (size_t i = 0; i < 16; i++) {
        p->base[i / 8][i % 8] = (int32_t)(p->kernel_h * p->kernel_w * p->channels) - (int32_t)(i / 8);
    }
    if (exact_zero && padded) {
        const struct bnn_spans ys = bnn_take_spans(ay, build), xs = bnn_take_spans(ax, build);
        p->change = take_changes(p, w, &ys, &xs, build);
        take_stretches(p, window, &ys, &xs, build);
    }
    if (steps->int_threshold != NULL) {
        p->limit = take_limits(p, steps->int_threshold, build);
    }
}

/* Bits of pixels [first, first + pixels) of the slab. */
static void emit_bits(const struct bnn_steps *steps, const struct bnn_slab *slab, const struct bnn_block *block,
                      const uint16_t *acc, const uint16_t *limit, size_t first, size_t pixels)
{
    size_t step;
    uint8_t *out = steps->int_out + bnn_slab_bits(slab, steps->pixels, &step) + first * step;
    uint32_t column = (uint32_t)block->column, size = (uint32_t)step;
    if (block->lane == 0 && column % 8 == 0) {
        steps->kernels->acc_bits(out + bnn_bit_byte(column, size), acc, limit, pixels, step, bnn_bit_shift(column, size));
        return;
    }
    /* Convolution groups whose outputs are no multiple of 8: their blocks do not start at a byte of 8 outputs. */
    for (uint32_t i = 0; i < block->lanes; i++) {
        uint8_t *byte = out + bnn_bit_byte(column + i, size);
        for (size_t p = 0, lane = block->lane + i; p < pixels; p++) {
            byte[p * step] |= (uint8_t)((acc[8 * p + lane] >= limit[lane]) << bnn_bit_shift(column + i, size));
        }
    }
}

/* Floats of pixels [first, first + pixels) of the slab: v = dot, through the AFFINE that follows if there is one. */
static void emit_floats(const struct bnn_steps *steps, const struct bnn_target *target, const struct bnn_block *block,
                        const uint16_t *acc, const int32_t *base, size_t first, size_t pixels)
{
    static const float ones[8] = {1, 1, 1, 1, 1, 1, 1, 1}, zeros[8];
    const size_t channel = target->slab->channel + block->column;
    float *out = (float *)(void *)((uint8_t *)target->place + first * target->step);
    struct bnn_acc_affine affine = {.base = base, .mul = ones, .add = zeros};
    if (block->lanes == 8) {
        if (steps->mul != NULL) {
            affine.mul = steps->mul + channel;
            affine.add = steps->add + channel;
        }
        steps->kernels->acc_affine(out + block->column, acc, &affine, pixels, target->step);
        return;
    }
    float mul[8] = {0}, add[8] = {0};
    if (steps->mul != NULL) {
        bnn_memcpy(mul + block->lane, steps->mul + channel, block->lanes * sizeof mul[0]);
        bnn_memcpy(add + block->lane, steps->add + channel, block->lanes * sizeof add[0]);
        affine.mul = mul;
        affine.add = add;
    }
    steps->kernels->acc_affine(target->rows, acc, &affine, pixels, 8 * sizeof(float));
    bnn_place_lanes(out, target->step, target->rows, block, pixels);
}

/* Pixels [begin, end) of the slab. */
static void emit(const struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_target *target,
                 const struct bnn_block *block, const uint16_t *acc, size_t parity, size_t begin, size_t end)
{
    acc += 8 * begin;
    if (p->limit != NULL) {
        const size_t lane = (block->group * p->blocks + block->block) * 8;
        emit_bits(steps, target->slab, block, acc, p->limit + parity * p->lanes + lane, begin, end - begin);
    }
    if (steps->floats) {
        emit_floats(steps, target, block, acc, p->base[parity], begin, end - begin);
    }
}

size_t bnn_popcounts_stretch(const struct bnn_popcounts *p, size_t pixel)
{
    size_t low = 0, high = p->stretches;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (p->stretch[middle].end > pixel) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* A slab's part of a stretch: pixels [*begin, return value) of the slab. */
static size_t clip(const struct bnn_stretch *stretch, const struct bnn_slab *slab, size_t *begin)
{
    const size_t end = stretch->end - slab->pixel;
    *begin = stretch->begin > slab->pixel ? stretch->begin - slab->pixel : 0;
    return end < slab->pixels ? end : slab->pixels;
}

static void add_to_pixels(uint16_t *restrict acc, const uint16_t *restrict change, size_t pixels)
{
    for (size_t p = 0; p < pixels; p++) {
        for (size_t j = 0; j < 8; j++) {
            acc[8 * p + j] = (uint16_t)(acc[8 * p + j] + change[j]);
        }
    }
}

void bnn_popcounts_emit(const struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_target *target,
                        const struct bnn_block *block, uint16_t *acc)
{
    const struct bnn_slab *slab = target->slab;
    const size_t lane = (block->group * p->blocks + block->block) * 8;
    size_t begin, done = 0;
    for (size_t i = target->stretch; i < p->stretches && p->stretch[i].begin < slab->pixel + slab->pixels; i++) {
        const size_t end = clip(&p->stretch[i], slab, &begin);
        add_to_pixels(acc + 8 * begin, p->change + p->stretch[i].class * p->lanes + lane, end - begin);
        if (p->stretch[i].parity != 0) {
            emit(p, steps, target, block, acc, 0, done, begin);
            emit(p, steps, target, block, acc, 1, begin, end);
            done = end;
        }
    }
    emit(p, steps, target, block, acc, 0, done, slab->pixels);
}
