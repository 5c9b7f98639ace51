# SPDX-License-Identifier: BSD-3-Clause
"""Axis orders and shape arithmetic around binary layers, as exporters leave them in ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter import dab
from converter.dab_model import Kind
from exported import Export, assert_binary, convert
from targets import Target

Build = Callable[[Export], str]
NCHW, NHWC = (1, 4, 8, 7), (1, 8, 7, 4)
TO_NHWC, TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]


def int64(net: Export, *values: int) -> str:
    return net.const(np.array(values, np.int64))


def between(net: Export, x: str, body: Callable[[str], str]) -> str:
    """tf2onnx: to NCHW, the operator, back to NHWC."""
    y = body(net.op("Transpose", x, perm=TO_NCHW))
    return net.op("Transpose", y, perm=TO_NHWC)


def quant(net: Export, x: str) -> str:
    """larq's ste_sign: Sign, 0.1 added, Sign."""
    return net.op("Sign", net.op("Add", net.op("Sign", x), 0.1))


def larq(net: Export) -> str:
    """Two QuantConv2D with BatchNormalization as Mul and Add on the last axis, MaxPool between, Flatten in NHWC order."""
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    x = between(net, quant(net, "x"), lambda t: net.conv(t, 6, 4, 3, 3, pads=[1] * 4))
    x = between(net, x, lambda t: net.op("MaxPool", t, **pool))
    x = net.op("Add", net.op("Mul", x, net.const(net.real(6))), net.const(net.real(1, 1, 1, 6)))
    x = between(net, quant(net, x), lambda t: net.conv(t, 5, 6, 3, 3, auto_pad="SAME_UPPER"))
    x = net.op("Add", net.op("Mul", x, net.const(net.real(5))), net.const(net.real(5)))
    x = net.op("Reshape", quant(net, x), int64(net, -1, 60))
    return net.op("MatMul", x, net.const(net.signs(60, 3)))


def larq_padded(net: Export) -> str:
    """pad_values=1.0: a Pad of +1 in NHWC order."""
    x = net.op("Pad", quant(net, "x"), int64(net, 0, 1, 1, 0, 0, 1, 1, 0), net.const(1.0))
    return between(net, x, lambda t: net.conv(t, 5, 4, 3, 3))


def flatten_by_shape(net: Export) -> str:
    """x.view(x.size(0), -1) by Shape, Gather, Unsqueeze, Concat."""
    x = net.sign("x")
    size = net.op("Gather", net.op("Shape", x), net.const(np.array(0, np.int64)), axis=0)
    shape = net.op("Concat", net.op("Unsqueeze", size, int64(net, 0)), int64(net, -1), axis=0)
    return net.op("MatMul", net.op("Reshape", x, shape), net.const(net.signs(224, 3)))


def flatten_after_nhwc(net: Export) -> str:
    x = net.op("Transpose", net.conv(net.sign("x"), 5, 4, 3, 3), perm=TO_NHWC)
    x = net.sign(net.bn(net.op("Flatten", x), 150))
    return net.op("Gemm", x, net.const(net.signs(3, 150)), transB=1)


def dropout(net: Export) -> str:
    x = net.op("Dropout", net.op("Identity", net.sign("x")))
    return net.conv(net.op("Identity", x), 5, 4, 3, 3)


def expanded(net: Export) -> str:
    """RSign of older exporters: the bias is expanded to the shape of its partner."""
    bias = net.op("Expand", net.const(net.real(1, 4, 1, 1)), net.op("Shape", "x"))
    return net.conv(net.sign(net.op("Add", "x", bias)), 5, 4, 3, 3)


def pooled_and_squeezed(net: Export) -> str:
    x = net.bn(net.conv(net.sign("x"), 6, 4, 3, 3), 6)
    x = net.op("GlobalAveragePool", x)
    x = net.sign(net.op("Squeeze", x, int64(net, 2, 3)))
    return net.op("Gemm", x, net.const(net.signs(6, 9)))


def mean_and_dense(net: Export) -> str:
    x = net.bn(net.conv(net.sign("x"), 6, 4, 3, 3), 6)
    x = net.sign(net.op("ReduceMean", x, axes=[2, 3], keepdims=0))
    return net.op("MatMul", x, net.const(net.signs(6, 9)))


def transposed_sign_in_the_middle(net: Export) -> str:
    """The sign stands between the two transposes that meet."""
    x = between(net, "x", lambda t: net.conv(net.sign(t), 6, 4, 3, 3))
    return between(
        net, net.sign(net.op("Add", x, net.const(net.real(6)))), lambda t: net.conv(t, 5, 6, 3, 3)
    )


CASES: dict[str, tuple[tuple[int, ...], tuple[int | None, ...], Build]] = {
    "larq": (NHWC, (0, 0, None), larq),
    "larq, padded with 1": (NHWC, (1,), larq_padded),
    "Flatten by Shape": (NCHW, (None,), flatten_by_shape),
    "Flatten after NHWC": (NCHW, (None, None), flatten_after_nhwc),
    "Dropout, Identity": (NCHW, (None,), dropout),
    "Expand": (NCHW, (None,), expanded),
    "GlobalAveragePool, Squeeze": (NCHW, (None, None), pooled_and_squeezed),
    "ReduceMean": (NCHW, (None, None), mean_and_dense),
    "sign between transposes": (NHWC, (None, None), transposed_sign_in_the_middle),
}


@pytest.mark.parametrize("name", CASES)
def test_layout(name: str, target: Target) -> None:
    shape, borders, build = CASES[name]
    net = Export()
    proto = net.done(build(net), *shape)
    zeros = "larq" in name  # its sign gives +1 for 0
    assert_binary(target, proto, *borders, tolerance=1e-5, zeros=zeros)


@pytest.mark.parametrize("name", ["larq", "larq, padded with 1", "sign between transposes"])
def test_transposes_are_gone(name: str) -> None:
    """Channels-last graphs cost nothing in a channels-last file."""
    shape, _, build = CASES[name]
    net = Export()
    _, _, data = convert(net.done(build(net), *shape))
    assert Kind.TRANSPOSE not in [op.kind for op in dab.read(data).ops]


@pytest.mark.parametrize("batch", ["N", 0, 1])
def test_symbolic_batch(batch: str | int, target: Target) -> None:
    net = Export()
    proto = net.done(net.conv(net.sign("x"), 5, 4, 3, 3), 1, 4, 8, 7)
    dim = proto.graph.input[0].type.tensor_type.shape.dim[0]
    if isinstance(batch, str):
        dim.dim_param = batch
    else:
        dim.dim_value = batch
    graph, _, _ = convert(proto)
    assert graph.shape("x") == (1, 4, 8, 7)
    dim.dim_value = 1
    assert_binary(target, proto, None)
