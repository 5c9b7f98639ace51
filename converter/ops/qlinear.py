# SPDX-License-Identifier: BSD-3-Clause
"""Operators on quantised numbers, ONNX's and onnxruntime's (com.microsoft): the float operator between the numbers.

QLinearConv(q, w, b)      to_int8(conv(from_int8(q), w) + b); QLinearMatMul and QGemm likewise: passes/int8.py finds them
QLinearAdd(p, q)          to_int8(from_int8(p) + from_int8(q)), and others of `FLOAT`
ConvInteger(q, w)         conv(q - zero, w); MatMulInteger likewise
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx

from converter.graph import Array
from converter.ops.conv import import_conv
from converter.ops.dense import product, transposed
from converter.ops.quantise_linear import floats, parameters, quantised, source_of, weight
from converter.ops.registry import IMPORTERS, MICROSOFT, NodeContext, importer

BOTH = ("", MICROSOFT)

#: The float operator of each operator of com.microsoft, and its inputs.
FLOAT = {
    "QLinearAdd": ("Add", 2),
    "QLinearMul": ("Mul", 2),
    "QLinearAveragePool": ("AveragePool", 1),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", 1),
    "QLinearLeakyRelu": ("LeakyRelu", 1),
    "QLinearSigmoid": ("Sigmoid", 1),
    "QLinearSoftmax": ("Softmax", 1),
}
UNIT = np.ones(1, np.float32)


@importer("QLinearConv", domains=BOTH)
def import_qlinear_conv(ctx: NodeContext) -> str:
    """Convolution of quantised numbers with quantised weights."""
    _require_channels_first(ctx)
    scale = ctx.const(4, "weight's scale")
    inputs = [floats(ctx, 0), weight(ctx, 3, 5, scale, 0)]
    if ctx.has(8):
        inputs.append(_bias(ctx, 8, scale))
    return quantised(ctx, import_conv(replace(ctx, inputs=inputs)), *parameters(ctx, 6))


@importer("QLinearMatMul", domains=BOTH)
def import_qlinear_matmul(ctx: NodeContext) -> str:
    """Product of quantised numbers with a quantised weight [K, N]."""
    w = weight(ctx, 3, 5, ctx.const(4, "weight's scale"), 1)
    return quantised(ctx, product(ctx, floats(ctx, 0), w), *parameters(ctx, 6))


@importer("QGemm", domains=(MICROSOFT,))
def import_qgemm(ctx: NodeContext) -> str:
    """alpha * (x @ w + bias), of floats where there is no scale for the result."""
    if ctx.attr("transA", 0):
        raise ctx.error("transA is not supported; transpose its input before it is quantised")
    alpha, by_rows = ctx.attr("alpha", 1.0), ctx.attr("transB", 0)
    scale = ctx.const(4, "weight's scale")
    w = weight(ctx, 3, 5, scale, 0 if by_rows else 1)
    y = product(ctx, floats(ctx, 0), transposed(ctx, w) if by_rows else w)
    if ctx.has(6):
        bias = ctx.graph.const(_bias(ctx, 6, scale))
        y = ctx.affine(y, np.float32(alpha), np.float32(alpha) * np.asarray(bias))
    elif alpha != 1:
        y = ctx.affine(y, np.float32(alpha), np.float32(0))
    return quantised(ctx, y, *parameters(ctx, 7)) if ctx.has(7) else y


@importer(*FLOAT, domains=(MICROSOFT,))
def import_qlinear_other(ctx: NodeContext) -> str:
    """Floats, the float operator, numbers."""
    _require_channels_first(ctx)
    name, count = FLOAT[ctx.node.op_type]
    inputs = [floats(ctx, 3 * i) for i in range(count)]
    return _between(ctx, name, inputs, 3 * count)


@importer("QLinearConcat", domains=(MICROSOFT,))
def import_qlinear_concat(ctx: NodeContext) -> str:
    """The result's scale and zero point come first, then those of each input with it."""
    inputs = [floats(ctx, i) for i in range(2, len(ctx.inputs), 3)]
    return _between(ctx, "Concat", inputs, 0)


@importer("ConvInteger")
def import_conv_integer(ctx: NodeContext) -> str:
    """The 32-bit sums, as floats."""
    return import_conv(replace(ctx, inputs=[_centred(ctx), weight(ctx, 1, 3, UNIT, 0)]))


@importer("MatMulInteger")
def import_matmul_integer(ctx: NodeContext) -> str:
    """The same of a weight [K, N]."""
    return product(ctx, _centred(ctx), weight(ctx, 1, 3, UNIT, 1))


def _between(ctx: NodeContext, name: str, inputs: list[str], result: int) -> str:
    """A float operator's result as numbers, with scale and zero point from input `result` on."""
    node = onnx.NodeProto()
    node.CopyFrom(ctx.node)
    node.op_type = name
    y = IMPORTERS["", name](
        replace(ctx, inputs=inputs, node=node, opset=ctx.attr("opset", ctx.opset))
    )
    assert isinstance(y, str)
    return quantised(ctx, y, *parameters(ctx, result))


def _bias(ctx: NodeContext, at: int, weight_scale: Array) -> str:
    """32-bit numbers in units of both scales, as floats."""
    bias = ctx.graph.const(ctx.inputs[at])
    if bias is None:
        raise ctx.error("its bias must be a constant")
    unit = ctx.const(1, "input's scale").reshape(-1) * weight_scale.reshape(-1)
    return ctx.constant((bias.reshape(-1) * unit).astype(np.float32), "bias")


def _centred(ctx: NodeContext) -> str:
    """The first input less its zero point, which is input 2."""
    name = ctx.inputs[0]
    maker = ctx.graph.producer(name)
    if maker is not None and maker.op == "own_numbers":
        zero = ctx.graph.producer(ctx.inputs[2]) if ctx.has(2) else None
        if zero is None or zero.op != "own_zero" or zero.inputs != maker.inputs:
            raise ctx.error("its zero point must be that of the same DynamicQuantizeLinear")
        return name
    unsigned = source_of(ctx, 0).attrs["unsigned"]
    zero_point = ctx.graph.const(ctx.inputs[2]) if ctx.has(2) else np.zeros(1, np.int8)
    if zero_point is None or zero_point.size != 1:
        raise ctx.error("its zero point must be one constant number")
    shift = int(zero_point.reshape(-1)[0]) - 128 * unsigned
    return ctx.emit("from_int8", name, scale=1.0, zero=shift)


def _require_channels_first(ctx: NodeContext) -> None:
    if ctx.attr("channels_last", 0):
        raise ctx.error("channels_last is not supported; quantise before layouts are optimised")
