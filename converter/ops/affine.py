# SPDX-License-Identifier: BSD-3-Clause
"""affine, which BatchNormalization and arithmetic with constants become; arithmetic of activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.elementwise import pair
from converter.ops.registry import NodeContext, Shape, importer, operation, per_channel, same_shape


@operation("affine", same_shape)
def affine(x: Array, mul: Array, add: Array, **_: Any) -> Array:
    """x * mul + add along the channel axis, both steps rounded."""
    return x.astype(np.float32) * per_channel(mul, x.ndim) + per_channel(add, x.ndim)


@importer("BatchNormalization")
def import_batch_normalization(ctx: NodeContext) -> str:
    """Folded in float64 with the node's own epsilon, rounded once."""
    if ctx.attr("training_mode", 0) or any(ctx.uses_output(i) for i in range(1, 5)):
        raise ctx.error("it is in training mode; export the network after model.eval()")
    names = ("scale", "bias", "mean", "variance")
    scale, bias, mean, variance = (
        ctx.const(i + 1, what).astype(np.float64) for i, what in enumerate(names)
    )
    if any(c.shape not in ((1,), (ctx.channels(),)) for c in (scale, bias, mean, variance)):
        raise ctx.error(f"its parameters must have one value for each of {ctx.channels()} channels")
    spread = variance + ctx.attr("epsilon", 1e-5)
    if np.any(spread <= 0):
        raise ctx.error("variance + epsilon is not positive in some channel")
    mul = scale / np.sqrt(spread)
    return ctx.affine(ctx.inputs[0], mul, bias - mean * mul)


def channel_constant(ctx: NodeContext, x: int, c: int) -> Array | None:
    """Input `c` as [C] or [1] if it differs along the channel axis of float input `x` only.

    Its values decide, not its shape: exporters expand constants to the shape of their partner.
    """
    data, shape = ctx.graph.const(ctx.inputs[c]), ctx.shape(x)
    if data is None or ctx.graph.values[ctx.inputs[x]].dtype != np.float32:
        return None
    if data.size == 1 and data.ndim <= len(shape):
        return data.reshape(1)
    if not fits(data.shape, shape):
        return None
    data = data.reshape((1,) * (len(shape) - data.ndim) + data.shape)
    first = data[
        tuple(slice(None) if i == min(1, len(shape) - 1) else slice(1) for i in range(len(shape)))
    ]
    return first.reshape(-1) if np.all(data == first) else None


def fits(constant: Shape, shape: Shape) -> bool:
    """Whether a constant broadcasts to a shape without enlarging it."""
    try:
        return np.broadcast_shapes(constant, shape) == shape
    except ValueError:
        return False


def split_constant(ctx: NodeContext) -> tuple[int, Array] | None:
    """The index of the activation and the per-channel constant, if a binary node has these."""
    for x, c in ((0, 1), (1, 0)):
        if ctx.is_const(c) and (data := channel_constant(ctx, x, c)) is not None:
            return x, data.astype(np.float64)
    return None


@importer("Mul")
def import_mul(ctx: NodeContext) -> str:
    """Mul by one number per channel, or elementwise."""
    if found := split_constant(ctx):
        return ctx.affine(ctx.inputs[found[0]], found[1], np.float32(0))
    return pair(ctx, "mul", *ctx.inputs)


@importer("Sub")
def import_sub(ctx: NodeContext) -> str:
    """x - c, or c - x = -1 * x + c; else elementwise."""
    if found := split_constant(ctx):
        x, c = found
        signs = (1, -c) if x == 0 else (-1, c)
        return ctx.affine(ctx.inputs[x], np.float32(signs[0]), np.asarray(signs[1]))
    return pair(ctx, "sub", *ctx.inputs)


@importer("Div")
def import_div(ctx: NodeContext) -> str:
    """x / c as a product; else elementwise."""
    found = split_constant(ctx)
    if found and found[0] == 0:
        if np.any(found[1] == 0):
            raise ctx.error("its constant divisor is 0")
        return ctx.affine(ctx.inputs[0], 1 / found[1], np.float32(0))
    return pair(ctx, "div", *ctx.inputs)


@importer("Add", "Sum")
def import_add(ctx: NodeContext) -> str:
    """Add of a constant per channel; else of activations, pair by pair."""
    if len(ctx.inputs) == 2 and (found := split_constant(ctx)):
        return ctx.affine(ctx.inputs[found[0]], np.float32(1), found[1])
    return total(ctx)


def total(ctx: NodeContext) -> str:
    """The sum of all inputs."""
    result = ctx.inputs[0]
    for other in ctx.inputs[1:]:
        result = pair(ctx, "add", result, other)
    return result


@importer("Mean")
def import_mean(ctx: NodeContext) -> str:
    """The sum of all inputs, divided by their number."""
    return ctx.affine(total(ctx), np.float32(1 / len(ctx.inputs)), np.float32(0))
