/* SPDX-License-Identifier: BSD-3-Clause */
#include "calls.h"

#include "ops/direct.h"
#include "ops/layer.h"
#include "ops/states.h"
#include "port.h"

static uint8_t slots_called[BNN_SLOT_COUNT];

/* Every kernel as one that notes its name and calls the reference, whatever that takes: up to six pointers and sizes. */
static bnn_kernel_fn *const references[BNN_SLOT_COUNT] = {
#define BNN_KERNEL(slot, params) (bnn_kernel_fn *)bnn_##slot##_c,
#include "kernels.def"
#undef BNN_KERNEL
};

static void trace(enum bnn_slot slot, size_t a, size_t b, size_t c, size_t d, size_t e, size_t f)
{
    typedef void reference(size_t, size_t, size_t, size_t, size_t, size_t);
    bnn_kernel_fn *volatile fn = references[slot]; /* volatile: the compiler is not to look at its type */
    slots_called[slot] = 1;
    ((reference *)fn)(a, b, c, d, e, f);
}

#define BNN_KERNEL(slot, params)                                                                                               \
    static void trace_##slot(size_t a, size_t b, size_t c, size_t d, size_t e, size_t f)                                       \
    {                                                                                                                          \
        trace(BNN_SLOT_##slot, a, b, c, d, e, f);                                                                              \
    }
#include "kernels.def"
#undef BNN_KERNEL

static bnn_kernel_fn *const tracers[BNN_SLOT_COUNT] = {
#define BNN_KERNEL(slot, params) (bnn_kernel_fn *)trace_##slot,
#include "kernels.def"
#undef BNN_KERNEL
};

/* The references while ops are bound, which may ask for them; then the tracers. A table is an array in slot order. */
static struct bnn_kernels kernels;
_Static_assert(sizeof kernels == sizeof tracers, "one pointer per slot");

static struct bnn_team team = {.workers = 1};

static const char *const slot_names[BNN_SLOT_COUNT] = {
#define BNN_KERNEL(slot, params) #slot,
#include "kernels.def"
#undef BNN_KERNEL
};

static const struct {
    bnn_op_run_fn *run;
    const char *name, *type;
} runs[] = {
#define BNN_OP_RUN(name, state) {bnn_##name##_run, #name, "struct bnn_" #state "_state"},
#include "ops/runs.def"
#undef BNN_OP_RUN
};

struct noting {
    struct bnn_build build;
    bnn_bound_call *call;
};

static void note(struct bnn_build *build, uint64_t at, uint64_t bytes)
{
    bnn_bound_call *call = ((struct noting *)(void *)build)->call;
    if (call->table_count < sizeof call->tables / sizeof call->tables[0]) {
        call->tables[call->table_count] = (bnn_table){at, bytes};
    }
    call->table_count++;
}

bnn_status bnn_bind_call(bnn_bound_call *call, const bnn_model *model, uint32_t index, int direct, uint8_t *memory,
                         uint8_t *activations)
{
    struct bnn_op op = bnn_op_of(model, index);
    struct noting noting = {
        .build = {.base = memory, .kernels = &kernels, .team = &team, .workers = 1, .note = note},
        .call = call,
    };
    struct bnn_build *build = &noting.build;
    const int is_conv = op.kind->code == &bnn_op_conv2d, is_dense = op.kind->code == &bnn_op_dense;
    bnn_op_run_fn *run = op.kind->code->run;
    op.source.activations = activations;
    *call = (bnn_bound_call){.run = NULL};
    bnn_memcpy(&kernels, (const void *)references, sizeof kernels);
    if (direct && (is_conv || is_dense)) {
        const struct bnn_window window = is_conv ? bnn_conv_window(&op, 0) : bnn_dense_window();
        call->state = bnn_direct_bind(&op, &window, build);
        run = bnn_direct_run;
    } else {
        call->state = op.kind->code->bind(&op, build);
    }
    call->bytes = build->used;
    call->shared = build->shared;
    call->own = build->scratch;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (runs[i].run == run) {
            call->run = runs[i].name;
            call->type = runs[i].type;
        }
    }
    const int fits = call->table_count <= sizeof call->tables / sizeof call->tables[0];
    return call->run != NULL && fits ? BNN_OK : BNN_ERR_UNSUPPORTED;
}

const struct bnn_kernels *bnn_call_kernels(void)
{
    return &kernels;
}

const struct bnn_team *bnn_call_team(void)
{
    return &team;
}

void bnn_trace_call(const bnn_bound_call *call, uint8_t *scratch, uint8_t *called)
{
    team.shared = scratch;
    bnn_memcpy(&kernels, (const void *)tracers, sizeof kernels);
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (runs[i].name == call->run) {
            runs[i].run(call->state, scratch + call->shared);
        }
    }
    for (size_t i = 0; i < BNN_SLOT_COUNT; i++) {
        called[i] |= slots_called[i];
        slots_called[i] = 0;
    }
}

const char *bnn_slot_name(size_t slot)
{
    return slot < BNN_SLOT_COUNT ? slot_names[slot] : NULL;
}
