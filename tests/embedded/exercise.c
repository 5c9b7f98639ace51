/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an application may rely on beyond results, for every model given; the first promise broken is said, and the exit code is 1.
 *
 *   exercise FILE...                 one after the other
 *   exercise --threads FILE FILE...  all of them in each of four threads, in turns
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bnn.h"

#define CANARY 256
#define THREADS 4
#define TURNS 20
#define MOST_MODELS 64

/* A model, and what its first run wrote. */
struct subject {
    const char *path;
    uint8_t *bytes, *outputs;
    size_t size, output_bytes;
    bnn_model model;
};

/* A plan in memory with canaries on both sides. */
struct place {
    uint8_t *memory, *arena;
    size_t bytes;
    bnn_plan *plan;
};

static struct subject subjects[MOST_MODELS];
static int count;

static void require(int promise, const struct subject *s, const char *what)
{
    if (!promise) {
        fprintf(stderr, "%s: %s\n", s->path, what);
        exit(1);
    }
}

static void *aligned(size_t bytes)
{
    void *memory = aligned_alloc(BNN_ALIGNMENT, (bytes + BNN_ALIGNMENT - 1) / BNN_ALIGNMENT * BNN_ALIGNMENT);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static size_t tensor_bytes(const struct subject *s, bnn_status (*get)(const bnn_model *, uint32_t, bnn_tensor *), uint32_t i)
{
    bnn_tensor tensor;
    require(get(&s->model, i, &tensor) == BNN_OK, s, "a tensor is not described");
    return tensor.bytes;
}

static void load(struct subject *s, const char *path)
{
    FILE *file = fopen(path, "rb");
    s->path = path;
    require(file != NULL && fseek(file, 0, SEEK_END) == 0, s, "cannot be read");
    s->size = (size_t)ftell(file);
    s->bytes = aligned(s->size);
    rewind(file);
    require(fread(s->bytes, 1, s->size, file) == s->size, s, "cannot be read");
    fclose(file);
    require(bnn_model_init(&s->model, s->bytes, s->size, NULL) == BNN_OK, s, "is refused");
    for (uint32_t i = 0; i < s->model.output_count; i++) {
        s->output_bytes += tensor_bytes(s, bnn_model_output, i);
    }
    s->outputs = aligned(s->output_bytes);
}

static struct place plan(const struct subject *s, int junk)
{
    struct place p;
    require(bnn_plan_size(&s->model, NULL, &p.bytes, NULL) == BNN_OK, s, "has no plan");
    p.memory = aligned(p.bytes + 2 * CANARY);
    p.arena = p.memory + CANARY;
    memset(p.memory, junk, p.bytes + 2 * CANARY);
    require(bnn_plan_init(&p.plan, &s->model, NULL, p.arena, p.bytes, NULL) == BNN_OK, s, "is not planned");
    return p;
}

static void check_canaries(const struct subject *s, const struct place *p, int junk)
{
    for (size_t i = 0; i < CANARY; i++) {
        require(p->memory[i] == junk && p->arena[p->bytes + i] == junk, s, "writes beside its arena");
    }
}

/* Inputs are small multiples of 1/4: which ones, `seed` says. */
static void fill_inputs(const struct subject *s, const struct place *p, uint32_t seed)
{
    for (uint32_t i = 0; i < s->model.input_count; i++) {
        bnn_tensor tensor;
        require(bnn_model_input(&s->model, i, &tensor) == BNN_OK, s, "an input is not described");
        uint8_t *input = bnn_plan_input(p->plan, i);
        for (size_t at = 0; at < tensor.bytes; at += tensor.type == BNN_TYPE_F32 ? 4 : 1) {
            seed = seed * 1664525u + 1013904223u;
            const float value = (float)(seed >> 26) / 4 - 8;
            if (tensor.type == BNN_TYPE_F32) {
                memcpy(input + at, &value, sizeof value);
            } else {
                input[at] = (uint8_t)(tensor.type == BNN_TYPE_I32 ? 0 : seed >> 24);
            }
        }
    }
}

static void copy_outputs(const struct subject *s, const struct place *p, uint8_t *to)
{
    for (uint32_t i = 0; i < s->model.output_count; i++) {
        const size_t bytes = tensor_bytes(s, bnn_model_output, i);
        memcpy(to, bnn_plan_output(p->plan, i), bytes);
        to += bytes;
    }
}

static void expect_outputs(const struct subject *s, const struct place *p, const char *what)
{
    uint8_t *got = aligned(s->output_bytes);
    copy_outputs(s, p, got);
    require(memcmp(got, s->outputs, s->output_bytes) == 0, s, what);
    free(got);
}

static void run(const struct subject *s, const struct place *p, uint32_t seed)
{
    fill_inputs(s, p, seed);
    bnn_run(p->plan);
}

/* Nothing of earlier runs and of what was in the arena is in a result, the model stays as it is. */
static void check_runs(struct subject *s)
{
    uint8_t *before = aligned(s->size);
    memcpy(before, s->bytes, s->size);
    struct place p = plan(s, 0xa5);
    run(s, &p, 1);
    copy_outputs(s, &p, s->outputs);
    run(s, &p, 1);
    expect_outputs(s, &p, "a second run gives other bits");
    run(s, &p, 2);
    run(s, &p, 1);
    expect_outputs(s, &p, "a run in between changes the result");
    check_canaries(s, &p, 0xa5);
    struct place other = plan(s, 0x5a);
    run(s, &other, 1);
    expect_outputs(s, &other, "what was in the arena changes the result");
    check_canaries(s, &other, 0x5a);
    require(memcmp(before, s->bytes, s->size) == 0, s, "the model's bytes change");
    free(p.memory);
    free(other.memory);
    free(before);
}

/* A model or an arena in any place works or is refused, and what is refused is not touched. */
static void check_alignments(const struct subject *s)
{
    uint8_t *memory = aligned(s->size + BNN_ALIGNMENT);
    for (size_t shift = 0; shift <= BNN_ALIGNMENT; shift++) {
        bnn_model model;
        bnn_error error = {BNN_OK, BNN_PLACE_NONE, 0, NULL};
        memcpy(memory + shift, s->bytes, s->size);
        const bnn_status want = shift % BNN_ALIGNMENT == 0 ? BNN_OK : BNN_ERR_ALIGNMENT;
        require(bnn_model_init(&model, memory + shift, s->size, &error) == want, s, "a model's alignment is not checked");
        require(want == BNN_OK || error.status == want, s, "alignment is no error with a reason");
    }
    free(memory);
    struct place p = plan(s, 0xa5);
    memset(p.memory, 0xa5, p.bytes + 2 * CANARY);
    for (size_t shift = 1; shift < BNN_ALIGNMENT; shift++) {
        bnn_plan *none = NULL;
        const bnn_status status = bnn_plan_init(&none, &s->model, NULL, p.arena + shift, p.bytes, NULL);
        require(status == BNN_ERR_ALIGNMENT && none == NULL, s, "an arena's alignment is not checked");
    }
    for (size_t i = 0; i < p.bytes + 2 * CANARY; i++) {
        require(p.memory[i] == 0xa5, s, "an arena that is refused is written to");
    }
    free(p.memory);
}

static void *take_turns(void *argument)
{
    const int first = *(const int *)argument;
    struct place places[MOST_MODELS];
    for (int i = 0; i < count; i++) {
        places[i] = plan(&subjects[i], 0xa5);
    }
    for (int turn = 0; turn < TURNS * count; turn++) {
        const int i = (first + turn) % count;
        run(&subjects[i], &places[i], 1);
        expect_outputs(&subjects[i], &places[i], "a thread gets other bits");
    }
    for (int i = 0; i < count; i++) {
        check_canaries(&subjects[i], &places[i], 0xa5);
        free(places[i].memory);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 && strcmp(argv[1], "--threads") == 0;
    for (int i = 1 + threads; i < argc && count < MOST_MODELS; i++, count++) {
        load(&subjects[count], argv[i]);
        check_runs(&subjects[count]);
        check_alignments(&subjects[count]);
    }
    if (threads) {
        pthread_t started[THREADS];
        int numbers[THREADS];
        for (int i = 0; i < THREADS; i++) {
            numbers[i] = i;
            if (pthread_create(&started[i], NULL, take_turns, &numbers[i]) != 0) {
                abort();
            }
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(started[i], NULL);
        }
    }
    printf("%d models\n", count);
    return 0;
}
