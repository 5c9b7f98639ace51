/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What ops keep from bind to run, and their executions. A struct has plain numbers, pointers and such structs alone: the exporter
 * (converter/emit_c) reads its fields and writes them as constants of another machine.
 */
#ifndef BNN_STATES_H
#define BNN_STATES_H

#include "chain.h"
#include "gather.h"
#include "image.h"
#include "numbers.h"
#include "popcounts.h"

struct bnn_bconv2d_state {
    struct bnn_steps steps;
    struct bnn_popcounts popcounts;
    struct bnn_image image; /* that the kernels see */
    int copied;             /* or else that is x */
    size_t image_bytes;     /* of one convolution group */
    const uint8_t *w;
    size_t block_bytes; /* of weights */
    struct bnn_bconv wide, narrow; /* channel groups of 128, and the last one if it is of 64; groups may be 0 */
    size_t narrow_x, narrow_w;     /* the last one's place in the image and in a block */
    struct bnn_chained chain;
    size_t copy; /* offset in shared scratch */
    size_t tile; /* offset in scratch */
    struct bnn_arrays arrays;
};

struct bnn_bdense_state {
    struct bnn_steps steps;
    struct bnn_popcounts popcounts;
    const uint8_t *x, *w;
    size_t wide, narrow; /* vectors of 16 bytes, of 8 bytes behind them */
    size_t block_bytes;
    size_t acc, tile; /* offsets in scratch; acc: of the outputs of a fresh slab and those that follow it */
};

/* conv2d and dense with panels. */
struct bnn_conv_state {
    struct bnn_steps steps;
    struct bnn_gather gather;
    const uint8_t *w;
    int binary, one_pixel, depthwise;
    size_t outputs, blocks;    /* per convolution group */
    const float *by_tap;       /* depthwise: its weights */
    const float *last;         /* W_F32: last blocks of all groups, if they have fewer outputs, with 0 for the others */
    const float *mul, *add;    /* of a leading AFFINE, NULL or 8 for each block */
    size_t panel, acc, tile; /* offsets in scratch; */
    size_t weights;          /* of one block of binary weights as floats */
};

/* conv2d and dense by their definition. */
struct bnn_direct_state {
    struct bnn_steps steps;
    struct bnn_window window;
    const float *x;
    const uint8_t *w;
    int signs;             /* W_SIGN */
    size_t outputs, taps;  /* of a convolution group; taps of all rows */
    size_t channels, step; /* of a tap; from pixel to pixel of x, in floats */
    size_t tile;         /* offset in scratch */
};

struct bnn_pointwise_state {
    struct bnn_steps steps;
    const float *floats; /* x, or */
    const uint8_t *bits; /* or */
    const int8_t *bytes;
};

/* maxpool2d, avgpool2d, bmaxpool2d. */
struct bnn_pool_state {
    const struct bnn_kernels *kernels;
    const struct bnn_team *team;
    struct bnn_window window;
    struct bnn_spans y_spans, x_spans;
    const uint8_t *x;
    uint8_t *out;
    uint32_t channels;
    int count_pad;
    const uint8_t *flips; /* bmaxpool2d: in group order */
    size_t row;         /* bmaxpool2d: offset in scratch */
};

/* qconv2d, qdense. */
struct bnn_qconv_state {
    struct bnn_steps steps;
    struct bnn_window window;
    struct bnn_number_source x;
    const uint8_t *w;
    struct bnn_spans y_spans, x_spans;
    int binary;
    size_t groups, outputs, channels; /* outputs, channels: per convolution group */
    size_t taps, vectors;             /* of one output */
    const int32_t *sums;              /* of the weights of each output, 8 for each block */
    const float *mul, *add;           /* of a leading AFFINE, likewise; NULL if x has a scale of its own, which comes first */
    int is_panel;                     /* x is the panel of all pixels */
    size_t acc, rows, panel, tile;  /* offsets in scratch */
};

/* gather2d, resize2d. */
struct bnn_resize_state {
    const uint8_t *x;
    uint8_t *out;
    size_t in[2], size[2]; /* pixels */
    size_t channels, taps;
    int is_bits;
    const int32_t *rows, *columns;
    const float *row_weights, *column_weights;
};

/* out[out_at + sum of i[d] * out_step[d]] = in[in_at + sum of i[d] * in_step[d]] for all i[d] < dims[d]. Sums are modulo the range
 * of size_t: steps may be negative. */
struct bnn_copy {
    const float *in;
    float *out;
    size_t in_at, out_at;
    uint32_t rank;
    size_t dims[BNN_MAX_RANK], in_step[BNN_MAX_RANK], out_step[BNN_MAX_RANK];
};

/* concat, transpose, reshape, pad, slice. */
struct bnn_copies_state {
    const struct bnn_kernels *kernels;
    size_t fill; /* leading floats of the output that take `value` first */
    float value;
    uint32_t count;
    const struct bnn_copy *copy;
};

struct bnn_softmax_state {
    const float *x;
    float *out;
    size_t outer, n, inner;
};

#define BNN_OP_RUN(name, state) bnn_op_run_fn bnn_##name##_run;
#include "runs.def"
#undef BNN_OP_RUN

#endif
