# SPDX-License-Identifier: BSD-3-Clause
"""What stands between one binary convolution and the next, as ONNX graphs.

Each row of the table is put between two binary convolutions (with a sign in front of the second), so that its floats become
integer thresholds, and in front of the output, so that they are computed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exported import Export, assert_binary, compare, convert, critical
from targets import Target

Middle = Callable[[Export, str], str]
CHANNELS = 6
SHAPE = (1, 4, 10, 8)


def per_channel(net: Export, shift: float = 0.0) -> str:
    """Numbers that no sum of integers hits."""
    return net.const(net.real(CHANNELS, 1, 1) + np.float32(shift))


def scaled(op: str, swapped: bool = False) -> Middle:
    """x op c, or c op x, and an offset that keeps 0 away."""

    def build(net: Export, x: str) -> str:
        c = per_channel(net, 0.1)
        y = net.op(op, c, x) if swapped else net.op(op, x, c)
        return net.op("Add", y, per_channel(net))

    return build


def bn(epsilon: float = 1e-5) -> Middle:
    return lambda net, x: net.bn(x, CHANNELS, epsilon)


def bn_of(gamma: float | None = None, var: float | None = None, epsilon: float = 1e-5) -> Middle:
    """A BatchNormalization with gamma or variance of some channels set."""

    def build(net: Export, x: str) -> str:
        mean, scale, bias = (net.real(CHANNELS) for _ in range(3))
        variance = net.rng.random(CHANNELS).astype(np.float32) + np.float32(0.1)
        if gamma is not None:
            scale[::2] = gamma
        if var is not None:
            variance[::2] = var
        names = [net.const(c) for c in (scale, bias, mean, variance)]
        return net.op("BatchNormalization", x, *names, epsilon=epsilon)

    return build


def chain(*parts: Middle) -> Middle:
    def build(net: Export, x: str) -> str:
        for part in parts:
            x = part(net, x)
        return x

    return build


def one(op: str, *constants: float, **attrs: object) -> Middle:
    return lambda net, x: net.op(op, x, *constants, **attrs)


def max_pool(pads: int = 0) -> Middle:
    return one("MaxPool", kernel_shape=[2, 2], strides=[2, 2], pads=[pads] * 4)


def prelu(net: Export, x: str) -> str:
    return net.op("PRelu", x, net.const(abs(net.real(CHANNELS, 1, 1))))


def prelu_negative(net: Export, x: str) -> str:
    """A slope below 0 makes the function fall and rise: no single threshold."""
    return net.op("PRelu", x, net.const(-abs(net.real(CHANNELS, 1, 1))))


def rprelu(net: Export, x: str) -> str:
    y = prelu(net, net.op("Add", x, per_channel(net)))
    return net.op("Add", y, per_channel(net))


def shift(net: Export, x: str) -> str:
    return net.op("Add", x, per_channel(net))


MIDDLES: dict[str, Middle] = {
    "bias": shift,
    "Mul": scaled("Mul"),
    "Mul, constant first": scaled("Mul", swapped=True),
    "Div": scaled("Div"),
    "Sub": scaled("Sub"),
    "Sub, constant first": scaled("Sub", swapped=True),
    "BN": bn(),
    "BN epsilon 1e-3": bn(1e-3),
    "BN epsilon 1e-4": bn(1e-4),
    "BN gamma negative": bn_of(gamma=-1.5),
    "BN gamma 0": bn_of(gamma=0.0),
    "BN gamma tiny": bn_of(gamma=1e-30),
    "BN var 0": bn_of(var=0.0),
    "BN var 0, epsilon 1e-3": bn_of(var=0.0, epsilon=1e-3),
    "Relu, BN": chain(one("Relu"), bn()),
    "BN, Relu, bias": chain(bn(), one("Relu"), shift),
    "HardTanh, BN": chain(one("Clip", -1, 1), bn()),
    "BN, HardTanh": chain(bn(), one("Clip", -1, 1)),
    "Relu6, BN": chain(one("Clip", 0, 6), bn()),
    "PRelu, BN": chain(prelu, bn()),
    "RPReLU": rprelu,
    "BN, RPReLU": chain(bn(), rprelu),
    "LeakyRelu, BN": chain(one("LeakyRelu", alpha=0.25), bn()),
    "MaxPool, BN": chain(max_pool(), bn()),
    "BN, MaxPool": chain(bn(), max_pool()),
    "Relu, MaxPool, BN": chain(one("Relu"), max_pool(), bn()),
    "MaxPool, Relu, BN gamma negative": chain(max_pool(), one("Relu"), bn_of(gamma=-2.0)),
    "MaxPool padded, BN": chain(max_pool(1), bn()),
    "BN, BN": chain(bn(), bn(1e-3)),
    "alpha, bias, Relu, BN": chain(scaled("Mul"), one("Relu"), bn()),
}
#: Rows whose sign falls and rises, or is of floats for another reason: the second layer is binary by a float comparison.
FLOATS = {"BN, PRelu falling": chain(bn(), prelu_negative, shift)}
TABLE = {**MIDDLES, **FLOATS}


def network(middle: Middle, sign: bool) -> Export:
    net = Export()
    y = net.conv(net.sign("x"), CHANNELS, 4, 3, 3, pads=[1, 1, 1, 1])
    y = middle(net, y)
    if sign:
        y = net.conv(net.sign(y), 5, CHANNELS, 3, 3, pads=[1, 1, 1, 1])
    net.nodes[-1].output[0] = "last"
    return net


@pytest.mark.parametrize("name", TABLE)
def test_as_threshold(name: str, target: Target) -> None:
    """Bit for bit, and without floats between the two layers."""
    proto = network(TABLE[name], sign=True).done("last", *SHAPE)
    assert_binary(target, proto, 0, 0)
    graph, _, _ = convert(proto)
    left = {node.op for node in graph.nodes} - {"quantise", "bconv", "bmaxpool", "threshold"}
    assert bool(left) == (name in FLOATS)


@pytest.mark.parametrize("name", TABLE)
def test_as_floats(name: str, target: Target) -> None:
    assert_binary(target, network(TABLE[name], sign=False).done("last", *SHAPE), 0, tolerance=1e-5)


@pytest.mark.parametrize("place", ["before BN", "after BN", "real"])
def test_residual(place: str, target: Target) -> None:
    """Sums in front of signs stay floats; the layers around them are binary."""
    net = Export()
    y = net.conv(net.sign("x"), 4, 4, 3, 3, pads=[1, 1, 1, 1])
    if place == "real":
        y = net.op("Add", net.bn(y, 4), "x")
    elif place == "before BN":
        y = net.bn(net.op("Add", y, net.bn("x", 4)), 4)
    else:
        y = net.op("Add", net.bn(y, 4), net.bn("x", 4, 1e-3))
    z = net.bn(net.conv(net.sign(y), 4, 4, 3, 3, pads=[1, 1, 1, 1]), 4)
    proto = net.done(net.op("Add", z, y), *SHAPE)
    graph, report, data = convert(proto)
    assert [(row.kind, row.border) for row in report.rows] == [("binary", 0)] * 2
    compare(target, proto, data, [critical(graph.shape("x"), seed=s) for s in range(3)], 1e-5)
