/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The model stays in flash; all memory it needs is one array.
 */
#include "network.h"

#include <bnn/bnn.h>

#include "data.h"

static _Alignas(BNN_ALIGNMENT) unsigned char arena[ARENA_BYTES];
static bnn_plan *plan;
static size_t needed;

const char *network_start(void)
{
    bnn_model model;
    bnn_error error;
    if (bnn_model_init(&model, digits_model, DIGITS_MODEL_BYTES, &error) != BNN_OK ||
        bnn_plan_size(&model, NULL, &needed, &error) != BNN_OK ||
        bnn_plan_init(&plan, &model, NULL, arena, sizeof arena, &error) != BNN_OK) {
        return error.what;
    }
    return NULL;
}

uint32_t network_arena_bytes(void)
{
    return (uint32_t)needed;
}

void network_run(const float image[1][1][8][8], float logits[1][10])
{
    float *input = bnn_plan_input(plan, 0);
    for (uint32_t k = 0; k < 64; k++) {
        input[k] = image[0][0][k / 8][k % 8];
    }
    bnn_run(plan);
    const float *output = bnn_plan_output(plan, 0);
    for (uint32_t k = 0; k < 10; k++) {
        logits[0][k] = output[k];
    }
}
