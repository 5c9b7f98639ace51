# SPDX-License-Identifier: BSD-3-Clause
"""8-bit quantisation: QuantizeLinear, DequantizeLinear and layers on quantised numbers.

A quantised value is a float32 value of the graph that holds integers of -128..127; what the source has as uint8 is 128 less.

    QuantizeLinear(x)       to_int8(x)
    DequantizeLinear(q)     from_int8(q)
    QLinearConv(q, w, b)    to_int8(conv(from_int8(q), w) + b), and QLinearMatMul likewise: passes/int8.py finds them again
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from converter import int8
from converter.graph import Array
from converter.ops.conv import conv_shape, convolve, import_conv
from converter.ops.dense import dense, dense_shape, product
from converter.ops.registry import NodeContext, importer, operation, same_shape

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


@operation("own_range", same_shape)
def own_range(x: Array, **_: Any) -> Array:
    """x rounded to 8-bit numbers of its own range."""
    numbers, scale = int8.own_range(x)
    result: Array = numbers.astype(np.float32) * scale
    return result


def _centred(x: Array, zero: int | None) -> tuple[Array, np.float32]:
    """What is multiplied with the weights, and the scale of the sums."""
    return int8.own_range(x) if zero is None else (x - np.float32(zero), np.float32(1))


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
    return _quantised(ctx, ctx.inputs[0], *_parameters(ctx, 1, kind != 3))


@importer("DequantizeLinear")
def import_dequantize(ctx: NodeContext) -> str:
    """The value that QuantizeLinear stored."""
    return _floats(ctx, 0)


@importer("QLinearConv")
def import_qlinear_conv(ctx: NodeContext) -> str:
    """Convolution of quantised numbers with quantised weights."""
    x = _floats(ctx, 0)
    weight, scale = _weight(ctx, 3, 0)
    inputs = [x, weight]
    if ctx.has(8):
        bias = ctx.graph.const(ctx.inputs[8])
        if bias is None:
            raise ctx.error("its bias must be a constant")
        unit = ctx.const(1, "input's scale").reshape(-1) * scale.reshape(-1)
        inputs.append(ctx.constant((bias * unit).astype(np.float32), "bias"))
    y = import_conv(replace(ctx, inputs=inputs))
    return _quantised(ctx, y, *_parameters(ctx, 6))


@importer("QLinearMatMul")
def import_qlinear_matmul(ctx: NodeContext) -> str:
    """Product of quantised numbers with a quantised weight [K, N]."""
    x = _floats(ctx, 0)
    weight, _ = _weight(ctx, 3, 1)
    return _quantised(ctx, product(ctx, x, weight), *_parameters(ctx, 6))


def _parameters(ctx: NodeContext, at: int, unsigned: bool = True) -> tuple[float, int, bool]:
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


def _quantised(ctx: NodeContext, x: str, scale: float, zero: int, unsigned: bool) -> str:
    return ctx.emit("to_int8", x, scale=scale, zero=zero, unsigned=unsigned)


def _floats(ctx: NodeContext, at: int) -> str:
    """What the quantised input `at` stands for, with its parameters behind it."""
    name = ctx.inputs[at]
    node = ctx.graph.producer(name)
    while node is not None and node.op != "to_int8":
        node = ctx.graph.producer(node.inputs[0])
    if node is None:
        raise ctx.error(f"its input '{name}' is not the result of a QuantizeLinear")
    scale, zero, unsigned = _parameters(ctx, at + 1, node.attrs["unsigned"])
    if unsigned != node.attrs["unsigned"]:
        raise ctx.error("its zero point is signed and its input is not, or the other way round")
    return ctx.emit("from_int8", name, scale=scale, zero=zero)


def _weight(ctx: NodeContext, at: int, axis: int) -> tuple[str, Array]:
    """A quantised weight as floats that know their grid, and its scale; `axis` is that of the outputs."""
    data, scale = ctx.graph.const(ctx.inputs[at]), ctx.const(at + 1, "weight's scale")
    zero = ctx.graph.const(ctx.inputs[at + 2]) if ctx.has(at + 2) else np.zeros(1, np.int32)
    if data is None or zero is None:
        raise ctx.error("its weight and the weight's zero point must be constants")
    grid = int8.grid(data, scale, zero, axis)
    if grid is None:
        raise ctx.error(
            "its weight does not fit -127..127 less the zero point, with one scale or one per output"
        )
    name = ctx.constant(grid.floats(), "weight")
    ctx.graph.values[name].grid = grid
    return name, scale
