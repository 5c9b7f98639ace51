/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What convolutions and dense layers have in common, whatever numbers they read: x is operand 0, w [G,O,KH,KW,C] operand 1, the
 * steps' operands follow. dense is the convolution of one pixel.
 */
#ifndef BNN_LAYER_H
#define BNN_LAYER_H

#include "geometry.h"
#include "steps.h"

/* The rules of a convolution of x [H,W,G*C] on everything but types; `word`: its first attribute word of geometry. */
bnn_status bnn_conv_check(const struct bnn_op *op, uint32_t word, bnn_error *error);

/* The same of a dense layer: w is [1,O,1,1,K], x has K elements. */
bnn_status bnn_dense_check(const struct bnn_op *op, bnn_error *error);

/* Windows of a checked convolution, and of a dense layer. */
struct bnn_window bnn_conv_window(const struct bnn_op *op, uint32_t word);
struct bnn_window bnn_dense_window(void);

/* What v is. */
struct bnn_value bnn_layer_value(const struct bnn_view *w, const struct bnn_window *window);

/* One number per output of groups x outputs, as 8 for each block: those that have fewer outputs end in zeros. */
const float *bnn_layer_per_block(const float *from, size_t groups, size_t outputs, struct bnn_build *build);

#endif
