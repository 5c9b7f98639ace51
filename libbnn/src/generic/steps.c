/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steps of docs/dab-format.md, section 4, on tiles of floats. The last addition of +0.0 turns -0.0 into +0.0, which no step
 * may yield. A multiplication and the addition after it are two statements: compilers may fuse within one only.
 */
#include "../kernels.h"

#if defined(__FAST_MATH__)
#error "libbnn must not be compiled with -ffast-math: its variants would differ"
#endif

/* The next pixel's row. */
static float *next(float *row, size_t step)
{
    return (float *)(void *)((uint8_t *)row + step);
}

static const float *next_const(const float *row, size_t step)
{
    return (const float *)(const void *)((const uint8_t *)row + step);
}

void bnn_step_affine_c(float *out, const float *x, const struct bnn_tile *tile, const float *mul, const float *add)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            const float scaled = x[c] * mul[c];
            out[c] = scaled + add[c];
        }
        x = next_const(x, tile->x_step);
        out = next(out, tile->out_step);
    }
}

void bnn_step_clip_c(float *out, const float *x, const struct bnn_tile *tile, const float *limits)
{
    const float low = limits[0];
    const float high = limits[1];
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            const float raised = x[c] < low ? low : x[c];
            out[c] = (raised > high ? high : raised) + 0.0F;
        }
        x = next_const(x, tile->x_step);
        out = next(out, tile->out_step);
    }
}

void bnn_step_prelu_c(float *out, const float *x, const struct bnn_tile *tile, const float *slope)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            const float scaled = x[c] * slope[c];
            out[c] = (x[c] >= 0.0F ? x[c] : scaled) + 0.0F;
        }
        x = next_const(x, tile->x_step);
        out = next(out, tile->out_step);
    }
}

/* out = `result`, which is made of v and w, an element of x and of other. */
#define STEP_OF_TWO(name, result)                                                                                              \
    void bnn_step_##name##_c(float *out, const float *x, const struct bnn_tile *tile, const float *other, size_t other_step)   \
    {                                                                                                                          \
        for (size_t p = 0; p < tile->pixels; p++) {                                                                            \
            for (size_t c = 0; c < tile->channels; c++) {                                                                      \
                const float v = x[c];                                                                                          \
                const float w = other[c];                                                                                      \
                const float r = result;                                                                                        \
                out[c] = r + 0.0F;                                                                                             \
            }                                                                                                                  \
            x = next_const(x, tile->x_step);                                                                                   \
            other = next_const(other, other_step);                                                                             \
            out = next(out, tile->out_step);                                                                                   \
        }                                                                                                                      \
    }

STEP_OF_TWO(add, v + w)
STEP_OF_TWO(mul, (v) * (w))
STEP_OF_TWO(sub, v - w)
STEP_OF_TWO(div, v / w)
STEP_OF_TWO(max, w > v ? w : v)
STEP_OF_TWO(min, w < v ? w : v)

void bnn_step_sign_c(float *out, const float *x, const struct bnn_tile *tile, const float *threshold, const uint8_t *flip)
{
    for (size_t p = 0; p < tile->pixels; p++) {
        for (size_t c = 0; c < tile->channels; c++) {
            out[c] = (x[c] >= threshold[c]) != (flip[c] == 1) ? 1.0F : -1.0F;
        }
        x = next_const(x, tile->x_step);
        out = next(out, tile->out_step);
    }
}
