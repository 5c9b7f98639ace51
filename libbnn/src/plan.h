/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A plan in the arena: [plan, steps, what ops prepare][activations][scratch], each aligned to BNN_ALIGNMENT. Scratch: team.h.
 */
#ifndef BNN_PLAN_H
#define BNN_PLAN_H

#include "bnn/bnn.h"
#include "ops.h"

/* One call of an op. */
struct bnn_call {
    bnn_op_run_fn *run;
    const void *state;
    struct bnn_team team;
    uint8_t *scratch; /* worker 0's own */
    bnn_step_info info;
};

struct bnn_plan {
    struct bnn_call *calls;
    uint32_t count;
    void (*profile)(void *context, uint32_t step, int end);
    void *profile_context;
    uint8_t *activations;
    bnn_model model;
    struct bnn_kernels kernels;
};

#endif
