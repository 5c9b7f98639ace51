/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Kernels: parameter structs, prototypes and the dispatch table, all derived from kernels.def. An architecture folder includes
 * only this header (and arch.h); kernels never see ops.
 *
 * Kernel ABI: up to 6 arguments, pointers and size_t only; further parameters in a struct by pointer.
 */
#ifndef BNN_KERNELS_H
#define BNN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "arch.h"

/* pack_threshold: see kernels.def. */
struct bnn_threshold {
    const float *threshold;
    const uint8_t *flip;
};

/* bconv128, bconv64, bconv64x2. groups, rows and taps are at least 1; steps are bytes of x.
 *
 * With a horizontal stride s a line of x holds its pixels sorted by column modulo s: all of column % s == 0, then 1, and so on
 * ("phases"). So the pixels that a tap meets, s columns apart, are neighbours, and tap t of dilation d is at
 *   tap_x[t] = (t * d % s) * (bytes of a phase) + (t * d / s) * (bytes of a pixel) */
struct bnn_bconv {
    size_t groups, group_step; /* channel groups */
    size_t rows, row_step;     /* of taps */
    size_t taps;               /* per row */
    const uint32_t *tap_x;
    size_t line_step; /* from a line of outputs to the next */
    size_t phases;    /* s, if d is 1, for kernels that let taps share their pixels; otherwise 0 */
};

/* chain_panel. */
struct bnn_chain {
    const uint32_t *taps; /* byte offsets from the pixel: of 16-byte taps, then of 8-byte taps */
    size_t wide, narrow;  /* their numbers */
    size_t pixel_step;    /* bytes of narrow from output pixel to output pixel: stride * 8; of wide: twice as many */
    size_t row_step;      /* from output row to output row */
    size_t width;         /* pixels of an output row */
};

/* acc_affine: 8 of each; acc_affine_row: n. */
struct bnn_acc_affine {
    const float *mul;
    const float *add;
    size_t odd; /* 0 or 1 */
};

/* step_*: rows of `channels` floats. */
struct bnn_tile {
    size_t pixels;
    size_t channels;
    size_t out_step; /* bytes from pixel to pixel */
    size_t x_step;
};

/* panel_f32. offsets: bytes from a pixel to its runs of neighbouring floats. */
struct bnn_panel {
    const uint32_t *offsets;
    size_t count;
    size_t run;  /* floats */
    size_t step; /* bytes of out from float to float of a pixel: at least 4 * pixels */
};

/* gemm_f32. */
struct bnn_gemm {
    size_t k;
    size_t panel_step;
    size_t out_step;
    const float *mul; /* NULL: sums only */
    const float *add;
};

/* depthwise_f32. */
struct bnn_depthwise {
    size_t rows, row_step; /* of taps */
    size_t taps, tap_step; /* per row */
    size_t w_row_step, w_tap_step;
    size_t channels;
    size_t pixel_step;
    size_t out_step;
};

/* pool_*. */
struct bnn_pool {
    size_t rows, row_step; /* of taps */
    size_t taps, tap_step; /* per row */
    size_t channels;
    size_t pixel_step;
    size_t out_step;
    size_t count; /* pool_average: what the sum is divided by */
};

#define BNN_KERNEL(slot, params)                                                                                               \
    typedef void bnn_##slot##_fn params;                                                                                       \
    void bnn_##slot##_c params;
#include "kernels.def"
#undef BNN_KERNEL

/* The table that ops call through: one pointer per slot, chosen once per plan. */
struct bnn_kernels {
#define BNN_KERNEL(slot, params) bnn_##slot##_fn *slot;
#include "kernels.def"
#undef BNN_KERNEL
};

/* Index of a slot in the table. */
enum bnn_slot {
#define BNN_KERNEL(slot, params) BNN_SLOT_##slot,
#include "kernels.def"
#undef BNN_KERNEL
    BNN_SLOT_COUNT
};

typedef void bnn_kernel_fn(void);

/* One compiled kernel. Rows are ordered: the reference of every slot first, then each instruction set's, later ones better. */
struct bnn_variant {
    enum bnn_slot slot;
    const char *slot_name;
    uint32_t isa; /* index for bnn_isa_at */
    bnn_kernel_fn *fn;
};

/* A named instruction set, the cpu features it needs, and those without which it runs but is not the better choice. Index 0 is
 * "c", which needs none. */
struct bnn_isa {
    const char *name;
    uint32_t features;
    uint32_t traits;
};

size_t bnn_variant_count(void);
const struct bnn_variant *bnn_variant_at(size_t index);
size_t bnn_isa_count(void);
const struct bnn_isa *bnn_isa_at(size_t index);

/* BNN_CPU_* bits of the cpu this runs on; each architecture folder has one (generic: 0). Where cores differ, a thread that moves
 * may see others the next time. */
uint32_t bnn_cpu_features(void);

/* Fills the table with the best variants up to the instruction set `isa` (NULL: the best) for a cpu with these features; of a
 * set that lacks a trait only if it is `isa` itself. Returns the index of the instruction set, or -1 if there is none of that name
 * or the cpu lacks its features. */
int bnn_kernels_select(struct bnn_kernels *table, const char *isa, uint32_t cpu);

#endif
