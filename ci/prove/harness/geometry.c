/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Windows of convolutions and pools, one axis: numbers of as many bits as below.
 */
#include "any.h"

#include "ops/geometry.c"

#define BITS 4       /* of the input's extent */
#define SMALL_BITS 2 /* of the others */

/* An axis that bnn_window_check accepts. */
static struct bnn_axis any_axis(void)
{
    struct bnn_axis a = {
        .in = any(BITS),
        .kernel = any(SMALL_BITS),
        .stride = any(SMALL_BITS),
        .dilation = any(SMALL_BITS),
        .before = any(SMALL_BITS),
        .after = any(SMALL_BITS),
    };
    ASSUME(a.in >= 1 && a.kernel >= 1 && a.stride >= 1 && a.dilation >= 1);
    const int64_t out = outputs(&a);
    ASSUME(out >= 1);
    a.out = (uint32_t)out;
    return a;
}

/* The number of outputs is never negative, fits 32 bits, and no sum on the way overflows: all extents that the format allows. */
void outputs_fit(void)
{
    struct bnn_axis a = {
        .in = any(24) + 1, .kernel = any(16), .stride = 1, .dilation = any(16), .before = any(16), .after = any(16)};
    ASSUME(a.kernel >= 1 && a.dilation >= 1);
    const int64_t out = outputs(&a);
    PROVE(out >= 0 && out <= (1 << 24) + 2 * 65535, "between none and the padded input's extent");
}

/* No tap of an output lies outside of the padded input. */
void taps(void)
{
    const struct bnn_axis a = any_axis();
    const uint32_t output = any(BITS + 2), tap = any(SMALL_BITS);
    ASSUME(output < a.out && tap < a.kernel);
    const int64_t at = bnn_tap(&a, output, tap);
    PROVE(at >= -(int64_t)a.before, "not before the padding");
    PROVE(at < (int64_t)a.in + a.after, "not behind it");
}

/* A span begins where it was asked for, is not empty, ends with the outputs at most: bnn_take_spans ends, and counts what it fills. */
void span_advances(void)
{
    const struct bnn_axis a = any_axis();
    const uint32_t begin = any(BITS + 2);
    ASSUME(begin < a.out);
    const struct bnn_span span = span_at(&a, begin);
    PROVE(span.begin == begin && span.end > begin && span.end <= a.out, "one output or more, none behind the last");
    PROVE(span.tap <= span.tap_end && span.tap_end <= a.kernel, "taps of the kernel");
}

/* Every tap of a span reads inside the input, of each of its outputs. */
void span_inside(void)
{
    const struct bnn_axis a = any_axis();
    const uint32_t begin = any(BITS + 2), output = any(BITS + 2), tap = any(SMALL_BITS);
    ASSUME(begin < a.out);
    const struct bnn_span span = span_at(&a, begin);
    ASSUME(output >= span.begin && output < span.end && tap >= span.tap && tap < span.tap_end);
    const int64_t at = bnn_tap(&a, output, tap);
    PROVE(at >= 0 && at < a.in, "inside the input");
}
