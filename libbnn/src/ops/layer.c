/* SPDX-License-Identifier: BSD-3-Clause */
#include "layer.h"

bnn_status bnn_conv_check(const struct bnn_op *op, uint32_t word, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    BNN_REQUIRE(OPERAND, x.rank == 3, "x: must be [H, W, C]");
    BNN_REQUIRE(OPERAND, x.dims[2] == (uint64_t)w.dims[0] * w.dims[4], "x: its channels must be groups x channels of w");
    bnn_status status = bnn_window_check(op, word, x.dims, w.dims + 2, error);
    if (status != BNN_OK) {
        return status;
    }
    const struct bnn_window window = bnn_conv_window(op, word);
    const struct bnn_value value = bnn_layer_value(&w, &window);
    return bnn_steps_check(op, 2, &value, error);
}

bnn_status bnn_dense_check(const struct bnn_op *op, bnn_error *error)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    BNN_REQUIRE(OPERAND, w.dims[0] == 1 && w.dims[2] == 1 && w.dims[3] == 1 && w.dims[4] == bnn_elements(&x),
                "w: must be [1, O, 1, 1, K] for x of K elements");
    const struct bnn_window window = bnn_dense_window();
    const struct bnn_value value = bnn_layer_value(&w, &window);
    return bnn_steps_check(op, 2, &value, error);
}

struct bnn_window bnn_conv_window(const struct bnn_op *op, uint32_t word)
{
    struct bnn_view x = bnn_op_input(op, 0), w = bnn_op_input(op, 1);
    return bnn_window_of(op, word, x.dims, w.dims + 2);
}

struct bnn_window bnn_dense_window(void)
{
    const struct bnn_axis axis = {.in = 1, .out = 1, .kernel = 1, .stride = 1, .dilation = 1};
    return (struct bnn_window){axis, axis};
}

struct bnn_value bnn_layer_value(const struct bnn_view *w, const struct bnn_window *window)
{
    return (struct bnn_value){
        .pixels = (uint64_t)window->y.out * window->x.out,
        .channels = (uint64_t)w->dims[0] * w->dims[1],
        .height = window->y.out,
        .width = window->x.out,
    };
}

const float *bnn_layer_per_block(const float *from, size_t groups, size_t outputs, struct bnn_build *build)
{
    const size_t padded = (outputs + 7) / 8 * 8;
    if (padded == outputs) {
        return from;
    }
    float *all = bnn_take(build, (uint64_t)groups * padded, sizeof *all);
    for (size_t i = 0; all != NULL && i < groups * padded; i++) {
        all[i] = i % padded < outputs ? from[i / padded * outputs + i % padded] : 0;
    }
    return all;
}
