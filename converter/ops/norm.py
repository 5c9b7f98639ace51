# SPDX-License-Identifier: BSD-3-Clause
"""Normalizations by the statistics of the input itself, as arithmetic: instance, layer, group, RMS; LRN."""

from __future__ import annotations

import math

import numpy as np

from converter.graph import Array
from converter.ops.pool import reduce_images
from converter.ops.registry import NodeContext, Shape, importer


def normalised(ctx: NodeContext, x: str, image: Shape, centre: bool = True) -> str:
    """(x - mean) / sqrt(variance + epsilon) over each image of x seen as `image` [1, C, H, W], in the shape of x."""
    shape = ctx.graph.shape(x)
    y = ctx.reshape(x, image)
    if centre:
        y = ctx.emit("sub", y, reduce_images(ctx, y, "avgpool"))
    variance = reduce_images(ctx, ctx.emit("mul", y, y), "avgpool")
    spread = ctx.affine(variance, np.float32(1), np.float32(ctx.attr("epsilon", 1e-5)))
    return ctx.reshape(ctx.emit("div", y, ctx.emit("sqrt", spread)), shape)


@importer("InstanceNormalization")
def import_instance(ctx: NodeContext) -> str:
    """Each channel of each image by itself."""
    shape = ctx.shape()
    if len(shape) < 3:
        raise ctx.error(f"its input {list(shape)} has no height and width")
    y = normalised(ctx, ctx.inputs[0], (1, shape[1], math.prod(shape[2:-1]), shape[-1]))
    return ctx.affine(y, ctx.const(1, "scale"), ctx.const(2, "bias"))


@importer("GroupNormalization")
def import_group(ctx: NodeContext) -> str:
    """Groups of channels together; scale and bias for each group before opset 21, for each channel since."""
    shape, groups = ctx.shape(), ctx.attr("num_groups", 1)
    if len(shape) < 3 or groups < 1 or shape[1] % groups:
        raise ctx.error(f"{groups} groups do not divide the channels of {list(shape)}")
    scale, bias = (
        np.repeat(c, shape[1] // c.size) for c in (ctx.const(1, "scale"), ctx.const(2, "bias"))
    )
    image = (1, groups, shape[1] // groups, math.prod(shape[2:]))
    return ctx.affine(normalised(ctx, ctx.inputs[0], image), scale, bias)


@importer("LayerNormalization", "RMSNormalization")
def import_layer(ctx: NodeContext) -> str:
    """All axes from `axis` on together; scale and bias for each of their elements."""
    if any(ctx.uses_output(i) for i in (1, 2)):
        raise ctx.error("its outputs of mean and deviation are used; only the first is supported")
    shape = ctx.shape()
    axis = ctx.axis(ctx.attr("axis", -1))
    image = (1, math.prod(shape[:axis]), 1, math.prod(shape[axis:]))
    y = normalised(ctx, ctx.inputs[0], image, centre=ctx.node.op_type == "LayerNormalization")
    y = ctx.emit("mul", y, ctx.constant(_full_rank(ctx.const(1, "scale"), len(shape)), "scale"))
    if not ctx.has(2):
        return y
    return ctx.emit("add", y, ctx.constant(_full_rank(ctx.const(2, "bias"), len(shape)), "bias"))


def _full_rank(data: Array, rank: int) -> Array:
    return data.reshape((1,) * (rank - data.ndim) + data.shape)


@importer("LRN")
def import_lrn(ctx: NodeContext) -> str:
    """x / (bias + alpha / size * sum of x^2 over neighbouring channels)^beta for beta = 1, 1/2, 3/4.

    The sum is an average pooling along the channels, seen as the height of an image.
    """
    shape, size, beta = ctx.shape(), ctx.attr("size", 1), ctx.attr("beta", 0.75)
    if len(shape) < 3 or beta not in (0.5, 0.75, 1):
        raise ctx.error(
            f"its beta {beta:g} is not 1/2, 3/4 or 1, or its input {list(shape)} no image"
        )
    x = ctx.inputs[0]
    squares = ctx.reshape(ctx.emit("mul", x, x), (1, 1, shape[1], math.prod(shape[2:])))
    pads = ((size - 1) // 2, 0, size // 2, 0)
    mean = ctx.emit("avgpool", squares, kernel=(size, 1), strides=(1, 1), pads=pads, count_pad=True)
    alpha, bias = ctx.attr("alpha", 1e-4), ctx.attr("bias", 1.0)
    base = ctx.affine(ctx.reshape(mean, shape), np.float32(alpha), np.float32(bias))
    if beta < 1:
        root = ctx.emit("sqrt", base)
        base = root if beta == 0.5 else ctx.emit("mul", root, ctx.emit("sqrt", root))
    return ctx.emit("div", x, base)
