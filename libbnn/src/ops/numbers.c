/* SPDX-License-Identifier: BSD-3-Clause */
#include "numbers.h"

#include <float.h>

#define LEVELS 255.0F

void bnn_numbers_bind(struct bnn_number_source *source, const struct bnn_view *x, int32_t zero, struct bnn_build *build)
{
    *source = (struct bnn_number_source){
        .team = build->team,
        .kernels = build->kernels,
        .numbers = {(const int8_t *)x->data, zero, 1},
        .n = (size_t)bnn_elements(x),
    };
    if (x->type == BNN_TYPE_F32) {
        source->floats = (const float *)(const void *)x->data;
        source->chunk = (source->n + build->workers - 1) / build->workers;
        source->limits = bnn_shared_scratch(build, (uint64_t)build->workers * 2 * sizeof(float));
        source->made = bnn_shared_scratch(build, source->n);
    }
}

/* One run of a source. */
struct making {
    const struct bnn_number_source *source;
    float *limits;
    int8_t *made;
    float scale;
    int32_t zero;
};

static size_t part_of(const struct bnn_number_source *source, uint32_t part, size_t *first)
{
    *first = part * source->chunk;
    return source->n - *first < source->chunk ? source->n - *first : source->chunk;
}

static void find_limits(const void *job, uint32_t part, uint8_t *scratch)
{
    (void)scratch;
    const struct making *m = job;
    size_t first, n = part_of(m->source, part, &first);
    float *limits = m->limits + (size_t)2 * part;
    limits[0] = limits[1] = 0;
    m->source->kernels->limits_f32(limits, m->source->floats + first, n);
}

static void make_numbers(const void *job, uint32_t part, uint8_t *scratch)
{
    (void)scratch;
    const struct making *m = job;
    size_t first, n = part_of(m->source, part, &first);
    const struct bnn_tile tile = {.pixels = 1, .channels = n};
    m->source->kernels->pack_i8(m->made + first, m->source->floats + first, &tile, &m->scale, &m->zero);
}

/* Some machines take denormals for 0. */
static float normal(float limit)
{
    return limit > -FLT_MIN && limit < FLT_MIN ? 0 : limit;
}

static float scale_of(const float limits[2])
{
    const float scale = (limits[1] - limits[0]) / LEVELS;
    return scale < FLT_MIN ? 1 : scale < FLT_MAX ? scale : FLT_MAX;
}

static int32_t zero_of(const float limits[2], float scale)
{
    const float exact = (0 - limits[0]) / scale, limited = exact < LEVELS ? exact : LEVELS;
    const float large = 8388608.0F; /* 2^23: the last place of the sum is 1 */
    return (int32_t)(limited + large - large) - 128;
}

struct bnn_numbers bnn_numbers_make(const struct bnn_number_source *source, uint8_t *scratch)
{
    if (source->floats == NULL) {
        return source->numbers;
    }
    uint8_t *shared = source->team->shared;
    struct making m = {
        .source = source,
        .limits = (float *)(void *)(shared + source->limits),
        .made = (int8_t *)(shared + source->made),
    };
    const uint32_t parts = (uint32_t)((source->n + source->chunk - 1) / source->chunk);
    bnn_share(source->team, find_limits, &m, parts, scratch);
    float limits[2] = {0, 0};
    source->kernels->limits_f32(limits, m.limits, (size_t)2 * parts);
    limits[0] = normal(limits[0]);
    limits[1] = normal(limits[1]);
    m.scale = scale_of(limits);
    m.zero = zero_of(limits, m.scale);
    bnn_share(source->team, make_numbers, &m, parts, scratch);
    return (struct bnn_numbers){m.made, m.zero, m.scale};
}
