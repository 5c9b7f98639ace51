/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Call server: runs the library on the machine it is built for (often under an emulator) for a test that runs elsewhere.
 *
 *   probe FILE       maps FILE shared and answers requests from standard input on standard output until it closes
 *
 * A request and its reply are one struct each, little-endian like all targets. Bulk data never goes through the pipe: the
 * tester writes it into FILE and passes addresses, which it gets by adding offsets to the address that OP_HELLO returns.
 * Kernels take pointers and sizes only, so that one call through six words serves them all. The first TEXT_BYTES of FILE
 * receive text answers. A fatal signal is answered with its number and address, and ends the server.
 */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bnn/bnn.h"
#include "kernels.h"

#define TEXT_BYTES 65536u

enum op {
    OP_HELLO =
        0, /* value: address of FILE; text: "pointer BYTES", then the rows "isa NAME RUNS", "choice NAME", "kernel SLOT ISA" */
    OP_GUARD = 1, /* (address, bytes): makes pages inaccessible */
    OP_CALL = 2, /* kernel row `index` with args */
    OP_OPEN =
        3, /* (model, bytes, isa or 0, workers): value: arena bytes; text: rows "input|output TYPE BYTES DIM,DIM,... NAME" */
    OP_PLAN = 4, /* (arena, bytes, isa or 0, workers): plans the model opened last */
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

static void send_reply(int32_t status, int32_t signal_number, uint64_t value)
{
    const struct reply reply = {status, signal_number, value};
    if (write(STDOUT_FILENO, &reply, sizeof reply) != (ssize_t)sizeof reply) {
        _exit(3);
    }
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    send_reply(0, number, (uintptr_t)info->si_addr);
    _exit(1);
}

static void catch_signals(void)
{
    static char stack[65536]; /* a kernel that ruins sp must still be reported */
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    (void)sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        (void)sigaction(fatal[i], &action, NULL);
    }
}

static void *pointer(uint64_t address)
{
    return (void *)(uintptr_t)address;
}

static void put_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(text + text_used, TEXT_BYTES - text_used, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= TEXT_BYTES - text_used) {
        abort(); /* the table outgrew TEXT_BYTES */
    }
    text_used += (size_t)n;
}

static int runs_here(const struct bnn_isa *isa)
{
    return (isa->features & ~bnn_cpu_features()) == 0;
}

static void put_kernels(void)
{
    put_text("pointer %zu\n", sizeof(void *));
    for (size_t i = 0; i < bnn_isa_count(); i++) {
        put_text("isa %s %d\n", bnn_isa_at(i)->name, runs_here(bnn_isa_at(i)));
    }
    for (size_t i = 0; bnn_isa(i) != NULL; i++) {
        put_text("choice %s\n", bnn_isa(i));
    }
    for (size_t i = 0; i < bnn_variant_count(); i++) {
        const struct bnn_variant *variant = bnn_variant_at(i);
        put_text("kernel %s %s\n", variant->slot_name, bnn_isa_at(variant->isa)->name);
    }
}

static void put_tensor(const char *role, const bnn_tensor *tensor)
{
    put_text("%s %d %zu ", role, (int)tensor->type, tensor->bytes);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        put_text("%s%" PRIu32, i == 0 ? "" : ",", tensor->dims[i]);
    }
    put_text(" %s\n", tensor->name);
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

/* A bnn_parallel without threads: the last part first, each by another worker than the one before. */
static void run_backwards(void *context, bnn_task *task, void *argument, uint32_t parts)
{
    const uint32_t workers = *(const uint32_t *)context;
    while (parts-- > 0) {
        task(argument, parts, parts % workers);
    }
}

static bnn_options options_of(const struct request *request)
{
    static uint32_t workers; /* of the last plan */
    workers = (uint32_t)request->args[3];
    return (bnn_options){
        .isa = pointer(request->args[2]),
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
        put_text("%d %" PRIu32 " %s", (int)error.place, error.index, error.what);
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
        put_text("%d %" PRIu32 " %s", (int)error.place, error.index, error.what);
    }
    return status;
}

static void call_kernel(const struct request *request)
{
    const struct bnn_variant *variant = bnn_variant_at(request->index);
    if (variant == NULL) {
        abort(); /* the tester read the rows with OP_HELLO */
    }
    const uint64_t *a = request->args;
    ((kernel_call *)variant->fn)((uintptr_t)a[0], (uintptr_t)a[1], (uintptr_t)a[2], (uintptr_t)a[3], (uintptr_t)a[4],
                                 (uintptr_t)a[5]);
}

static void serve(const struct request *request)
{
    int32_t status = 0;
    uint64_t value = 0;
    text_used = 0;
    switch ((enum op)request->op) {
    case OP_HELLO:
        put_kernels();
        value = (uintptr_t)text;
        break;
    case OP_GUARD: status = mprotect(pointer(request->args[0]), (size_t)request->args[1], PROT_NONE); break;
    case OP_CALL: call_kernel(request); break;
    case OP_OPEN: status = open_model(request, &value); break;
    case OP_PLAN: status = plan_model(request); break;
    case OP_RUN: bnn_run(plan); break;
    case OP_INPUT: value = (uintptr_t)bnn_plan_input(plan, request->index); break;
    case OP_OUTPUT: value = (uintptr_t)bnn_plan_output(plan, request->index); break;
    case OP_TENSOR: value = (uintptr_t)bnn_plan_tensor(plan, request->index); break;
    case OP_VERIFY: status = bnn_model_verify(&model); break;
    default: abort();
    }
    send_reply(status, 0, value);
}

static int read_request(struct request *request)
{
    char *to = (char *)request;
    for (size_t got = 0; got < sizeof *request;) {
        const ssize_t n = read(STDIN_FILENO, to + got, sizeof *request - got);
        if (n <= 0) {
            return 0;
        }
        got += (size_t)n;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct stat status;
    const int file = argc == 2 ? open(argv[1], O_RDWR) : -1;
    if (file < 0 || fstat(file, &status) != 0) {
        fputs("usage: probe FILE (a readable and writable file to share)\n", stderr);
        return 2;
    }
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) {
        perror("probe: mmap");
        return 2;
    }
    text = memory;
    catch_signals();
    for (struct request request; read_request(&request);) {
        serve(&request);
    }
    return 0;
}
