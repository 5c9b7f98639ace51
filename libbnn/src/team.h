/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who does an op's work: the calling thread alone, or workers that the application brings (bnn_options.parallel). An op cuts
 * its work into parts that no other part of it depends on, so that results do not depend on who does which part, and when.
 *
 * Scratch of an op: [shared][own of worker 0][own of worker 1]... An op's run gets worker 0's own; a part its worker's.
 */
#ifndef BNN_TEAM_H
#define BNN_TEAM_H

#include <stddef.h>
#include <stdint.h>

#include "bnn/bnn.h"

/* The team of one op of a plan. */
struct bnn_team {
    bnn_parallel *parallel; /* NULL: the calling thread does everything */
    void *context;
    uint32_t workers; /* at least 1 */
    uint8_t *shared;  /* scratch that all parts see */
    size_t own;       /* bytes of each worker's scratch */
};

/* Does part `part` of `job`; `scratch`: the worker's own. */
typedef void bnn_part_fn(const void *job, uint32_t part, uint8_t *scratch);

/* Runs all parts < count, each once, and waits for them. scratch: worker 0's own. */
void bnn_share(const struct bnn_team *team, bnn_part_fn *run, const void *job, uint32_t count, uint8_t *scratch);

#endif
