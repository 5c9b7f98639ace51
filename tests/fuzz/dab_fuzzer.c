/* SPDX-License-Identifier: BSD-3-Clause
 *
 * libFuzzer target: any bytes as a .dab file, through loader, planner and run. Built with AddressSanitizer and
 * UndefinedBehaviorSanitizer by `nox -s fuzz`. Besides what these find it is a finding if
 *   - an error has no text, or another status than was returned,
 *   - an arena that is one byte smaller than bnn_plan_size says is taken,
 *   - a second run, in an arena with other rubbish in it, gives other bits,
 *   - the bytes of the model change.
 * The first byte of the checksum field chooses the instruction set and the number of workers; it is not compared here, so
 * that mutations need not keep the checksum valid to get deep (dab_mutator.c keeps it valid all the same, half of the time).
 */
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bnn/bnn.h"

/* What one execution may cost; larger models are planned, but do not run. */
enum { MOST_BYTES = 1 << 16, MOST_ARENA = 1 << 17, MOST_WORK = 1 << 17, CRC_AT = 16, WORKERS = 3 };

static _Alignas(BNN_ALIGNMENT) uint8_t file[MOST_BYTES + BNN_ALIGNMENT];
static _Alignas(BNN_ALIGNMENT) uint8_t arena[MOST_ARENA + BNN_ALIGNMENT];
static uint8_t outputs[MOST_ARENA];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
    if (!condition) {
        abort();
    }
}

static void demand_error(const bnn_error *error, bnn_status status)
{
    demand(error->status == status && error->what != NULL && error->what[0] != '\0');
    demand(bnn_strerror(status)[0] != '\0');
}

/* A bnn_parallel: last part first, workers in turn. */
static void backwards(void *context, bnn_task *task, void *argument, uint32_t parts)
{
    (void)context;
    for (uint32_t part = parts; part-- > 0;) {
        task(argument, part, part % WORKERS);
    }
}

static bnn_options choose(uint8_t byte)
{
    bnn_options options;
    memset(&options, 0, sizeof options);
    size_t count = 0;
    while (bnn_isa(count) != NULL) {
        count++;
    }
    options.isa = bnn_isa(byte % count);
    if (byte & 0x80) {
        options.parallel = backwards;
        options.workers = WORKERS;
    }
    return options;
}

static void look_at_descriptions(const bnn_model *model)
{
    bnn_tensor tensor;
    for (uint32_t i = 0; i < model->input_count; i++) {
        demand(bnn_model_input(model, i, &tensor) == BNN_OK && strlen(tensor.name) < model->size);
    }
    for (uint32_t i = 0; i < model->output_count; i++) {
        demand(bnn_model_output(model, i, &tensor) == BNN_OK && strlen(tensor.name) < model->size);
    }
    demand(bnn_model_input(model, model->input_count, &tensor) == BNN_ERR_ARGUMENT);
    demand(bnn_model_output(model, model->output_count, &tensor) == BNN_ERR_ARGUMENT);
    demand(strlen(bnn_model_metadata(model)) < model->size);
}

/* Multiply-adds and bytes of one run. */
static uint64_t work(const bnn_plan *plan)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < bnn_plan_steps(plan); i++) {
        bnn_step_info info;
        demand(bnn_plan_step(plan, i, &info) == BNN_OK && strlen(info.name) < MOST_BYTES && info.kind[0] != '\0');
        sum += info.macs + info.activation_bytes;
    }
    return sum;
}

/* Inputs whose bytes come from the file: all kinds of floats, but no NaN. */
static void fill_inputs(bnn_plan *plan, const bnn_model *model)
{
    for (uint32_t i = 0; i < model->input_count; i++) {
        bnn_tensor tensor;
        uint8_t *x = bnn_plan_input(plan, i);
        demand(bnn_model_input(model, i, &tensor) == BNN_OK);
        for (size_t k = 0; k < tensor.bytes; k++) {
            x[k] = (uint8_t)(model->bytes[(k * 7 + i) % model->size] + k);
        }
        for (size_t k = 3; tensor.type == BNN_TYPE_F32 && k < tensor.bytes; k += 4) {
            x[k] = (x[k] & 0x7f) == 0x7f ? 0x40 : x[k];
        }
    }
}

/* Plans and runs in an arena full of `rubbish`. first: keep the outputs; otherwise compare with those kept. */
static void run(const bnn_model *model, const bnn_options *options, size_t bytes, int rubbish, int first)
{
    bnn_plan *plan = NULL;
    memset(arena, rubbish, bytes);
    demand(bnn_plan_init(&plan, model, options, arena, bytes, NULL) == BNN_OK);
    if (work(plan) > MOST_WORK) {
        return;
    }
    fill_inputs(plan, model);
    bnn_run(plan);
    size_t at = 0;
    for (uint32_t i = 0; i < model->output_count; i++) {
        bnn_tensor tensor;
        demand(bnn_model_output(model, i, &tensor) == BNN_OK);
        size_t room = sizeof outputs - at < tensor.bytes ? sizeof outputs - at : tensor.bytes;
        if (first) {
            memcpy(outputs + at, bnn_plan_output(plan, i), room);
        }
        demand(memcmp(outputs + at, bnn_plan_output(plan, i), room) == 0);
        at += room;
    }
}

static void plan_and_run(const bnn_model *model, const bnn_options *options)
{
    size_t bytes = 0;
    bnn_error error;
    bnn_plan *plan = NULL;
    bnn_status status = bnn_plan_size(model, options, &bytes, &error);
    if (status != BNN_OK) {
        demand_error(&error, status);
        return;
    }
    if (bytes > MOST_ARENA) {
        return;
    }
    status = bnn_plan_init(&plan, model, options, arena, bytes - 1, &error);
    demand(status == BNN_ERR_ARENA);
    demand_error(&error, status);
    ASAN_POISON_MEMORY_REGION(arena + bytes, sizeof arena - bytes);
    run(model, options, bytes, 0x00, 1);
    run(model, options, bytes, 0xff, 0);
    ASAN_UNPOISON_MEMORY_REGION(arena + bytes, sizeof arena - bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MOST_BYTES) {
        return 0;
    }
    memcpy(file, data, size);
    ASAN_POISON_MEMORY_REGION(file + size, sizeof file - size);
    bnn_model model;
    bnn_error error;
    bnn_status status = bnn_model_init(&model, file, size, &error);
    if (status != BNN_OK) {
        demand_error(&error, status);
    } else {
        status = bnn_model_verify(&model);
        demand(status == BNN_OK || status == BNN_ERR_CHECKSUM);
        look_at_descriptions(&model);
        bnn_options options = choose(file[CRC_AT]);
        plan_and_run(&model, &options);
        demand(memcmp(file, data, size) == 0);
    }
    ASAN_UNPOISON_MEMORY_REGION(file + size, sizeof file - size);
    return 0;
}
