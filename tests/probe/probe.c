/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Call server: runs the library on the machine it is built for (often under an emulator) for a test that runs elsewhere.
 *
 *   probe FILE       shares FILE with the tester and answers requests from standard input on standard output until it closes
 *
 * A request and its reply are one struct each, little-endian like all targets. Bulk data never goes through the pipe: the
 * tester writes it into FILE and passes addresses, which it gets by adding offsets to the address that OP_HELLO returns.
 * Kernels take pointers and sizes only, so that one call through six words serves them all. The first TEXT_BYTES of FILE
 * receive text answers. A fatal signal is answered with its number and address, and ends the server.
 *
 * Kernel calls and runs lie between the hints that an instruction counter looks for; of a run only one step where the plan says
 * which.
 *
 * No C library here: machine.h is all that is asked of the system, and firmware boards (board.c) have none.
 */
#include <stddef.h>
#include <stdint.h>

#include "bnn/bnn.h"
#include "kernels.h"
#include "machine.h"
#include "../../libbnn/tools/marks.h"

#define TEXT_BYTES 65536u

enum op {
    OP_HELLO =
        0, /* value: address of FILE; text: "pointer BYTES", then the rows "isa NAME RUNS", "choice NAME", "kernel SLOT ISA" */
    OP_GUARD = 1, /* (address, bytes): makes pages inaccessible */
    OP_CALL = 2, /* kernel row `index` with args */
    OP_OPEN =
        3, /* (model, bytes, isa or 0, workers): value: arena bytes; text: rows "input|output TYPE BYTES DIM,DIM,... NAME" */
    OP_PLAN = 4, /* (arena, bytes, isa or 0, workers, step + 1 or 0): plans the model opened last */
    OP_RUN = 5, /* runs the plan made last */
    OP_INPUT = 6, /* value: address of input `index` of the plan; 0 if there is none */
    OP_OUTPUT = 7,
    OP_TENSOR = 8,
    OP_VERIFY = 9 /* compares the stored checksum of the model opened last */
};

struct request {
    uint32_t op;
    uint32_t index;
    uint64_t args[6];
};

struct reply {
    int32_t status; /* bnn_status; the text names the place where it is negative */
    int32_t signal; /* 0, or the fatal signal: value is then its address */
    uint64_t value;
};

typedef void kernel_call(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t);

static char *text; /* the start of FILE */
static size_t text_used;
static bnn_model model;
static bnn_plan *plan;
static uint32_t marked_step; /* from 1 on; 0: none */

static void send_reply(int32_t status, int32_t signal_number, uint64_t value)
{
    const struct reply reply = {status, signal_number, value};
    machine_write(&reply, sizeof reply);
}

void probe_fault(int signal_number, uintptr_t address)
{
    send_reply(0, signal_number, address);
}

static void *pointer(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static void put_text(const char *string)
{
    for (; *string != '\0'; string++) {
        if (text_used + 1 == TEXT_BYTES) {
            __builtin_trap(); /* the table outgrew TEXT_BYTES */
        }
        text[text_used++] = *string;
    }
    text[text_used] = '\0';
}

/* A number in decimal, between two texts. */
static void put_number(const char *before, int64_t number, const char *behind)
{
    char digits[21], *first = digits + sizeof digits - 1;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *first = '\0';
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    put_text(before);
    put_text(number < 0 ? "-" : "");
    put_text(first);
    put_text(behind);
}

/* "KIND NAME", and what follows. */
static void put_row(const char *kind, const char *name, const char *behind)
{
    put_text(kind);
    put_text(" ");
    put_text(name);
    put_text(behind);
}

static int runs_here(const struct bnn_isa *isa)
{
    return (isa->features & ~bnn_cpu_features()) == 0;
}

static void put_kernels(void)
{
    put_number("pointer ", (int64_t)sizeof(void *), "\n");
    for (size_t i = 0; i < bnn_isa_count(); i++) {
        put_row("isa", bnn_isa_at(i)->name, runs_here(bnn_isa_at(i)) ? " 1\n" : " 0\n");
    }
    for (size_t i = 0; bnn_isa(i) != NULL; i++) {
        put_row("choice", bnn_isa(i), "\n");
    }
    for (size_t i = 0; i < bnn_variant_count(); i++) {
        const struct bnn_variant *variant = bnn_variant_at(i);
        put_row("kernel", variant->slot_name, " ");
        put_text(bnn_isa_at(variant->isa)->name);
        put_text("\n");
    }
}

static void put_tensor(const char *role, const bnn_tensor *tensor)
{
    put_text(role);
    put_number(" ", (int64_t)tensor->type, " ");
    put_number("", (int64_t)tensor->bytes, " ");
    for (uint32_t i = 0; i < tensor->rank; i++) {
        put_number(i == 0 ? "" : ",", tensor->dims[i], "");
    }
    put_row("", tensor->name, "\n");
}

static void put_tensors(void)
{
    bnn_tensor tensor;
    for (uint32_t i = 0; bnn_model_input(&model, i, &tensor) == BNN_OK; i++) {
        put_tensor("input", &tensor);
    }
    for (uint32_t i = 0; bnn_model_output(&model, i, &tensor) == BNN_OK; i++) {
        put_tensor("output", &tensor);
    }
}

static void put_error(const bnn_error *error)
{
    put_number("", (int64_t)error->place, " ");
    put_number("", error->index, " ");
    put_text(error->what);
}

/* A bnn_parallel without threads: the last part first, each by another worker than the one before. */
static void run_backwards(void *context, bnn_task *task, void *argument, uint32_t parts)
{
    const uint32_t workers = *(const uint32_t *)context;
    while (parts-- > 0) {
        task(argument, parts, parts % workers);
    }
}

static void mark_step(void *context, uint32_t step, int after)
{
    (void)context;
    if (step + 1 != marked_step) {
        return;
    }
    if (after) {
        MARK_END();
    } else {
        MARK_BEGIN();
    }
}

static void run(void)
{
    if (marked_step != 0) {
        bnn_run(plan);
        return;
    }
    MARK_BEGIN();
    bnn_run(plan);
    MARK_END();
}

static bnn_options options_of(const struct request *request)
{
    static uint32_t workers; /* of the last plan */
    workers = (uint32_t)request->args[3];
    marked_step = (uint32_t)request->args[4];
    return (bnn_options){
        .isa = pointer(request->args[2]),
        .profile = marked_step != 0 ? mark_step : NULL,
        .parallel = workers > 0 ? run_backwards : NULL,
        .parallel_context = &workers,
        .workers = workers,
    };
}

static bnn_status open_model(const struct request *request, uint64_t *arena_bytes)
{
    const bnn_options options = options_of(request);
    bnn_error error = {BNN_OK, BNN_PLACE_NONE, 0, ""};
    size_t bytes = 0;
    bnn_status status = bnn_model_init(&model, pointer(request->args[0]), (size_t)request->args[1], &error);
    if (status == BNN_OK) {
        status = bnn_plan_size(&model, &options, &bytes, &error);
    }
    if (status == BNN_OK) {
        put_tensors();
    } else {
        put_error(&error);
    }
    *arena_bytes = bytes;
    return status;
}

static bnn_status plan_model(const struct request *request)
{
    const bnn_options options = options_of(request);
    bnn_error error = {BNN_OK, BNN_PLACE_NONE, 0, ""};
    const bnn_status status =
        bnn_plan_init(&plan, &model, &options, pointer(request->args[0]), (size_t)request->args[1], &error);
    if (status != BNN_OK) {
        put_error(&error);
    }
    return status;
}

static void call_kernel(const struct request *request)
{
    const struct bnn_variant *variant = bnn_variant_at(request->index);
    if (variant == NULL) {
        __builtin_trap(); /* the tester read the rows with OP_HELLO */
    }
    const uint64_t *a = request->args;
    MARK_BEGIN();
    ((kernel_call *)variant->fn)((uintptr_t)a[0], (uintptr_t)a[1], (uintptr_t)a[2], (uintptr_t)a[3], (uintptr_t)a[4],
                                 (uintptr_t)a[5]);
    MARK_END();
}

static void serve(const struct request *request)
{
    int32_t status = 0;
    uint64_t value = 0;
    text_used = 0;
    text[0] = '\0';
    switch ((enum op)request->op) {
    case OP_HELLO:
        put_kernels();
        value = (uintptr_t)text;
        break;
    case OP_GUARD: status = machine_guard(pointer(request->args[0]), (size_t)request->args[1]); break;
    case OP_CALL: call_kernel(request); break;
    case OP_OPEN: status = open_model(request, &value); break;
    case OP_PLAN: status = plan_model(request); break;
    case OP_RUN: run(); break;
    case OP_INPUT: value = (uintptr_t)bnn_plan_input(plan, request->index); break;
    case OP_OUTPUT: value = (uintptr_t)bnn_plan_output(plan, request->index); break;
    case OP_TENSOR: value = (uintptr_t)bnn_plan_tensor(plan, request->index); break;
    case OP_VERIFY: status = bnn_model_verify(&model); break;
    default: __builtin_trap();
    }
    send_reply(status, 0, value);
}

int main(int argc, char **argv)
{
    text = machine_memory(argc, argv);
    if (text == NULL) {
        return 2;
    }
    for (struct request request; machine_read(&request, sizeof request);) {
        serve(&request);
    }
    return 0;
}
