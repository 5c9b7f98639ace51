/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Times of a plan's steps, for bnn_options.profile; used by bnn-run and the Python binding, not a part of the library.
 */
#ifndef BNN_TIMES_H
#define BNN_TIMES_H

#include "bnn/bnn.h"

/* [cffi] */
/* best: milliseconds of the fastest run of each step, made by the caller, at first negative. started: of the step that runs. */
typedef struct bnn_times {
    double *best;
    double started;
} bnn_times;

/* A bnn_options.profile; context: a bnn_times. */
void bnn_times_note(void *context, uint32_t step, int end);

/* Whether the multiply-adds of a kind of op are binary. */
int bnn_is_binary(const char *kind);
/* [cffi end] */

/* Milliseconds of a clock that starts anywhere. */
double bnn_times_now(void);

/* Prints a table of a plan's steps and the shares of what is binary and what is not. isa: as in the plan's options. */
void bnn_times_print(const bnn_times *times, const bnn_plan *plan, const char *isa, uint32_t threads);

#endif
