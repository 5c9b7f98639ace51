/* SPDX-License-Identifier: BSD-3-Clause */
#include "direct.h"

#include "blocks.h"
#include "layer.h"
#include "states.h"

const void *bnn_direct_bind(const struct bnn_op *op, const struct bnn_window *window, struct bnn_build *build)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    const struct bnn_value value = bnn_layer_value(&w, window);
    struct bnn_direct_state *state = bnn_take(build, 1, sizeof *state);
    struct bnn_direct_state s = {
        .window = *window,
        .x = (const float *)(const void *)x.data,
        .w = w.data,
        .signs = w.type == BNN_TYPE_W_SIGN,
        .outputs = w.dims[1],
        .taps = (size_t)w.dims[2] * w.dims[3],
        .channels = w.dims[4],
        .step = (size_t)w.dims[0] * w.dims[4],
    };
    bnn_steps_bind(&s.steps, op, 2, &value, window->x.out, build);
    s.tile = bnn_scratch(build, bnn_steps_tile(&s.steps));
    build->macs = value.pixels * value.channels * s.taps * s.channels;
    build->weight_bytes = w.bytes;
    if (state != NULL) {
        *state = s;
    }
    return state;
}

/* Where a tap reads, or NULL if it lies outside of x. */
static const float *pixel_of(const struct bnn_direct_state *s, uint32_t y, uint32_t x, size_t tap, size_t group)
{
    const uint32_t kernel_w = s->window.x.kernel;
    const int64_t row = bnn_tap(&s->window.y, y, (uint32_t)tap / kernel_w);
    const int64_t column = bnn_tap(&s->window.x, x, (uint32_t)tap % kernel_w);
    if (row < 0 || row >= s->window.y.in || column < 0 || column >= s->window.x.in) {
        return NULL;
    }
    return s->x + ((size_t)row * s->window.x.in + (size_t)column) * s->step + group * s->channels;
}

/* Adds a tap's products to the outputs of a block. */
static void add_tap(const struct bnn_direct_state *s, float *out, const float *x, const struct bnn_block *block, size_t tap)
{
    const size_t all = s->taps * s->channels;
    const uint8_t *signs = s->w + (block->group * ((s->outputs + 7) / 8) + block->block) * all + tap * s->channels;
    const float *w = (const float *)(const void *)s->w + (block->group * s->outputs + block->block * 8) * all +
                     tap * s->channels * block->size;
    for (size_t c = 0; c < s->channels; c++) {
        for (size_t i = 0, lane = block->lane; i < block->lanes; i++, lane++) {
            const float product = !s->signs ? x[c] * w[c * block->size + lane] : signs[c] >> lane & 1 ? -x[c] : x[c];
            out[i] += product;
        }
    }
}

static void run_slab(const void *state, const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_direct_state *s = state;
    const uint32_t width = s->window.x.out;
    size_t step;
    float *place = bnn_steps_place(&s->steps, slab, (float *)(void *)(scratch + s->tile), &step);
    for (size_t i = 0; i < slab->pixels; i++) {
        const uint32_t y = (uint32_t)((slab->pixel + i) / width), x = (uint32_t)((slab->pixel + i) % width);
        float *out = (float *)(void *)((uint8_t *)place + i * step);
        struct bnn_block block;
        for (size_t column = 0; column < slab->channels; column += block.lanes) {
            block = bnn_block_at(slab, column, s->outputs);
            bnn_memset(out + column, 0, block.lanes * sizeof *out);
            for (size_t tap = 0; tap < s->taps; tap++) {
                const float *from = pixel_of(s, y, x, tap, block.group);
                if (from != NULL) {
                    add_tap(s, out + column, from, &block, tap);
                }
            }
        }
    }
    bnn_steps_run(&s->steps, slab, place, step, place, step);
}

void bnn_direct_run(const void *state, uint8_t *scratch)
{
    const struct bnn_direct_state *s = state;
    bnn_each_slab(&s->steps, run_slab, s, scratch);
}
