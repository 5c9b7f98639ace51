/* SPDX-License-Identifier: BSD-3-Clause */
#include "batch.h"

#include <string.h>

static void run_sample(void *argument, uint32_t sample, uint32_t worker)
{
    const bnn_batch *batch = argument;
    bnn_plan *plan = batch->plans[worker];
    for (uint32_t i = 0; i < batch->input_count; i++) {
        const bnn_samples *input = &batch->inputs[i];
        memcpy(bnn_plan_input(plan, i), input->data + sample * input->bytes, input->bytes);
    }
    bnn_run(plan);
    for (uint32_t i = 0; i < batch->output_count; i++) {
        const bnn_samples *output = &batch->outputs[i];
        memcpy(output->data + sample * output->bytes, bnn_plan_output(plan, i), output->bytes);
    }
}

void bnn_batch_run(bnn_pool *pool, bnn_batch *batch, uint32_t samples)
{
    bnn_pool_run(pool, run_sample, batch, samples);
}
