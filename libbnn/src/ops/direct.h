/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conv2d and dense by their definition, one output after the other: little code, no memory but the plan's (BNN_CONFIG_SMALL).
 */
#ifndef BNN_DIRECT_H
#define BNN_DIRECT_H

#include "geometry.h"

/* State of conv2d or dense with these windows, for bnn_direct_run. */
const void *bnn_direct_bind(const struct bnn_op *op, const struct bnn_window *window, struct bnn_build *build);

#endif
