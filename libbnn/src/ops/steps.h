/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Programs of steps (docs/dab-format.md, section 4): what happens to a value v [pixels, channels] between the op's own work
 * and its outputs.
 *
 * Ops compute v slab by slab: some pixels (twice BNN_RUN if nothing is left to do with them) of one group of at most 128
 * channels, which is also the unit in which bits are packed. A slab lives in the program's last F32 output where it has one
 * ("home"), otherwise in a tile of scratch memory.
 */
#ifndef BNN_STEPS_H
#define BNN_STEPS_H

#include "../ops.h"

/* Pixels that are worked on at once: a multiple of the usual image widths 7, 14, 28, 56. */
#define BNN_RUN 224

/* What v is when the program starts. */
struct bnn_value {
    uint64_t pixels;
    uint64_t channels;
    uint32_t height, width; /* of BITS outputs; 0, 0: any with as many pixels */
    int integer;            /* v is an integer; where it is checked: the dot product of signs, so that EMIT_INT is allowed */
    int may_be_minus_zero;  /* v is any graph input: EMIT_SIGN only after another step */
    int takes_affine;       /* the op does a leading AFFINE itself, as it does of integer v */
};

/* How an operand that may be an activation is repeated over v [pixels, channels]. */
enum bnn_spread {
    BNN_SPREAD_NONE,
    BNN_SPREAD_ELEMENTS, /* it is not */
    BNN_SPREAD_CHANNELS, /* one element for each channel, */
    BNN_SPREAD_PIXELS,   /* each pixel, */
    BNN_SPREAD_ONE,      /* for all */
};

struct bnn_step {
    enum bnn_step_code code;
    enum bnn_spread spread; /* of a */
    const void *a, *b; /* operands; flips in group order */
    uint8_t *out;
};

struct bnn_steps {
    const struct bnn_kernels *kernels;
    const struct bnn_team *team;
    size_t pixels, channels;
    /* Leading steps that the op does itself: EMIT_INT of integer v (NULL: not there), then AFFINE (NULL if the program has none
     * there; of integer v the identity). */
    const int32_t *int_threshold;
    uint8_t *int_out;
    const float *mul, *add;
    int floats;   /* v is needed as floats */
    int has_home; /* v lives in `home`, otherwise in a tile */
    float *home;
    size_t limit; /* pixels per slab */
    int apart;    /* set by ops whose slabs look at `fresh`: workers may share the channels of a pixel */
    uint32_t count;
    const struct bnn_step *step;
};

struct bnn_slab {
    size_t pixel, pixels;
    size_t channel, channels; /* one channel group */
    size_t fresh; /* 0, or: nothing is prepared yet in this scratch, for these pixels' next so many channels */
};

/* The program's rules; `own` inputs come before its operands. */
bnn_status bnn_steps_check(const struct bnn_op *op, uint32_t own, const struct bnn_value *value, bnn_error *error);

/* Resolves the program and prepares its tables; `pixels_per_row` makes slabs of whole rows where they fit. */
void bnn_steps_bind(struct bnn_steps *steps, const struct bnn_op *op, uint32_t own, const struct bnn_value *value,
                    size_t pixels_per_row, struct bnn_build *build);

/* Bytes of a tile for one slab; 0 if the program needs none. */
uint64_t bnn_steps_tile(const struct bnn_steps *steps);

/* Where a slab's v is to be written: its home, or `tile`; *step takes the bytes from pixel to pixel. */
float *bnn_steps_place(const struct bnn_steps *steps, const struct bnn_slab *slab, float *tile, size_t *step);

/* Runs the program on a slab. v, v_step: its value (read only); place, place_step: from bnn_steps_place, may be v. */
void bnn_steps_run(const struct bnn_steps *steps, const struct bnn_slab *slab, const float *v, size_t v_step, float *place,
                   size_t place_step);

/* Calls `run` for each slab of v: for some pixels all channels, then for the next pixels. Workers share the slabs, each with
 * scratch of its own; what one slab prepares for others must be there before, in shared scratch, or be prepared again where the
 * slab is fresh. */
typedef void bnn_slab_fn(const void *state, const struct bnn_slab *slab, uint8_t *scratch);
void bnn_each_slab(const struct bnn_steps *steps, bnn_slab_fn *run, const void *state, uint8_t *scratch);

/* Flips, one byte each, as bits in the order of their channel groups; NULL in the counting pass. */
const uint8_t *bnn_pack_flips(const uint8_t *flips, size_t channels, struct bnn_build *build);

/* A slab's first byte in a BITS tensor of pixels x channels, and its bytes per pixel. */
size_t bnn_slab_bits(const struct bnn_slab *slab, size_t pixels, size_t *step);

#endif
