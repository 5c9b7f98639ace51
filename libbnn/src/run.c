/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan.h"

void bnn_run(bnn_plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct bnn_call *call = &plan->calls[i];
        if (plan->profile != NULL) {
            plan->profile(plan->profile_context, i, 0);
        }
        call->run(call->state, call->scratch);
        if (plan->profile != NULL) {
            plan->profile(plan->profile_context, i, 1);
        }
    }
}
