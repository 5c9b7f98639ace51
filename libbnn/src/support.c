/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the switches of config.h left out, and models that need it.
 */
#include "model.h"
#include "ops.h"

struct left_out {
    uint32_t code;
    const char *what;
};

/* Each ends with a row of code 0, which no op has, and of steps only the end of a program. */
static const struct left_out ops[] = {
#define BNN_OP(kind, name, words, fewest, most, steps)                                                                         \
    BNN_UNLESS(BNN_CONFIG_OP_##name, {kind, BNN_TEXT(#name " is not compiled in: BNN_CONFIG_OP_" #name)}, )
#include "ops.def"
#undef BNN_OP
    {0, NULL},
};

static const struct left_out steps[] = {
#define BNN_STEP(code, name)                                                                                                   \
    BNN_UNLESS(BNN_CONFIG_STEP_##name, {code, BNN_TEXT("step " #name " is not compiled in: BNN_CONFIG_STEP_" #name)}, )
#include "steps.def"
#undef BNN_STEP
    {0, NULL},
};

/* The row of a code, or the last one, whose code is 0. */
static const struct left_out *find(const struct left_out *row, uint32_t code)
{
    /* To the last row, at most. */
    while (row->code != 0 && row->code != code) {
        row++;
    }
    return row;
}

bnn_status bnn_check_op_support(uint32_t kind, uint32_t index, bnn_error *error)
{
    if (bnn_op_kind(kind) != NULL) {
        return BNN_OK;
    }
    const struct left_out *row = find(ops, kind);
    if (row->code != 0) {
        return bnn_fail(error, BNN_ERR_UNSUPPORTED, BNN_PLACE_OP, index, row->what);
    }
    return bnn_fail(error, BNN_ERR_FORMAT, BNN_PLACE_OP, index, "kind: there is no such op");
}

bnn_status bnn_check_step_support(const bnn_model *model, bnn_error *error)
{
    for (uint32_t i = 0; i < model->op_count; i++) {
        const struct bnn_op op = bnn_op_of(model, i);
        for (uint32_t k = 0; op.kind->steps && k < BNN_MAX_STEPS; k++) {
            const struct left_out *row = find(steps, bnn_op_step(&op, k));
            if (row->code != 0) {
                return bnn_fail(error, BNN_ERR_UNSUPPORTED, BNN_PLACE_OP, i, row->what);
            }
        }
    }
    return BNN_OK;
}
