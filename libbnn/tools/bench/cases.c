/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench.h"

#include <stdio.h>
#include <string.h>

/* H, W, C, O, kernel, stride, pad, border, dense, bits_out, kind; and whether the families below other than the first have it. */
static const struct {
    const char *name;
    struct bench_layer layer;
    int all;
} shapes[] = {
    {"bconv_3x3_64", {56, 56, 64, 64, 3, 1, 1, 0, 0, 0, BENCH_BINARY}, 1},
    {"bconv_3x3_128", {28, 28, 128, 128, 3, 1, 1, 0, 0, 0, BENCH_BINARY}, 1},
    {"bconv_3x3_256", {14, 14, 256, 256, 3, 1, 1, 0, 0, 0, BENCH_BINARY}, 1},
    {"bconv_3x3_256_s2", {14, 14, 256, 256, 3, 2, 1, 0, 0, 0, BENCH_BINARY}, 1},
    {"bconv_3x3_512", {7, 7, 512, 512, 3, 1, 1, 0, 0, 0, BENCH_BINARY}, 1},
    {"bconv_5x5_256", {14, 14, 256, 256, 5, 1, 2, 0, 0, 0, BENCH_BINARY}, 1},
    {"bconv_1x1_256", {14, 14, 256, 256, 1, 1, 0, 0, 0, 0, BENCH_BINARY}, 0},
    {"bconv_1x1_512", {7, 7, 512, 512, 1, 1, 0, 0, 0, 0, BENCH_BINARY}, 0},
    {"dense_1024", {1, 1, 1024, 1024, 1, 1, 0, 0, 1, 0, BENCH_BINARY}, 0},
    {"dense_4096", {1, 1, 4096, 4096, 1, 1, 0, 0, 1, 0, BENCH_BINARY}, 0},
};

/* What the shapes are measured as. */
static const struct {
    const char *before, *behind; /* parts of the name */
    enum bench_subject subject;
    int border, bits_out;
} families[] = {
    {"", "", BENCH_OP, 0, 0},
    {"bits_", "", BENCH_OP, 0, 1},
    {"layer_", "", BENCH_RUN, 0, 0},
    {"layer_", "_minus", BENCH_RUN, -1, 0},
    {"layer_", "_plus", BENCH_RUN, 1, 0},
};

static const struct bench_case floats[] = {
    {"conv_7x7_3_64", BENCH_OP, {224, 224, 3, 64, 7, 2, 3, 0, 0, 0, BENCH_FLOAT}},
    {"conv_3x3_64", BENCH_OP, {56, 56, 64, 64, 3, 1, 1, 0, 0, 0, BENCH_FLOAT}},
    {"conv_3x3_512", BENCH_OP, {7, 7, 512, 512, 3, 1, 1, 0, 0, 0, BENCH_FLOAT}},
    {"conv_1x1_256", BENCH_OP, {14, 14, 256, 256, 1, 1, 0, 0, 0, 0, BENCH_FLOAT}},
    {"conv_3x3_8", BENCH_OP, {28, 28, 8, 8, 3, 1, 1, 0, 0, 0, BENCH_FLOAT}},
    {"conv_3x3_3_10", BENCH_OP, {32, 32, 3, 10, 3, 1, 1, 0, 0, 0, BENCH_FLOAT}},
    {"depthwise_3x3_64", BENCH_OP, {56, 56, 64, 64, 3, 1, 1, 0, 0, 0, BENCH_DEPTHWISE}},
    {"depthwise_3x3_512_s2", BENCH_OP, {14, 14, 512, 512, 3, 2, 1, 0, 0, 0, BENCH_DEPTHWISE}},
    {"floats_1024", BENCH_OP, {1, 1, 1024, 1024, 1, 1, 0, 0, 1, 0, BENCH_FLOAT}},
    {"floats_512_10", BENCH_OP, {1, 1, 512, 10, 1, 1, 0, 0, 1, 0, BENCH_FLOAT}},
};

/* Behind _8: 8 vectors of inputs, as pixels. */
static const struct bench_case mixed[] = {
    {"dense_s8_1024", BENCH_OP, {1, 1, 1024, 1024, 1, 1, 0, 0, 1, 0, BENCH_S8}},
    {"dense_s8_1024_8", BENCH_OP, {1, 8, 1024, 1024, 1, 1, 0, 0, 0, 0, BENCH_S8}},
    {"dense_sign_1024", BENCH_OP, {1, 1, 1024, 1024, 1, 1, 0, 0, 1, 0, BENCH_SIGN}},
    {"dense_sign_1024_8", BENCH_OP, {1, 8, 1024, 1024, 1, 1, 0, 0, 0, 0, BENCH_SIGN}},
    {"dense_s8sign_1024", BENCH_OP, {1, 1, 1024, 1024, 1, 1, 0, 0, 1, 0, BENCH_S8_SIGN}},
    {"dense_s8sign_1024_8", BENCH_OP, {1, 8, 1024, 1024, 1, 1, 0, 0, 0, 0, BENCH_S8_SIGN}},
    {"conv_s8_7x7_3_64", BENCH_OP, {224, 224, 3, 64, 7, 2, 3, 0, 0, 0, BENCH_S8}},
    {"conv_s8_1x1_64_128", BENCH_OP, {28, 28, 64, 128, 1, 1, 0, 0, 0, 0, BENCH_S8}},
    {"conv_s8_3x3_128", BENCH_OP, {28, 28, 128, 128, 3, 1, 1, 0, 0, 0, BENCH_S8}},
    {"conv_sign_3x3_128", BENCH_OP, {28, 28, 128, 128, 3, 1, 1, 0, 0, 0, BENCH_SIGN}},
    {"conv_s8sign_3x3_128", BENCH_OP, {28, 28, 128, 128, 3, 1, 1, 0, 0, 0, BENCH_S8_SIGN}},
};

static const struct bench_case packers[] = {
    {"pack_sign", BENCH_PACK_SIGN, {28, 28, 128, 0, 0, 0, 0, 0, 0, 0, BENCH_BINARY}},
    {"pack_threshold", BENCH_PACK_THRESHOLD, {28, 28, 128, 0, 0, 0, 0, 0, 0, 0, BENCH_BINARY}},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
_Static_assert(COUNT(families) * COUNT(shapes) + COUNT(floats) + COUNT(mixed) + COUNT(packers) <= BENCH_MAX_CASES,
               "all cases fit");

size_t bench_cases(struct bench_case *cases)
{
    struct bench_case *next = cases;
    for (size_t f = 0; f < COUNT(families); f++) {
        for (size_t s = 0; s < COUNT(shapes); s++) {
            if (f == 0 || shapes[s].all) {
                *next = (struct bench_case){.subject = families[f].subject, .layer = shapes[s].layer};
                next->layer.border = families[f].border;
                next->layer.bits_out = families[f].bits_out;
                snprintf(next->name, sizeof next->name, "%s%s%s", families[f].before, shapes[s].name, families[f].behind);
                next++;
            }
        }
    }
    memcpy(next, floats, sizeof floats);
    next += COUNT(floats);
    memcpy(next, mixed, sizeof mixed);
    next += COUNT(mixed);
    memcpy(next, packers, sizeof packers);
    return (size_t)(next - cases) + COUNT(packers);
}

int bench_parse_conv(const char *text, struct bench_case *test)
{
    enum { MAX_EXTENT = 4096 };
    unsigned n[7];
    int end = 0;
    if (strlen(text) >= sizeof test->name ||
        sscanf(text, "%4u,%4u,%4u,%4u,%4u,%4u,%4u%n", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &end) != 7 ||
        text[end] != '\0') {
        return 0;
    }
    for (size_t i = 0; i < COUNT(n); i++) {
        if (n[i] > MAX_EXTENT || (i < 6 && n[i] == 0)) {
            return 0;
        }
    }
    const struct bench_layer layer = {n[0], n[1], n[2], n[3], n[4], n[5], n[6], 0, 0, 0, BENCH_BINARY};
    *test = (struct bench_case){.subject = BENCH_OP, .layer = layer};
    memcpy(test->name, text, strlen(text) + 1);
    return n[0] + 2 * n[6] >= n[4] && n[1] + 2 * n[6] >= n[4];
}

/* Products of a unit. */
static double unit_of(enum bench_kind kind)
{
    switch (kind) {
    case BENCH_BINARY: return BENCH_UNIT;
    case BENCH_SIGN:
    case BENCH_S8:
    case BENCH_S8_SIGN: return BENCH_MIXED_UNIT;
    default: return 1;
    }
}

double bench_units(const struct bench_case *test)
{
    const struct bench_layer *l = &test->layer;
    if (bench_is_packer(test)) {
        return (double)l->height * l->width * l->channels / BENCH_UNIT;
    }
    const double depth = (double)l->kernel * l->kernel * (l->kind == BENCH_DEPTHWISE ? 1 : l->channels);
    const double products = (double)bench_out(l, l->height) * bench_out(l, l->width) * l->outputs * depth;
    return products / unit_of(l->kind);
}

void bench_shape(char text[BENCH_MAX_TEXT], const struct bench_case *test)
{
    const struct bench_layer *l = &test->layer;
    const unsigned h = l->height, w = l->width, c = l->channels, o = l->outputs, k = l->kernel;
    if (bench_is_packer(test)) {
        snprintf(text, BENCH_MAX_TEXT, "%ux%ux%u", h, w, c);
    } else if (l->dense) {
        snprintf(text, BENCH_MAX_TEXT, "%u -> %u", c, o);
    } else {
        snprintf(text, BENCH_MAX_TEXT, "%ux%ux%u -> %ux%ux%u, %ux%u, stride %u, pad %u, border %d", h, w, c,
                 (unsigned)bench_out(l, h), (unsigned)bench_out(l, w), o, k, k, (unsigned)l->stride, (unsigned)l->pad,
                 l->border);
    }
}
