/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Binary convolution by the chain of prefix parities (docs/kernels.md, "The chain"), for cpus whose kernels have it and layers
 * that are large enough. Its weights are a second copy, made at plan time; activations are prepared slab by slab.
 */
#ifndef BNN_CHAIN_H
#define BNN_CHAIN_H

#include "steps.h"

struct bnn_chained {
    size_t tile; /* pixels of a tile: 2, or 4 in layers of one group of 64 channels; 0: this layer does not use the chain */
    size_t vectors; /* of a pixel and an output */
    struct bnn_chain taps;
    const uint8_t *weights; /* [block][128 * vectors], blocks of all convolution groups */
    size_t panel; /* offset in scratch */
};

/* What a layer tells. */
struct bnn_chain_layer {
    const struct bnn_bconv *wide, *narrow; /* as for the direct kernels; groups may be 0 */
    size_t narrow_x; /* bytes from the first wide channel group to the narrow one */
    size_t width; /* output pixels of a row */
    const uint8_t *weights; /* [block][block_bytes], as in the file */
    size_t blocks, block_bytes;
};

/* Whether a layer with so many taps of 16 and of 8 bytes takes the chain. */
int bnn_chain_pays(size_t wide, size_t narrow, uint64_t pixels, const struct bnn_kernels *kernels);

/* Decides, takes the weights' copy, makes the slabs of `steps` small enough for a panel and takes scratch for one. */
struct bnn_chained bnn_take_chain(const struct bnn_chain_layer *layer, struct bnn_steps *steps, struct bnn_build *build);

/* Prepares a slab: x is the image of a convolution group. */
void bnn_chain_prepare(const struct bnn_chained *chain, const struct bnn_kernels *kernels, const uint8_t *x,
                       const struct bnn_slab *slab, uint8_t *scratch);

/* Adds a block's popcounts over the slab that was prepared last to acc, [slab.pixels][8]. */
void bnn_chain_count(const struct bnn_chained *chain, const struct bnn_kernels *kernels, uint16_t *acc, size_t block,
                     const struct bnn_slab *slab, const uint8_t *scratch);

#endif
