/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several samples at the same time: each worker of a pool has a plan of its own.
 */
#ifndef BNN_BATCH_H
#define BNN_BATCH_H

#include "pool.h"

/* [cffi] */
/* Samples of one input or output, one behind the other, each of `bytes`. */
typedef struct bnn_samples {
    unsigned char *data;
    size_t bytes;
} bnn_samples;

/* plans: one per worker of the pool, of one model, without bnn_options.parallel. inputs, outputs: all of the model's. */
typedef struct bnn_batch {
    bnn_plan **plans;
    const bnn_samples *inputs, *outputs;
    uint32_t input_count, output_count;
} bnn_batch;

/* Runs `samples` samples and stores their outputs. */
void bnn_batch_run(bnn_pool *pool, bnn_batch *batch, uint32_t samples);
/* [cffi end] */

#endif
