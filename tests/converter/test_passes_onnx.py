# SPDX-License-Identifier: BSD-3-Clause
"""Networks as their training code exports them, weight arithmetic and straight-through estimators included."""

from __future__ import annotations

import numpy as np
import pytest

from converter.onnx_import import from_model
from exported import Export
from ir_builder import assert_same, converted, ops, row


def bireal_weight(net: Export, *shape: int) -> str:
    """sign(w) * mean|w| - clip(w) + clip(w), as in the published code."""
    w = net.const(net.real(*shape) * 0.1)
    mean = net.op("Abs", w)
    for axis in (3, 2, 1):
        mean = net.op("ReduceMean", mean, axes=[axis], keepdims=1)
    scaled = net.op("Mul", mean, net.op("Sign", w))
    clipped = net.op("Clip", w, net.const(-1.0), net.const(1.0))
    return net.op("Add", net.op("Sub", scaled, clipped), clipped)


def bireal_sign(net: Export, x: str) -> str:
    """Sign with the polynomial straight-through estimator: masks of Less, Cast, Mul, Sub, Add."""

    def choose(limit: float, below: str, above: str) -> str:
        inside = net.op("Cast", net.op("Less", x, net.const(limit)), to=1)
        outside = net.op("Sub", net.const(1.0), inside)
        return net.op("Add", net.op("Mul", below, inside), net.op("Mul", above, outside))

    double, square = net.op("Mul", x, net.const(2.0)), net.op("Mul", x, x)
    rising = net.op("Add", square, double)
    falling = net.op("Add", net.op("Neg", square), double)
    out = choose(-1.0, net.const(-1.0), rising)
    out = choose(1.0, choose(0.0, out, falling), net.const(1.0))
    return net.op("Add", net.op("Sub", net.op("Sign", x), out), out)


def bireal_block(net: Export, x: str, inputs: int, outputs: int, stride: int) -> str:
    signs = bireal_sign(net, x)
    weight = bireal_weight(net, outputs, inputs, 3, 3)
    y = net.op("Conv", signs, weight, strides=[stride, stride], pads=[1, 1, 1, 1])
    shortcut = x
    if stride > 1:
        pooled = net.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
        down = net.op("Conv", pooled, net.const(net.real(outputs, inputs, 1, 1)))
        shortcut = net.bn(down, outputs)
    return net.op("Add", net.bn(y, outputs), shortcut)


@pytest.mark.parametrize("mode", ["strict", "moderate", "aggressive"])
def test_bireal(mode: str) -> None:
    net = Export()
    x = net.op("Conv", "x", net.const(net.real(8, 3, 3, 3)), pads=[1, 1, 1, 1])
    x = net.bn(x, 8)
    x = bireal_block(net, bireal_block(net, x, 8, 8, 1), 8, 16, 2)
    x = net.op("Flatten", net.op("GlobalAveragePool", x))
    graph = from_model(net.done(net.op("Gemm", x, net.const(net.real(16, 5))), 1, 3, 8, 8))
    after, report = converted(graph, mode)
    kinds = [(r.kind, r.border) for r in report.rows if r.taps > 27 and r.op == "conv"]
    assert kinds == [("binary", 0) if mode != "strict" else ("binary-weight", None)] * 2
    assert not {"sign", "less", "cast", "mul", "sub"} & set(ops(after))
    assert ops(after).count("quantise") == 2
    assert_same(graph, after, 1e-5)


def test_reactnet() -> None:
    """RSign (a bias before the sign), RPReLU (bias, PReLU, bias), a concat of two branches."""
    net = Export()

    def bias(x: str, channels: int) -> str:
        return net.op("Add", x, net.const(net.real(1, channels, 1, 1)))

    def branch(x: str, channels: int, kernel: int) -> str:
        weight = bireal_weight(net, channels, channels, kernel, kernel)
        signs = bireal_sign(net, bias(x, channels))
        y = net.op("Conv", signs, weight, pads=[kernel // 2] * 4)
        y = bias(net.op("Add", net.bn(y, channels), x), channels)
        return bias(net.op("PRelu", y, net.const(net.real(channels, 1, 1))), channels)

    x = net.bn(net.op("Conv", "x", net.const(net.real(8, 3, 3, 3)), strides=[2, 2]), 8)
    x = branch(x, 8, 3)
    x = net.op("Concat", branch(x, 8, 1), branch(x, 8, 1), axis=1)
    graph = from_model(net.done(branch(x, 16, 3), 1, 3, 11, 11))
    after, report = converted(graph)
    assert [r.kind for r in report.rows] == ["float"] + ["binary"] * 4
    assert_same(graph, after, 1e-5)


def test_centred_weights_and_xnor_net() -> None:
    """BN (epsilon 1e-4) -> Sign -> Conv(sign of centred weight * alpha, bias) -> Relu -> MaxPool -> BN -> Sign -> ..."""
    net = Export()
    w = net.const(net.real(8, 8, 3, 3))
    centred = net.op("Sub", w, net.op("ReduceMean", w, axes=[1], keepdims=1))
    weight = net.op("Mul", net.op("Sign", centred), net.const(abs(net.real(8, 1, 1, 1)) + 0.1))
    x = net.op("Conv", "x", net.const(net.real(8, 3, 3, 3)))
    x = net.op("Sign", net.bn(net.op("Relu", x), 8, 1e-4))
    x = net.op("Relu", net.op("Conv", x, weight, net.const(net.real(8)), pads=[1, 1, 1, 1]))
    x = net.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    x = net.op("Sign", net.bn(x, 8, 1e-3))
    x = net.op("Conv", x, net.op("Sign", net.const(net.real(4, 8, 1, 1))))
    graph = from_model(net.done(x, 1, 3, 12, 12))
    after, report = converted(graph)
    assert [r.kind for r in report.rows] == ["float", "binary", "binary"]
    assert ops(after) == [
        "conv",
        "affine",
        "quantise",
        "bconv",
        "threshold",
        "bmaxpool",
        "bconv",
    ] or ops(after) == ["conv", "quantise", "bconv", "threshold", "bmaxpool", "bconv"]
    assert_same(graph, after, 1e-5)


@pytest.mark.parametrize("spelling", ["Sign", "Where", "plain", "alpha", "real"])
def test_where_weights_come_from(spelling: str) -> None:
    """--strict asks whether the weight went through a sign in the source, also when exporters folded it."""
    net = Export()
    w = net.const(net.real(4, 4, 3, 3))
    if spelling == "Sign":
        w = net.op("Sign", w)
    elif spelling == "Where":
        above = net.op("GreaterOrEqual", w, net.const(0.0))
        w = net.op("Where", above, net.const(0.5), net.const(-0.5))
    elif spelling != "real":
        w = net.const(np.sign(net.real(4, 4, 3, 3)) * np.float32(1 if spelling == "plain" else 0.5))
    positive = net.op("GreaterOrEqual", "x", net.const(0.0))
    x = net.op("Where", positive, net.const(1.0), net.const(-1.0))
    graph = from_model(net.done(net.op("Conv", x, w), 1, 4, 6, 6))
    _, report = converted(graph, "strict")
    expected = {"alpha": "float", "real": "float"}.get(spelling, "binary")
    assert row(report, report.rows[0].output).kind == expected
    assert ("does not show a Sign" in report.rows[0].reason) == (spelling == "alpha")
