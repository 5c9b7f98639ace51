# SPDX-License-Identifier: BSD-3-Clause
"""clip (Relu, Clip, HardSigmoid, Max and Min with constants), prelu (PRelu, LeakyRelu), softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.affine import channel_constant, split_constant
from converter.ops.elementwise import pair
from converter.ops.registry import NodeContext, importer, operation, per_channel, same_shape


@operation("clip", same_shape)
def clip(x: Array, *, low: float, high: float, **_: Any) -> Array:
    """min(max(x, low), high)."""
    x = np.maximum(x.astype(np.float32), np.float32(low))
    return np.asarray(np.minimum(x, np.float32(high)))


@importer("Relu")
def import_relu(ctx: NodeContext) -> str:
    """Relu: nothing below 0."""
    return ctx.emit("clip", ctx.inputs[0], low=0.0, high=math.inf)


@importer("Clip")
def import_clip(ctx: NodeContext) -> str:
    """Limits are attributes before opset 11, optional inputs since."""
    low, high = ctx.attr("min", -math.inf), ctx.attr("max", math.inf)
    if ctx.has(1):
        low = limit(ctx, 1)
    if ctx.has(2):
        high = limit(ctx, 2)
    return ctx.emit("clip", ctx.inputs[0], low=min(low, high), high=high)


def limit(ctx: NodeContext, index: int) -> float:
    """A constant scalar limit of Clip; infinite ones mean none."""
    data = ctx.graph.const(ctx.inputs[index])
    if data is None or data.size != 1 or np.isnan(float(data.reshape(()))):
        raise ctx.error("its limits must be constant numbers")
    with np.errstate(over="ignore"):
        return float(np.float32(data.reshape(())))


@importer("HardSigmoid")
def import_hard_sigmoid(ctx: NodeContext) -> str:
    """HardSigmoid: a line, then limits 0 and 1."""
    alpha, beta = ctx.attr("alpha", 0.2), ctx.attr("beta", 0.5)
    line = ctx.affine(ctx.inputs[0], np.float32(alpha), np.float32(beta))
    return ctx.emit("clip", line, low=0.0, high=1.0)


@importer("Max", "Min")
def import_max_min(ctx: NodeContext) -> str:
    """One constant number makes it a clip; else elementwise, pair by pair."""
    if len(ctx.inputs) == 2 and (found := split_constant(ctx)) and np.all(found[1] == found[1][0]):
        bound = float(found[1][0])
        low, high = (bound, math.inf) if ctx.node.op_type == "Max" else (-math.inf, bound)
        return ctx.emit("clip", ctx.inputs[found[0]], low=low, high=high)
    result = ctx.inputs[0]
    for other in ctx.inputs[1:]:
        result = pair(ctx, ctx.node.op_type.lower(), result, other)
    return result


@operation("prelu", same_shape)
def prelu(x: Array, slope: Array, **_: Any) -> Array:
    """x where x >= 0, else x * slope of its channel."""
    x = x.astype(np.float32)
    return np.where(x >= 0, x, x * per_channel(slope, x.ndim))


@importer("PRelu")
def import_prelu(ctx: NodeContext) -> str:
    """PRelu: a slope for each channel, in any shape that says so."""
    slope = ctx.const(1, "slope")
    values = channel_constant(ctx, 0, 1)
    if values is not None:
        return emit_prelu(ctx, ctx.inputs[0], values)
    rank = len(ctx.shape())
    if rank != 4 or slope.shape[-1:] != ctx.shape()[-1:] or slope.size != slope.shape[-1]:
        raise ctx.error(
            f"its slope {list(slope.shape)} must be one number per channel of {list(ctx.shape())} "
            "(share it over height and width)"
        )
    x = ctx.transpose(ctx.inputs[0], (0, 3, 1, 2))  # channels-last
    return ctx.transpose(emit_prelu(ctx, x, slope.reshape(-1)), (0, 2, 3, 1))


@importer("LeakyRelu")
def import_leaky_relu(ctx: NodeContext) -> str:
    """LeakyRelu: one slope for all."""
    return emit_prelu(ctx, ctx.inputs[0], np.float32(ctx.attr("alpha", 0.01)))


def emit_prelu(ctx: NodeContext, x: str, slope: Array | np.float32) -> str:
    """Add a prelu; one slope serves all channels."""
    shape = ctx.graph.shape(x)
    count = shape[1] if len(shape) > 1 else shape[0]
    data = np.broadcast_to(np.asarray(slope, np.float32), (count,)).copy()
    return ctx.emit("prelu", x, ctx.constant(data, "slope"))


@operation("softmax", same_shape)
def softmax(x: Array, *, axis: int, **_: Any) -> Array:
    """exp(x - max) / sum along an axis."""
    x = x.astype(np.float32)
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    result: Array = weights / np.sum(weights, axis=axis, keepdims=True)
    return result


@importer("Softmax")
def import_softmax(ctx: NodeContext) -> str:
    """The same node of the IR."""
    return softmax_of(ctx)


def softmax_of(ctx: NodeContext) -> str:
    """Softmax of input 0. Before opset 13 all axes from `axis` on are one."""
    x, shape = ctx.inputs[0], ctx.shape()
    axis = ctx.axis(ctx.attr("axis", -1 if ctx.opset >= 13 else 1))
    if ctx.opset >= 13 or math.prod(shape[axis + 1 :]) == 1:
        return ctx.emit("softmax", x, axis=axis)
    flat = ctx.reshape(x, (math.prod(shape[:axis]), math.prod(shape[axis:])))
    return ctx.reshape(ctx.emit("softmax", flat, axis=1), shape)


@importer("LogSoftmax")
def import_log_softmax(ctx: NodeContext) -> str:
    """The logarithm of softmax, which is taken to be at least 2^-126: the result is not below -87.4."""
    return ctx.emit("log", ctx.emit("clip", softmax_of(ctx), low=2.0**-126, high=1.0))
