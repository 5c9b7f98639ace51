/* SPDX-License-Identifier: BSD-3-Clause */
#include "depthwise.h"

#include "blocks.h"

const float *bnn_take_depthwise(const struct bnn_view *w, struct bnn_build *build)
{
    const size_t groups = w->dims[0], taps = (size_t)w->dims[2] * w->dims[3];
    float *weights = bnn_take(build, (uint64_t)groups * taps, sizeof *weights);
    for (size_t i = 0; weights != NULL && i < groups * taps; i++) {
        const size_t from = i % groups * taps + i / groups;
        if (w->type == BNN_TYPE_W_SIGN) {
            weights[i] = w->data[from] & 1 ? -1.0F : 1.0F;
        } else {
            weights[i] = ((const float *)(const void *)w->data)[from];
        }
    }
    return weights;
}

void bnn_depthwise_run(const struct bnn_gather *g, const float *weights, const struct bnn_slab *slab, float *out, size_t step)
{
    const struct bnn_axis *ay = &g->window.y, *ax = &g->window.x;
    const size_t channels = g->pixel_floats;
    struct bnn_depthwise p = {
        .row_step = sizeof(float) * channels * ay->dilation * ax->in,
        .tap_step = ax->dilation * channels * sizeof(float),
        .w_row_step = ax->kernel * channels * sizeof(float),
        .w_tap_step = channels * sizeof(float),
        .channels = slab->channels,
        .pixel_step = ax->stride * channels * sizeof(float),
        .out_step = step,
    };
    struct bnn_run run;
    for (size_t done = 0; done < slab->pixels; done += run.pixels) {
        run = bnn_run_at(slab, slab->pixel + done, ax->out);
        const struct bnn_span *y = bnn_span_of(&g->y_spans, run.y), *x = bnn_span_of(&g->x_spans, run.x);
        const uint32_t run_end = run.x + (uint32_t)run.pixels;
        for (uint32_t begin = run.x; begin < run_end; begin = x->end, x++) {
            const uint32_t end = x->end < run_end ? x->end : run_end;
            p.rows = y->tap_end - y->tap;
            p.taps = x->tap_end - x->tap;
            const float *from = g->x, *w = weights;
            if (p.rows > 0 && p.taps > 0) {
                from += ((size_t)bnn_tap(ay, run.y, y->tap) * ax->in + (size_t)bnn_tap(ax, begin, x->tap)) * channels +
                        slab->channel;
                w += ((size_t)y->tap * ax->kernel + x->tap) * channels + slab->channel;
            }
            g->kernels->depthwise_f32(out, from, w, &p, end - begin);
            out = (float *)(void *)((uint8_t *)out + (end - begin) * step);
        }
    }
}
