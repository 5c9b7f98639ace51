/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A small pool of threads for bnn_options.parallel, used by bnn-run and the Python binding; not a part of the library:
 *   bnn_pool *pool = bnn_pool_new(2);
 *   bnn_options options = {.parallel = bnn_pool_run, .parallel_context = pool, .workers = 2};
 */
#ifndef BNN_POOL_H
#define BNN_POOL_H

#include "bnn/bnn.h"

/* [cffi] */
typedef struct bnn_pool bnn_pool;

/* A pool of `workers` (at least 1): threads, and the one that calls bnn_pool_run. NULL if there is no memory or no thread. */
bnn_pool *bnn_pool_new(uint32_t workers);

/* A bnn_parallel; context: the pool. One caller at a time. In the child of a fork the caller does all the work. */
void bnn_pool_run(void *context, bnn_task *task, void *argument, uint32_t parts);

/* Ends the threads. NULL is allowed. */
void bnn_pool_free(bnn_pool *pool);
/* [cffi end] */

#endif
