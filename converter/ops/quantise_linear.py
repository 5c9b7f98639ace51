# SPDX-License-Identifier: BSD-3-Clause
"""8-bit quantisation: QuantizeLinear, DequantizeLinear, and the integer layers that are made of them.

A quantised value is a float32 value of the graph that holds integers of -128..127; what the source has as uint8 is 128 less.

    QuantizeLinear(x)       to_int8(x)
    DequantizeLinear(q)     from_int8(q)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from converter import int8
from converter.graph import Array, Graph, Node
from converter.ops.conv import conv_shape, convolve
from converter.ops.dense import dense, dense_shape
from converter.ops.registry import NodeContext, importer, operation, same_shape

#: Operators of the graph whose result has the numbers of their first input.
KEEP_NUMBERS = ("maxpool", "reshape", "transpose", "slice", "gather2d", "concat", "pad")
UNSIGNED = 128  # uint8 is kept as int8, less this


@operation("to_int8", same_shape)
def to_int8(x: Array, *, scale: float, zero: int, **_: Any) -> Array:
    """Nearest integer to x / scale, plus zero, in -128..127."""
    return int8.to_int8(x, scale, zero).astype(np.float32)


@operation("from_int8", same_shape)
def from_int8(x: Array, *, scale: float, zero: int, **_: Any) -> Array:
    """(x - zero) * scale."""
    result: Array = (x - np.float32(zero)) * np.float32(scale)
    return result


def _centred(x: Array, zero: int | None) -> tuple[Array, np.float32]:
    """What is multiplied with the weights, and the scale of the sums."""
    return int8.own_range(x)[:2] if zero is None else (x - np.float32(zero), np.float32(1))


@operation("qconv", conv_shape)
def qconv(x: Array, w: Array, *, zero: int | None, **attrs: Any) -> Array:
    """Convolution of x - zero, zero padding: an integer, rounded to float32. zero None: of x by its own range."""
    numbers, scale = _centred(x, zero)
    result: Array = convolve(numbers, w, border=0.0, **attrs) * scale
    return result


@operation("qdense", dense_shape)
def qdense(x: Array, w: Array, *, zero: int | None, **_: Any) -> Array:
    """Dot products, likewise."""
    numbers, scale = _centred(x, zero)
    result: Array = dense(numbers, w) * scale
    return result


@importer("QuantizeLinear")
def import_quantize(ctx: NodeContext) -> str:
    """8 bits, one scale."""
    kind = ctx.attr("output_dtype", 0)
    if kind not in (0, 2, 3):  # not said, UINT8, INT8
        raise ctx.error("it does not quantise to 8 bits; activations are floats, int8, or one bit")
    return quantised(ctx, ctx.inputs[0], *parameters(ctx, 1, kind != 3))


@importer("DequantizeLinear")
def import_dequantize(ctx: NodeContext) -> str:
    """The value that QuantizeLinear stored."""
    return floats(ctx, 0)


def parameters(ctx: NodeContext, at: int, unsigned: bool = True) -> tuple[float, int, bool]:
    """Scale, zero point (of int8) and whether the source has uint8; they are inputs `at` and `at` + 1."""
    scale = ctx.const(at, "scale")
    if scale.size != 1 or not scale.reshape(-1)[0] >= np.finfo(np.float32).tiny:
        raise ctx.error(
            "its scale must be one number above 0: activations have one scale, only weights one per channel"
        )
    zero = np.zeros(1, np.uint8 if unsigned else np.int8)
    if ctx.has(at + 1):
        data = ctx.graph.const(ctx.inputs[at + 1])
        if data is None or data.size != 1 or data.dtype not in (np.uint8, np.int8):
            raise ctx.error("its zero point must be one constant int8 or uint8")
        zero = data.reshape(-1)
    unsigned = zero.dtype == np.uint8
    return float(scale.reshape(-1)[0]), int(zero[0]) - UNSIGNED * unsigned, unsigned


def quantised(ctx: NodeContext, x: str, scale: float, zero: int, unsigned: bool) -> str:
    """A float value as 8-bit numbers."""
    return ctx.emit("to_int8", x, scale=scale, zero=zero, unsigned=unsigned)


def number_source(graph: Graph, name: str) -> Node | None:
    """The to_int8 whose numbers, moved or not, a value is; None for other values."""
    node = graph.producer(name)
    while node is not None and node.op in KEEP_NUMBERS:
        node = graph.producer(node.inputs[0])
    return node if node is not None and node.op == "to_int8" else None


def source_of(ctx: NodeContext, at: int) -> Node:
    """The same of the quantised input `at`."""
    node = number_source(ctx.graph, ctx.inputs[at])
    if node is None:
        raise ctx.error(
            f"its input '{ctx.inputs[at]}' is not the result of a QuantizeLinear; an input of the network must be float, "
            "quantise it in the graph"
        )
    return node


def floats(ctx: NodeContext, at: int) -> str:
    """What the quantised input `at` stands for, with its parameters behind it."""
    name = ctx.inputs[at]
    data = ctx.graph.const(name)
    if data is not None:
        scale = ctx.const(at + 1, "scale")
        zero = ctx.graph.const(ctx.inputs[at + 2]) if ctx.has(at + 2) else np.zeros(1, np.int32)
        if zero is None:
            raise ctx.error("its zero point must be constant")
        return ctx.constant((data.astype(np.float32) - zero.astype(np.float32)) * scale)
    signed = not source_of(ctx, at).attrs["unsigned"]
    factor, offset, unsigned = parameters(ctx, at + 1, not signed)
    if unsigned == signed:
        raise ctx.error("its zero point is signed and its input is not, or the other way round")
    return ctx.emit("from_int8", name, scale=factor, zero=offset)


def weight(ctx: NodeContext, at: int, zero: int, scale: Array, axis: int) -> str:
    """The quantised weight at input `at`, its zero point at input `zero`, as floats that know their grid.

    `axis` is that of the outputs.
    """
    data = ctx.graph.const(ctx.inputs[at])
    shift = ctx.graph.const(ctx.inputs[zero]) if ctx.has(zero) else np.zeros(1, np.int32)
    if data is None or shift is None:
        raise ctx.error("its weight and the weight's zero point must be constants")
    grid = int8.grid(data, scale, shift, axis)
    if grid is None:
        raise ctx.error("its weight must be int8 or uint8, with one scale or one per output")
    name = ctx.constant(grid.floats(), "weight")
    ctx.graph.values[name].grid = grid
    return name
