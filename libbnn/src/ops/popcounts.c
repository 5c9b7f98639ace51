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

/* Smallest popcount for which base - 2 * popcount < threshold. Popcounts are below 65535. */
static uint16_t limit_of(int32_t base, int32_t threshold)
{
    int64_t room = (int64_t)base - threshold, limit = room < 0 ? 0 : room / 2 + 1;
    return limit < 65535 ? (uint16_t)limit : 65535;
}

static void fill_class(int32_t *base, uint16_t *limit, const struct bnn_popcounts *p, const struct bnn_steps *steps,
                       const struct bnn_view *w, const struct bnn_span *y, const struct bnn_span *x)
{
    const uint32_t *dims = w->dims;
    const size_t block_bytes = (size_t)dims[2] * dims[3] * 8 * bnn_group_bytes(dims[4]);
    const uint32_t inside = (y->tap_end - y->tap) * (x->tap_end - x->tap) * dims[4];
    for (size_t i = 0; i < p->lanes; i++) {
        size_t output = i % (p->blocks * 8), group = i / (p->blocks * 8);
        int real = output < p->outputs; /* lanes that are not real give no bits */
        base[i] = (int32_t)(inside + 2 * outside(w->data + i / 8 * block_bytes, dims, i % 8, y, x));
        if (limit != NULL) {
            limit[i] = real ? limit_of(base[i], steps->int_threshold[group * p->outputs + output]) : 65535;
        }
    }
}

void bnn_popcounts_bind(struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_view *w,
                        const struct bnn_window *window, int exact_zero, struct bnn_build *build)
{
    p->outputs = w->dims[1];
    p->blocks = (p->outputs + 7) / 8;
    p->channels = w->dims[4];
    p->lanes = 8 * p->blocks * w->dims[0];
    p->y = bnn_take_spans(&window->y, !exact_zero, build);
    p->x = bnn_take_spans(&window->x, !exact_zero, build);
    const uint64_t entries = (uint64_t)p->y.count * p->x.count * p->lanes;
    int32_t *base = bnn_take(build, entries, sizeof *base);
    uint16_t *limit = steps->int_threshold != NULL ? bnn_take(build, entries, sizeof *limit) : NULL;
    p->base = base;
    p->limit = limit;
    for (size_t i = 0; base != NULL && i < (size_t)p->y.count * p->x.count; i++) {
        fill_class(base + i * p->lanes, limit == NULL ? NULL : limit + i * p->lanes, p, steps, w, &p->y.span[i / p->x.count],
                   &p->x.span[i % p->x.count]);
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

void bnn_popcounts_emit(const struct bnn_popcounts *p, const struct bnn_steps *steps, const struct bnn_target *target,
                        const struct bnn_block *block, const struct bnn_run *run, const uint16_t *acc)
{
    const size_t width = p->x.span[p->x.count - 1].end, run_end = run->x + run->pixels;
    const size_t lane = (block->group * p->blocks + block->block) * 8;
    const size_t y = (size_t)(bnn_span_of(&p->y, run->y) - p->y.span);
    for (size_t x = 0; x < p->x.count; x++) {
        const struct bnn_span *span = &p->x.span[x];
        size_t begin = span->begin > run->x ? span->begin : run->x, end = span->end < run_end ? span->end : run_end;
        if (begin >= end) {
            continue;
        }
        const size_t at = (y * p->x.count + x) * p->lanes + lane, first = run->y * width + begin - target->slab->pixel;
        const uint16_t *popcounts = acc + 8 * (begin - run->x);
        if (p->limit != NULL) {
            emit_bits(steps, target->slab, block, popcounts, p->limit + at, first, end - begin);
        }
        if (steps->floats) {
            emit_floats(steps, target, block, popcounts, p->base + at, first, end - begin);
        }
    }
}
