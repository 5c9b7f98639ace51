# SPDX-License-Identifier: BSD-3-Clause
"""Paddings of binary convolutions in all spellings, and the geometries beside them, as ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from converter import dab
from converter.dab_model import Kind
from exported import Export, assert_binary, convert
from targets import Target

SHAPE = (1, 4, 9, 7)
#: How the pads of a Pad node are given. Values: top, left, bottom, right.
Pads = tuple[int, int, int, int]
Padder = Callable[[Export, str, Pads, float], str]


def int64(net: Export, *values: int) -> str:
    return net.const(np.array(values, np.int64))


def attribute(net: Export, x: str, pads: Pads, value: float) -> str:
    top, left, bottom, right = pads
    return net.op("Pad", x, pads=[0, 0, top, left, 0, 0, bottom, right], value=value)


def initializer(net: Export, x: str, pads: Pads, value: float) -> str:
    top, left, bottom, right = pads
    return net.op("Pad", x, int64(net, 0, 0, top, left, 0, 0, bottom, right), net.const(value))


def computed(net: Export, x: str, pads: Pads, value: float) -> str:
    """PyTorch's older exporter: (left, right, top, bottom), zeros behind, reversed in pairs, transposed, cast."""
    top, left, bottom, right = pads
    zeros = net.op("ConstantOfShape", int64(net, 4))
    both = net.op(
        "Concat", int64(net, left, right, top, bottom), net.op("Cast", zeros, to=7), axis=0
    )
    pairs = net.op("Reshape", both, int64(net, -1, 2))
    backwards = net.op(
        "Slice", pairs, int64(net, -1), int64(net, -1000), int64(net, 0), int64(net, -1)
    )
    flat = net.op("Reshape", net.op("Transpose", backwards, perm=[1, 0]), int64(net, -1))
    return net.op("Pad", x, net.op("Cast", flat, to=7), net.op("Mul", net.const(value), 1))


def by_axes(net: Export, x: str, pads: Pads, value: float) -> str:
    return net.op("Pad", x, int64(net, *pads), net.const(value), int64(net, 2, 3))


def half_and_half(net: Export, x: str, pads: Pads, value: float) -> str:
    """Two Pad nodes, one for each axis."""
    top, left, bottom, right = pads
    y = net.op("Pad", x, int64(net, 0, 0, top, 0, 0, 0, bottom, 0), net.const(value))
    return net.op("Pad", y, int64(net, 0, 0, 0, left, 0, 0, 0, right), net.const(value))


PADDERS: dict[str, tuple[Padder, int]] = {
    "attribute": (attribute, 10),
    "initializer": (initializer, 13),
    "computed": (computed, 13),
    "axes": (by_axes, 18),
    "two nodes": (half_and_half, 13),
}
SIDES: list[Pads] = [(1, 1, 1, 1), (0, 2, 1, 0), (4, 3, 5, 4)]


def signed(net: Export, x: str) -> str:
    """A sign that every opset can express."""
    y = net.op("Cast", net.op("Greater", x, 0), to=1)
    return net.op("Sub", net.op("Mul", y, 2), 1)


@pytest.mark.parametrize("sign_first", [True, False], ids=["sign, Pad", "Pad, sign"])
@pytest.mark.parametrize(("value", "pads"), list(product([-1.0, 0.0, 1.0], SIDES)))
@pytest.mark.parametrize("spelling", PADDERS)
def test_pad(spelling: str, value: float, pads: Pads, sign_first: bool, target: Target) -> None:
    """In front of the sign 0 becomes -1 (the sign here gives -1 for 0)."""
    padder, opset = PADDERS[spelling]
    net = Export()
    x = (
        padder(net, signed(net, "x"), pads, value)
        if sign_first
        else signed(net, padder(net, "x", pads, value))
    )
    border = int(value) if sign_first or value else -1
    proto = net.done(net.conv(x, 5, 4, 3, 3), *SHAPE, opset=opset)
    assert_binary(target, proto, border)


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_pad_between_two_values(value: float, target: Target) -> None:
    """{0, 1} padded with either of its values."""
    net = Export()
    x = net.op("Cast", net.op("Greater", "x", 0), to=1)
    x = initializer(net, x, (1, 0, 2, 1), (value + 1) / 2)
    proto = net.done(net.conv(x, 5, 4, 3, 3), *SHAPE)
    assert_binary(target, proto, int(value))


def test_pad_of_zero_in_front_of_onnx_sign(target: Target) -> None:
    net = Export()
    x = net.op("Sign", initializer(net, "x", (1, 1, 1, 1), 0.0))
    assert_binary(target, net.done(net.conv(x, 5, 4, 3, 3), *SHAPE), 0, zeros=False)


def test_pad_and_padding_of_zero(target: Target) -> None:
    net = Export()
    x = initializer(net, signed(net, "x"), (1, 0, 1, 2), 0.0)
    proto = net.done(net.conv(x, 5, 4, 3, 3, pads=[1, 1, 0, 0]), *SHAPE)
    assert_binary(target, proto, 0)


GEOMETRIES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "same upper": ((5, 4, 3, 3), {"auto_pad": "SAME_UPPER"}),
    "same lower": ((5, 4, 3, 3), {"auto_pad": "SAME_LOWER"}),
    "same upper, stride 2, even kernel": (
        (5, 4, 4, 2), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}
    ),
    "same lower, stride 2, even kernel": (
        (5, 4, 4, 2), {"auto_pad": "SAME_LOWER", "strides": [2, 2]}
    ),
    "same upper, stride 3": ((5, 4, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [3, 3]}),
    "asymmetric": ((5, 4, 3, 3), {"pads": [0, 2, 1, 3]}),
    "larger than the kernel": ((5, 4, 3, 3), {"pads": [4, 5, 6, 4]}),
    "larger than the image": ((5, 4, 2, 2), {"pads": [10, 9, 10, 9], "strides": [3, 2]}),
    "dilated": ((5, 4, 3, 3), {"pads": [2, 2, 2, 2], "dilations": [2, 2]}),
    "dilated unequally": ((5, 4, 3, 2), {"pads": [3, 1, 3, 2], "dilations": [3, 2]}),
    "dilated, strided": ((5, 4, 3, 3), {"pads": [2] * 4, "dilations": [2, 2], "strides": [2, 3]}),
    "groups": ((6, 2, 3, 3), {"pads": [1] * 4, "group": 2}),
    "depthwise": ((4, 1, 3, 3), {"pads": [1] * 4, "group": 4}),
    "depthwise, multiplied, strided": (
        (8, 1, 3, 3), {"pads": [1] * 4, "group": 4, "strides": [2, 2]}
    ),
    "depthwise, dilated": ((4, 1, 3, 3), {"pads": [2] * 4, "group": 4, "dilations": [2, 2]}),
    "1 x 1, padded": ((5, 4, 1, 1), {"pads": [1, 1, 1, 1]}),
    "1 x 7": ((5, 4, 1, 7), {"pads": [0, 3, 0, 3]}),
    "as large as the image": ((5, 4, 9, 7), {"pads": [4, 3, 4, 3]}),
    "strides that leave a rest": ((5, 4, 2, 2), {"pads": [1, 0, 0, 0], "strides": [2, 2]}),
}  # fmt: skip


@pytest.mark.parametrize("channels", [4, 64])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_geometry(name: str, channels: int, target: Target) -> None:
    (outputs, inputs, *kernel), attrs = GEOMETRIES[name]
    factor = channels // 4
    groups = attrs.get("group", 1)
    if inputs == 1:  # depthwise stays depthwise
        outputs, attrs = outputs * factor, {**attrs, "group": groups * factor}
    else:
        inputs *= factor
    net = Export()
    y = net.conv(net.sign("x"), outputs, inputs, *kernel, **attrs)
    assert_binary(target, net.done(y, 1, channels, 9, 7), 0)


def test_valid(target: Target) -> None:
    net = Export()
    y = net.conv(net.sign("x"), 5, 4, 3, 3, auto_pad="VALID", strides=[2, 2])
    assert_binary(target, net.done(y, *SHAPE), None)


@pytest.mark.parametrize("values", [(-1.0, 1.0), (1.0, 0.0)])
def test_pads_of_different_values_stay_apart(values: tuple[float, float], target: Target) -> None:
    net = Export()
    x = initializer(net, signed(net, "x"), (1, 1, 1, 1), values[0])
    x = initializer(net, x, (1, 1, 1, 1), values[1])
    assert_binary(target, net.done(net.conv(x, 5, 4, 3, 3), *SHAPE), int(values[1]))


def test_pad_in_front_of_signs_that_differ(target: Target) -> None:
    """What the padding becomes depends on the channel: it stays a Pad of floats."""
    net = Export()
    x = initializer(net, "x", (1, 1, 1, 1), 0.0)
    x = net.sign(net.op("Sub", x, net.const(net.real(4, 1, 1))))
    assert_binary(target, net.done(net.conv(x, 5, 4, 3, 3), *SHAPE), None)


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_narrow_groups_are_small(inputs: int, target: Target) -> None:
    """Depthwise and nearly so: signs of a byte per tap and 8 outputs, sums that are exact, thresholds behind them."""
    net, groups = Export(), 24
    channels = groups * inputs
    shape = (1, channels, 9, 7)
    y = net.conv(net.sign("x"), channels, inputs, 3, 3, pads=[1] * 4, group=groups)
    y = net.sign(net.bn(y, channels))
    y = initializer(net, y, (1, 1, 1, 1), -1.0)
    y = net.bn(net.conv(y, channels, inputs, 3, 3, group=groups), channels)
    proto = net.done(net.conv(net.sign(y), 5, channels, 1, 1), *shape)
    report = assert_binary(target, proto, 0, -1, None)
    _, _, data = convert(proto)
    kinds = [op.kind for op in dab.read(data).ops if op.kind in (Kind.CONV2D, Kind.BCONV2D)]
    narrow = inputs <= 2
    assert kinds == [Kind.CONV2D if narrow else Kind.BCONV2D] * 2 + [Kind.BCONV2D]
    assert report.rows[0].bytes_after == groups * 9 * (inputs if narrow else 8 * 8)
    assert ("on floats" in report.rows[0].reason) == narrow
