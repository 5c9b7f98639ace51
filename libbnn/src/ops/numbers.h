/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The 8-bit numbers that a layer reads, x = (q - zero) * scale: those of an I8 tensor, or made in each run from a float tensor
 * by its own range (docs/dab-format.md, 5.1).
 */
#ifndef BNN_NUMBERS_H
#define BNN_NUMBERS_H

#include "../ops.h"

struct bnn_numbers {
    const int8_t *q;
    int32_t zero;
    float scale; /* 1 for an I8 tensor, whose scale the layer does not see */
};

struct bnn_number_source {
    const struct bnn_team *team;
    const struct bnn_kernels *kernels;
    const float *floats;      /* NULL: `numbers` are there */
    struct bnn_numbers numbers;
    size_t n, chunk;          /* elements, and those of a part */
    size_t limits, made;    /* offsets in shared scratch: {low, high} of each part, the numbers */
};

/* x: F32 or I8; zero: that of I8. */
void bnn_numbers_bind(struct bnn_number_source *source, const struct bnn_view *x, int32_t zero, struct bnn_build *build);

/* The numbers, complete; `scratch` is the op's. */
struct bnn_numbers bnn_numbers_make(const struct bnn_number_source *source, uint8_t *scratch);

#endif
