/* SPDX-License-Identifier: BSD-3-Clause */
#include "chain.h"

#define TILE_BYTES 32         /* of a vector of all pixels of a tile: 2 of 16 bytes or 4 of 8 */
#define BLOCK_BYTES (8 * 16)  /* of a vector of a block's weights */
#define PANEL_BYTES 65536     /* of a slab: it is read once per block of outputs, from a cache that is near */

/* Where the chain is faster than the direct kernels; docs/kernels.md has the figures. */
#define FEWEST_TAPS 5         /* of the size of a vector */
#define MOST_IDLE 8           /* one idle pixel in so many, where the last tile is not full */

/* What the table has for the layer: the vectors of its pixels, and how many pixels a tile has; 0: nothing better than its
 * reference. */
struct form {
    size_t vectors, tile, taps;
};

static struct form form_of(const struct bnn_chain *taps, const struct bnn_kernels *kernels)
{
    if (!BNN_CONFIG_CHAIN) {
        return (struct form){.tile = 0};
    }
    if (taps->wide == 0 && kernels->bchain64 != bnn_bchain64_c) {
        return (struct form){.vectors = taps->narrow, .tile = 4, .taps = taps->narrow};
    }
    if (kernels->bchain != bnn_bchain_c) {
        return (struct form){.vectors = taps->wide + (taps->narrow + 1) / 2, .tile = 2, .taps = taps->wide + taps->narrow / 2};
    }
    return (struct form){.tile = 0};
}

static int pays(const struct form *form, uint64_t pixels)
{
    return form->tile > 0 && form->taps >= FEWEST_TAPS &&
           ((pixels + form->tile - 1) / form->tile * form->tile - pixels) * MOST_IDLE <= pixels;
}

int bnn_chain_pays(size_t wide, size_t narrow, uint64_t pixels, const struct bnn_kernels *kernels)
{
    const struct bnn_chain taps = {.wide = wide, .narrow = narrow};
    const struct form form = form_of(&taps, kernels);
    return pays(&form, pixels);
}

static uint32_t *list_taps(uint32_t *taps, const struct bnn_bconv *p, size_t x)
{
    for (size_t row = 0; row < p->groups * p->rows; row++) {
        const size_t row_x = x + row / p->rows * p->group_step + row % p->rows * p->row_step;
        for (size_t t = 0; t < p->taps; t++) {
            *taps++ = (uint32_t)row_x + p->tap_x[t];
        }
    }
    return taps;
}

static const uint32_t *take_taps(const struct bnn_chain_layer *layer, size_t count, struct bnn_build *build)
{
    uint32_t *taps = bnn_take(build, count, sizeof *taps);
    if (taps != NULL) {
        list_taps(list_taps(taps, layer->wide, 0), layer->narrow, layer->narrow_x);
    }
    return taps;
}

static const uint8_t *take_weights(const struct bnn_chain_layer *layer, const struct bnn_chained *chain,
                                   struct bnn_build *build)
{
    uint8_t *weights = bnn_take(build, (uint64_t)layer->blocks * chain->vectors, BLOCK_BYTES);
    for (size_t b = 0; weights != NULL && b < layer->blocks; b++) {
        uint8_t *out = weights + b * chain->vectors * BLOCK_BYTES;
        const uint8_t *in = layer->weights + b * layer->block_bytes;
        if (chain->tile == 4) {
            build->kernels->chain_weights64(out, in, chain->taps.narrow);
        } else {
            build->kernels->chain_weights(out, in, chain->taps.wide, chain->taps.narrow);
        }
    }
    return weights;
}

struct bnn_chained bnn_take_chain(const struct bnn_chain_layer *layer, struct bnn_steps *steps, struct bnn_build *build)
{
    struct bnn_chained chain = {
        .taps =
            {
                .wide = layer->wide->groups * layer->wide->rows * layer->wide->taps,
                .narrow = layer->narrow->groups * layer->narrow->rows * layer->narrow->taps,
                .pixel_step = 8,
                .row_step = layer->narrow->line_step,
                .width = layer->width,
            },
    };
    const struct form form = form_of(&chain.taps, build->kernels);
    if (!pays(&form, steps->pixels)) {
        return chain;
    }
    const size_t bytes = TILE_BYTES * form.vectors, tiles = PANEL_BYTES < bytes ? 1 : PANEL_BYTES / bytes;
    steps->limit = steps->limit < tiles * form.tile ? steps->limit : tiles * form.tile;
    chain.vectors = form.vectors;
    chain.tile = form.tile;
    chain.taps.taps = take_taps(layer, chain.taps.wide + chain.taps.narrow, build);
    chain.weights = take_weights(layer, &chain, build);
    chain.panel = bnn_scratch(build, (uint64_t)((steps->limit + form.tile - 1) / form.tile) * bytes);
    return chain;
}

void bnn_chain_prepare(const struct bnn_chained *chain, const struct bnn_kernels *kernels, const uint8_t *x,
                       const struct bnn_slab *slab, uint8_t *scratch)
{
    const struct bnn_chain *taps = &chain->taps;
    const size_t row = slab->pixel / taps->width, column = slab->pixel % taps->width;
    const size_t first = row * taps->row_step + column * taps->pixel_step;
    if (chain->tile == 4) {
        kernels->chain_panel64(scratch + chain->panel, x + first, taps, column, slab->pixels);
    } else {
        kernels->chain_panel(scratch + chain->panel, x + 2 * first, x + first, taps, column, slab->pixels);
    }
}

void bnn_chain_count(const struct bnn_chained *chain, const struct bnn_kernels *kernels, uint16_t *acc, size_t block,
                     const struct bnn_slab *slab, const uint8_t *scratch)
{
    const uint8_t *panel = scratch + chain->panel, *weights = chain->weights + block * chain->vectors * BLOCK_BYTES;
    if (chain->tile == 4) {
        kernels->bchain64(acc, panel, weights, chain->vectors, slab->pixels);
    } else {
        kernels->bchain(acc, panel, weights, chain->vectors, slab->pixels);
    }
}
