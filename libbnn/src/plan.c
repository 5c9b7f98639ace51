/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Model -> plan. The file has placed the activations (docs/dab-format.md, 2.6); what is left is to bind every op to its
 * memory and kernels. One function counts the memory and fills it.
 */
#include "plan.h"

#include "model.h"
#include "port.h"

struct sizes {
    uint64_t plan, scratch, total;
};

static uint64_t activation_bytes(const struct bnn_op *op)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < op->inputs; i++) {
        const struct bnn_view view = bnn_op_input(op, i);
        sum += view.constant ? 0 : view.bytes;
    }
    for (uint32_t i = 0; i < op->outputs; i++) {
        sum += bnn_op_output(op, i).bytes;
    }
    return sum;
}

/* Workers of a team; at least 1. */
static uint32_t workers_of(const bnn_options *options)
{
    return options->parallel != NULL && options->workers > 1 ? options->workers : 1;
}

/* Lays the plan out in `arena`, or counts only (NULL). `sizes` of the counting pass places the second one. */
static struct bnn_plan *lay_out(const bnn_model *model, const struct bnn_kernels *kernels, const bnn_options *options,
                                uint8_t *arena, struct sizes *sizes)
{
    struct bnn_build build = {.base = arena, .kernels = kernels, .workers = workers_of(options)};
    uint8_t *activations = arena == NULL ? NULL : arena + sizes->plan;
    uint8_t *shared = arena == NULL ? NULL : activations + model->activation_bytes;
    struct bnn_plan *plan = bnn_take(&build, 1, sizeof *plan);
    struct bnn_call *calls = bnn_take(&build, model->op_count, sizeof *calls);
    if (plan != NULL) {
        *plan = (struct bnn_plan){
            .calls = calls,
            .count = model->op_count,
            .profile = options->profile,
            .profile_context = options->profile_context,
            .activations = activations,
            .model = *model,
            .kernels = *kernels,
        };
        build.kernels = &plan->kernels;
    }
    uint64_t scratch = 0;
    for (uint32_t i = 0; i < model->op_count; i++) {
        struct bnn_op op = bnn_op_of(model, i);
        op.source.activations = activations;
        build.scratch = build.shared = build.macs = build.weight_bytes = 0;
        build.team = calls == NULL ? NULL : &calls[i].team;
        const void *state = op.kind->code->bind(&op, &build);
        const uint64_t bytes = build.shared + build.workers * build.scratch;
        scratch = bytes > scratch ? bytes : scratch;
        if (calls != NULL) {
            calls[i] = (struct bnn_call){
                .run = op.kind->code->run,
                .state = state,
                .team =
                    {
                        .parallel = build.workers > 1 ? options->parallel : NULL,
                        .context = options->parallel_context,
                        .workers = build.workers,
                        .shared = shared,
                        .own = (size_t)build.scratch,
                    },
                .scratch = shared + build.shared,
                .info =
                    {
                        .kind = op.kind->name,
                        .name = bnn_model_string(model, op.source.record.name),
                        .op = i,
                        .macs = build.macs,
                        .weight_bytes = build.weight_bytes,
                        .scratch_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes,
                        .activation_bytes = activation_bytes(&op),
                    },
            };
        }
    }
    *sizes = (struct sizes){build.used, scratch, build.used + model->activation_bytes + scratch};
    return plan;
}

/* What size and init have in common. */
static bnn_status measure(const bnn_model *model, const bnn_options *options, uint32_t cpu, struct bnn_kernels *kernels,
                          struct sizes *sizes, bnn_error *error)
{
    if (workers_of(options) > BNN_MAX_WORKERS) { /* sums of their scratch memory would not fit 64 bits */
        return bnn_fail(error, BNN_ERR_ARGUMENT, BNN_PLACE_NONE, 0, "options.workers: more than BNN_MAX_WORKERS");
    }
    if (bnn_kernels_select(kernels, options->isa, cpu) < 0) {
        return bnn_fail(error, BNN_ERR_ISA, BNN_PLACE_NONE, 0,
                        "options.isa: no such instruction-set variant, or this cpu lacks it; bnn_isa() lists them");
    }
    lay_out(model, kernels, options, NULL, sizes);
    if (sizes->total > SIZE_MAX / 2) {
        return bnn_fail(error, BNN_ERR_UNSUPPORTED, BNN_PLACE_NONE, 0,
                        "the model needs more memory than this machine can address");
    }
    return BNN_OK;
}

static const bnn_options no_options;

bnn_status bnn_plan_size(const bnn_model *model, const bnn_options *options, size_t *bytes, bnn_error *error)
{
    bnn_error ignored;
    struct bnn_kernels kernels;
    struct sizes sizes = {0, 0, 0};
    error = error == NULL ? &ignored : error;
    bnn_status status = measure(model, options == NULL ? &no_options : options, bnn_cpu_features(), &kernels, &sizes, error);
    if (status == BNN_OK) {
        *bytes = (size_t)sizes.total;
    }
    return status;
}

bnn_status bnn_plan_init(bnn_plan **plan, const bnn_model *model, const bnn_options *options, void *arena, size_t bytes,
                         bnn_error *error)
{
    bnn_error ignored;
    struct bnn_kernels kernels;
    struct sizes sizes = {0, 0, 0};
    error = error == NULL ? &ignored : error;
    options = options == NULL ? &no_options : options;
    if ((uintptr_t)arena % BNN_ALIGNMENT != 0) {
        return bnn_fail(error, BNN_ERR_ALIGNMENT, BNN_PLACE_NONE, 0,
                        "the arena must be aligned to 64 bytes: _Alignas(BNN_ALIGNMENT)");
    }
    const uint32_t cpu = bnn_cpu_features();
    bnn_status status = measure(model, options, cpu, &kernels, &sizes, error);
    if (status == BNN_OK && options->isa == NULL && bytes < sizes.total) {
        /* Cores may differ, and the thread may have been on another one, without traits, when it asked for the size. */
        status = measure(model, options, cpu & ~(uint32_t)BNN_CPU_TRAITS, &kernels, &sizes, error);
    }
    if (status != BNN_OK) {
        return status;
    }
    if (arena == NULL || bytes < sizes.total) {
        return bnn_fail(error, BNN_ERR_ARENA, BNN_PLACE_NONE, sizes.total > UINT32_MAX ? UINT32_MAX : (uint32_t)sizes.total,
                        "the arena is smaller than bnn_plan_size says; index has the bytes that it needs");
    }
    *plan = lay_out(model, &kernels, options, arena, &sizes);
    return BNN_OK;
}

static uint8_t *io_memory(const bnn_plan *plan, uint32_t io)
{
    return plan->activations + bnn_model_tensor(&plan->model, bnn_model_io(&plan->model, io)).offset;
}

void *bnn_plan_input(bnn_plan *plan, uint32_t index)
{
    return index < plan->model.input_count ? io_memory(plan, index) : NULL;
}

const void *bnn_plan_output(const bnn_plan *plan, uint32_t index)
{
    return index < plan->model.output_count ? io_memory(plan, plan->model.input_count + index) : NULL;
}

bnn_status bnn_plan_set_input(bnn_plan *plan, uint32_t index, const void *data, size_t bytes)
{
    bnn_tensor tensor;
    bnn_status status = bnn_model_input(&plan->model, index, &tensor);
    if (status == BNN_OK && bytes != tensor.bytes) {
        return BNN_ERR_SIZE;
    }
    if (status == BNN_OK) {
        bnn_memcpy(bnn_plan_input(plan, index), data, bytes);
    }
    return status;
}

bnn_status bnn_plan_get_output(const bnn_plan *plan, uint32_t index, void *data, size_t bytes)
{
    bnn_tensor tensor;
    bnn_status status = bnn_model_output(&plan->model, index, &tensor);
    if (status == BNN_OK && bytes != tensor.bytes) {
        return BNN_ERR_SIZE;
    }
    if (status == BNN_OK) {
        bnn_memcpy(data, bnn_plan_output(plan, index), bytes);
    }
    return status;
}

const void *bnn_plan_tensor(const bnn_plan *plan, uint32_t tensor)
{
    if (tensor >= plan->model.tensor_count) {
        return NULL;
    }
    struct bnn_dab_tensor record = bnn_model_tensor(&plan->model, tensor);
    return (record.constant ? plan->model.bytes : plan->activations) + record.offset;
}

uint32_t bnn_plan_steps(const bnn_plan *plan)
{
    return plan->count;
}

bnn_status bnn_plan_step(const bnn_plan *plan, uint32_t index, bnn_step_info *info)
{
    if (index >= plan->count) {
        return BNN_ERR_ARGUMENT;
    }
    *info = plan->calls[index].info;
    return BNN_OK;
}
