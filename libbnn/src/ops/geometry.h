/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Windows of convolutions and pools, one axis at a time.
 */
#ifndef BNN_GEOMETRY_H
#define BNN_GEOMETRY_H

#include "../ops.h"

struct bnn_axis {
    uint32_t in, out, kernel, stride, dilation, before, after;
};

/* Windows of an image: outputs [0, out) of each axis. */
struct bnn_window {
    struct bnn_axis y, x;
};

/* Successive outputs [begin, end) whose taps [tap, tap_end) lie inside the input; none inside: tap = tap_end = 0. */
struct bnn_span {
    uint32_t begin, end, tap, tap_end;
};

/* Reads stride, dilation and pads from attribute words stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left,
 * pad_bottom, pad_right, starting at `word`; computes the outputs. For checked attributes. */
struct bnn_window bnn_window_of(const struct bnn_op *op, uint32_t word, const uint32_t in[2], const uint32_t kernel[2]);

/* The rules on these attributes and on the kernel; the outputs then fit 32 bits. */
bnn_status bnn_window_check(const struct bnn_op *op, uint32_t word, const uint32_t in[2], const uint32_t kernel[2],
                            bnn_error *error);

/* Whether every window of the axis has a tap inside the input. */
int bnn_axis_has_taps(const struct bnn_axis *axis);

/* All spans of an axis, in order: at most 2 * kernel + 3. */
struct bnn_spans {
    uint32_t count;
    const struct bnn_span *span;
};

/* The spans, in the plan's memory. */
struct bnn_spans bnn_take_spans(const struct bnn_axis *axis, struct bnn_build *build);

/* The span of an output. There are few, and most outputs are in the second of three. */
static inline const struct bnn_span *bnn_span_of(const struct bnn_spans *spans, uint32_t output)
{
    const struct bnn_span *span = spans->span;
    while (span->end <= output) { /* at most all spans: the last one ends behind the outputs */
        span++;
    }
    return span;
}

/* Input coordinate of a tap of an output; negative or too large outside. */
static inline int64_t bnn_tap(const struct bnn_axis *axis, uint32_t output, uint32_t tap)
{
    return (int64_t)output * axis->stride - axis->before + (int64_t)tap * axis->dilation;
}

#endif
