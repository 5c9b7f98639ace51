/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The activations that output pixels of a float convolution need, as panels (kernels.def, panel_f32): gathered once for all
 * outputs, with zeros where taps lie outside the input. Pixels whose taps are all inside are taken from the input in fours; where
 * one of four has taps outside, the four are written down one by one and then taken from there.
 */
#ifndef BNN_GATHER_H
#define BNN_GATHER_H

#include "geometry.h"
#include "steps.h"

struct bnn_gather {
    const struct bnn_kernels *kernels;
    struct bnn_window window;
    struct bnn_spans y_spans, x_spans;
    struct bnn_span inner_y, inner_x; /* outputs whose taps are all inside */
    const float *x;
    size_t channels;         /* per convolution group */
    size_t pixel_floats;     /* of x: groups x channels */
    size_t k;                /* floats of a pixel's column */
    size_t taps_per_run;     /* of taps that are neighbours in x: a row of them or one */
    const uint32_t *offsets; /* of runs from a pixel of x, then of runs of a pixel that is written down */
    size_t count;
    size_t at, column; /* offsets in scratch */
};

/* Pixels whose panel, of columns of k floats, fits a cache that is near; a multiple of 12 and no more than BNN_RUN. */
size_t bnn_gather_limit(size_t k, int binary);

/* For slabs of at most `pixels`; x has `groups` convolution groups of `channels`. */
void bnn_gather_bind(struct bnn_gather *g, const struct bnn_window *window, const float *x, size_t groups, size_t channels,
                     size_t pixels, struct bnn_build *build);

/* Bytes from row to row of a panel of so many pixels. */
static inline size_t bnn_panel_step(size_t pixels)
{
    return (pixels + 3) / 4 * 4 * sizeof(float);
}

/* The panel of the slab's pixels for a convolution group. */
void bnn_gather_run(const struct bnn_gather *g, float *panel, const struct bnn_slab *slab, size_t group, uint8_t *scratch);

/* One pixel's k floats, one behind the other. */
void bnn_gather_pixel(const struct bnn_gather *g, float *column, uint32_t y, uint32_t x, size_t group);

#endif
