/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The ops of a model as calls, for an exporter that writes them down for another machine: what is called, with which state, made
 * of which tables, and which kernels that needs. Bound for the reference's layouts, which suit the portable kernels and those of
 * Cortex-M, and one worker.
 */
#ifndef BNN_CALLS_H
#define BNN_CALLS_H

#include "bnn/bnn.h"

struct bnn_kernels;
struct bnn_team;

/* [cffi] */
/* What bind takes from a call's memory: `bytes` at an offset. */
typedef struct bnn_table {
    uint64_t at, bytes;
} bnn_table;

/* bnn_<run>_run(state, scratch) executes the op; state, a struct bnn_<type>_state, is the table at its place in memory. `bytes`:
 * of memory, for all tables. Scratch is `shared` bytes that team->shared points to, then `own`, which the call gets. */
typedef struct bnn_bound_call {
    const char *run;
    const char *type;
    const void *state;
    uint64_t bytes, shared, own;
    uint32_t table_count;
    bnn_table tables[64];
} bnn_bound_call;

/* Binds an op; memory NULL counts only. activations: the model's, which is not looked at. direct: conv2d and dense by their
 * definition (BNN_CONFIG_SMALL). BNN_ERR_UNSUPPORTED if the op's execution has no name in runs.def, or too many tables. */
bnn_status bnn_bind_call(bnn_bound_call *call, const bnn_model *model, uint32_t index, int direct, uint8_t *memory,
                         uint8_t *activations);

/* What states point to. */
const struct bnn_kernels *bnn_call_kernels(void);
const struct bnn_team *bnn_call_team(void);

/* Executes it once; scratch: of shared + own bytes. called: an array of a byte for each slot of kernels.def, of which those that are
 * called become 1. One thread at a time. */
void bnn_trace_call(const bnn_bound_call *call, uint8_t *scratch, uint8_t *called);

/* Name of a slot, NULL beyond the last. */
const char *bnn_slot_name(size_t slot);
/* [cffi end] */

#endif
