/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Convolutions whose groups have one input and one output: all channels of a tap are neighbours, in x and in weights that are
 * sorted by tap.
 */
#ifndef BNN_DEPTHWISE_H
#define BNN_DEPTHWISE_H

#include "gather.h"

/* Weights as floats [taps][groups]; NULL in the counting pass. */
const float *bnn_take_depthwise(const struct bnn_view *w, struct bnn_build *build);

/* The slab's sums. */
void bnn_depthwise_run(const struct bnn_gather *g, const float *weights, const struct bnn_slab *slab, float *out, size_t step);

#endif
