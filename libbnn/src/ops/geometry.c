/* SPDX-License-Identifier: BSD-3-Clause */
#include "geometry.h"

#define MAX_GEOMETRY 65535

/* Output extent, or less than 1 if the kernel does not fit. */
static int64_t outputs(const struct bnn_axis *a)
{
    int64_t room = (int64_t)a->in + a->before + a->after - ((int64_t)(a->kernel - 1) * a->dilation + 1);
    return room < 0 ? 0 : room / a->stride + 1;
}

static struct bnn_axis axis_of(const struct bnn_op *op, uint32_t word, uint32_t which, uint32_t in, uint32_t kernel)
{
    struct bnn_axis axis = {
        .in = in,
        .kernel = kernel,
        .stride = bnn_op_attribute_word(op, word + which),
        .dilation = bnn_op_attribute_word(op, word + 2 + which),
        .before = bnn_op_attribute_word(op, word + 4 + which),
        .after = bnn_op_attribute_word(op, word + 6 + which),
    };
    return axis;
}

struct bnn_window bnn_window_of(const struct bnn_op *op, uint32_t word, const uint32_t in[2], const uint32_t kernel[2])
{
    struct bnn_window w = {axis_of(op, word, 0, in[0], kernel[0]), axis_of(op, word, 1, in[1], kernel[1])};
    w.y.out = (uint32_t)outputs(&w.y);
    w.x.out = (uint32_t)outputs(&w.x);
    return w;
}

bnn_status bnn_window_check(const struct bnn_op *op, uint32_t word, const uint32_t in[2], const uint32_t kernel[2],
                            bnn_error *error)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct bnn_axis a = axis_of(op, word, i, in[i], kernel[i]);
        BNN_REQUIRE(ATTRIBUTE, a.kernel >= 1 && a.kernel <= MAX_GEOMETRY, "kernel: must be 1..65535");
        BNN_REQUIRE(ATTRIBUTE, a.stride >= 1 && a.stride <= MAX_GEOMETRY, "stride: must be 1..65535");
        BNN_REQUIRE(ATTRIBUTE, a.dilation >= 1 && a.dilation <= MAX_GEOMETRY, "dilation: must be 1..65535");
        BNN_REQUIRE(ATTRIBUTE, a.before <= MAX_GEOMETRY && a.after <= MAX_GEOMETRY, "pads: must be 0..65535");
        BNN_REQUIRE(ATTRIBUTE, outputs(&a) >= 1, "kernel: larger than the padded input");
    }
    return BNN_OK;
}

int bnn_axis_has_taps(const struct bnn_axis *a)
{
    return a->before <= (uint64_t)(a->kernel - 1) * a->dilation && (a->kernel == 1 || a->dilation <= a->in) &&
           (uint64_t)(a->out - 1) * a->stride < (uint64_t)a->in + a->before;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a > 0 ? (a + b - 1) / b : -(-a / b);
}

static uint32_t clamp(int64_t value, int64_t lowest, int64_t highest)
{
    return (uint32_t)(value < lowest ? lowest : value > highest ? highest : value);
}

/* The longest span that begins at output `begin`. */
static struct bnn_span span_at(const struct bnn_axis *a, uint32_t begin)
{
    /* Taps at or after 0, and taps before `in`, of output o: tap >= (0 - start) / dilation, tap < (in - start) / dilation,
     * both rounded up. Both bounds fall as o grows. */
    int64_t start = bnn_tap(a, begin, 0), d = a->dilation, s = a->stride, size = a->in;
    uint32_t tap = clamp(ceil_div(-start, d), 0, a->kernel), tap_end = clamp(ceil_div(size - start, d), 0, a->kernel);
    /* The first later output at which a bound falls by one or more: start(o) >= start0, that is o >= (start0 + before) / s. */
    int64_t next = a->out;
    if (tap > 0) {
        int64_t o = ceil_div(a->before - (tap - 1) * d, s);
        next = o < next ? o : next;
    }
    if (tap_end > 0) {
        int64_t o = ceil_div(size + a->before - (tap_end - 1) * d, s);
        next = o < next ? o : next;
    }
    struct bnn_span span = {.begin = begin, .end = (uint32_t)next};
    if (tap < tap_end) {
        span.tap = tap;
        span.tap_end = tap_end;
    }
    return span;
}

struct bnn_spans bnn_take_spans(const struct bnn_axis *axis, struct bnn_build *build)
{
    uint32_t count = 0;
    for (uint32_t o = 0; o < axis->out; count++) {
        o = span_at(axis, o).end;
    }
    struct bnn_span *spans = bnn_take(build, count, sizeof *spans);
    for (uint32_t i = 0, o = 0; spans != NULL && i < count; i++) {
        spans[i] = span_at(axis, o);
        o = spans[i].end;
    }
    return (struct bnn_spans){count, spans};
}
