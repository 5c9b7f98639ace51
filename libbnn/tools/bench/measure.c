/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bnn/bnn.h"
#include "kernels.h"
#include "../marks.h"

const int bench_has_marks = HAS_MARKS;

#define WARM_UP_NS 2e7 /* a cpu that rested takes some time to its full speed */

double bench_ns_since(const struct timespec *begin)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)(now.tv_sec - begin->tv_sec) * 1e9 + (double)(now.tv_nsec - begin->tv_nsec);
}

double bench_counter_mhz(void)
{
#if defined(__x86_64__) || defined(__i386__)
    const double wait_ns = 2e7;
    struct timespec begin;
    timespec_get(&begin, TIME_UTC);
    const uint64_t ticks = __builtin_ia32_rdtsc();
    double ns;
    while ((ns = bench_ns_since(&begin)) < wait_ns) {}
    return (double)(__builtin_ia32_rdtsc() - ticks) / ns * 1e3;
#else
    return 0;
#endif
}

/* Measures one part of every run. */
struct meter {
    int mark; /* between hints; otherwise by the clock */
    struct timespec begin;
    double ns;
};

static void begin(struct meter *meter)
{
    if (meter->mark) {
        MARK_BEGIN();
    } else {
        timespec_get(&meter->begin, TIME_UTC);
    }
}

static void end(struct meter *meter)
{
    if (meter->mark) {
        MARK_END();
    } else {
        meter->ns = bench_ns_since(&meter->begin);
    }
}

static void on_step(void *context, uint32_t step, int after)
{
    if (step == BENCH_STEP) {
        (after ? end : begin)(context);
    }
}

/* A case, ready to run. */
struct subject {
    const struct bench_case *test;
    struct meter meter;
    float *input;
    size_t input_bytes;
    bnn_plan *plan; /* of a layer */
    struct bnn_kernels kernels; /* of a packer: */
    struct bnn_threshold threshold;
    uint8_t *packed;
};

static void run_once(struct subject *s)
{
    const struct bench_layer *layer = &s->test->layer;
    const size_t pixels = (size_t)layer->height * layer->width, channels = layer->channels, step = channels * sizeof(float);
    if (s->plan != NULL) {
        memcpy(bnn_plan_input(s->plan, 0), s->input, s->input_bytes); /* a run may overwrite it */
    }
    if (s->test->subject == BENCH_OP) {
        bnn_run(s->plan); /* on_step is the meter */
        return;
    }
    begin(&s->meter);
    switch (s->test->subject) {
    case BENCH_PACK_SIGN: s->kernels.pack_sign(s->packed, s->input, pixels, step, channels); break;
    case BENCH_PACK_THRESHOLD: s->kernels.pack_threshold(s->packed, s->input, pixels, step, channels, &s->threshold); break;
    default: bnn_run(s->plan); break;
    }
    end(&s->meter);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int fail(const struct subject *s, const char *what)
{
    fprintf(stderr, "bnn-bench: %s: %s\n", s->test->name, what);
    return -1;
}

static int measure(struct subject *s, unsigned long repeat, struct bench_times *times)
{
    if (repeat == 0) {
        s->meter.mark = 1;
        run_once(s);
        return 0;
    }
    double *ns = malloc(repeat * sizeof ns[0]);
    if (ns == NULL) {
        return fail(s, strerror(ENOMEM));
    }
    struct timespec start;
    timespec_get(&start, TIME_UTC);
    do {
        run_once(s);
    } while (bench_ns_since(&start) < WARM_UP_NS);
    for (unsigned long i = 0; i < repeat; i++) {
        run_once(s);
        ns[i] = s->meter.ns;
    }
    qsort(ns, repeat, sizeof ns[0], ascending);
    *times = (struct bench_times){.min = ns[0], .median = ns[repeat / 2]};
    free(ns);
    return 0;
}

static int measure_model(struct subject *s, const char *isa, unsigned long repeat, struct bench_times *times)
{
    const bnn_options options = {
        .isa = isa,
        .profile = s->test->subject == BENCH_OP ? on_step : NULL,
        .profile_context = &s->meter,
    };
    bnn_model model;
    bnn_error error = {0};
    size_t size = 0, bytes = 0;
    uint8_t *file = bench_model(&s->test->layer, &size), *arena = NULL;
    bnn_status status = file == NULL ? BNN_ERR_ARENA : bnn_model_init(&model, file, size, &error);
    if (status == BNN_OK) {
        status = bnn_plan_size(&model, &options, &bytes, &error);
    }
    if (status == BNN_OK) {
        arena = bench_allocate(bytes);
        status = arena == NULL ? BNN_ERR_ARENA : bnn_plan_init(&s->plan, &model, &options, arena, bytes, &error);
    }
    const int code =
        status != BNN_OK ? fail(s, error.what != NULL ? error.what : bnn_strerror(status)) : measure(s, repeat, times);
    free(arena);
    free(file);
    return code;
}

static int measure_packer(struct subject *s, const char *isa, unsigned long repeat, struct bench_times *times)
{
    static const _Alignas(BENCH_UNIT / 8) uint8_t flips[BENCH_UNIT / 8];
    float thresholds[BENCH_UNIT];
    bench_floats(thresholds, BENCH_UNIT, 2);
    s->threshold = (struct bnn_threshold){.threshold = thresholds, .flip = flips};
    if (bnn_kernels_select(&s->kernels, isa, bnn_cpu_features()) < 0) {
        return fail(s, bnn_strerror(BNN_ERR_ISA));
    }
    return measure(s, repeat, times);
}

int bench_measure(const struct bench_case *test, const char *isa, unsigned long repeat, struct bench_times *times)
{
    const size_t floats = (size_t)test->layer.height * test->layer.width * test->layer.channels;
    struct subject s = {.test = test, .input_bytes = floats * sizeof(float)};
    s.input = bench_allocate(s.input_bytes);
    s.packed = bench_allocate(floats / 8);
    int code;
    if (s.input == NULL || s.packed == NULL) {
        code = fail(&s, strerror(ENOMEM));
    } else {
        bench_floats(s.input, floats, 3);
        code = (bench_is_packer(test) ? measure_packer : measure_model)(&s, isa, repeat, times);
    }
    free(s.input);
    free(s.packed);
    return code;
}
