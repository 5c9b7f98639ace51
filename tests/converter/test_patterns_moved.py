# SPDX-License-Identifier: BSD-3-Clause
"""Two-valued tensors that are moved, pooled, joined, shared or nested before a binary layer reads them, as ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from converter.passes import Mode
from exported import Export, assert_binary, compare, convert, critical
from targets import Target

Build = Callable[[Export], str]
SHAPE = (1, 4, 8, 8)


def int64(net: Export, *values: int) -> str:
    return net.const(np.array(values, np.int64))


def two(net: Export, low: float = -1, high: float = 1, x: str = "x") -> str:
    return net.op("Where", net.op("GreaterOrEqual", x, 0), high, low)


def max_pool(net: Export) -> str:
    y = net.op("MaxPool", two(net), kernel_shape=[2, 2], strides=[2, 2])
    return net.conv(y, 5, 4, 3, 3)


def max_pool_padded(net: Export) -> str:
    y = net.op("MaxPool", two(net), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return net.conv(y, 5, 4, 3, 3, pads=[1, 1, 1, 1])


def max_pool_of_zero_and_one(net: Export) -> str:
    y = net.op("MaxPool", two(net, 0, 1), kernel_shape=[2, 2], strides=[1, 2])
    return net.conv(y, 5, 4, 3, 3)


def max_pool_of_falling(net: Export) -> str:
    """{+1, -1} by a negative factor behind the sign: max becomes min of the bits."""
    y = net.op("MaxPool", net.op("Mul", two(net), -1), kernel_shape=[2, 2], strides=[2, 2])
    return net.conv(y, 5, 4, 2, 2)


def max_pool_of_pad(net: Export) -> str:
    pads = int64(net, 0, 0, 1, 1, 0, 0, 1, 1)
    y = net.op("Pad", two(net), pads, net.const(-1.0))
    y = net.op("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2])
    return net.conv(y, 5, 4, 1, 1)


def concat(net: Export) -> str:
    second = net.sign(net.bn("x", 4))
    return net.conv(net.op("Concat", two(net), second, axis=1), 5, 8, 3, 3, pads=[1, 1, 1, 1])


def concat_of_zero_and_one(net: Export) -> str:
    second = net.op("Cast", net.op("Less", "x", 0.5), to=1)
    return net.conv(net.op("Concat", two(net, 0, 1), second, axis=1), 5, 8, 3, 3, pads=[1] * 4)


def concat_of_rows(net: Export) -> str:
    return net.conv(net.op("Concat", two(net), net.sign(net.bn("x", 4)), axis=2), 5, 4, 3, 3)


def transpose(net: Export) -> str:
    return net.conv(net.op("Transpose", two(net), perm=[0, 1, 3, 2]), 5, 4, 3, 2)


def nhwc(net: Export) -> str:
    """The sign of an image that was brought to channels-last and back."""
    there = net.op("Transpose", "x", perm=[0, 2, 3, 1])
    back = net.op("Transpose", two(net, x=there), perm=[0, 3, 1, 2])
    return net.conv(back, 5, 4, 3, 3, pads=[1, 1, 1, 1])


def reshape(net: Export) -> str:
    return net.conv(net.op("Reshape", two(net), int64(net, 1, 8, 4, 8)), 5, 8, 3, 3)


def flatten(net: Export) -> str:
    y = net.op("Flatten", two(net))
    return net.op("MatMul", y, net.const(net.signs(256, 7)))


def flatten_nhwc(net: Export) -> str:
    y = net.op("Flatten", net.op("Transpose", two(net), perm=[0, 2, 3, 1]))
    return net.op("Gemm", y, net.const(net.signs(7, 256)), transB=1)


def shuffle(net: Export) -> str:
    """Channel shuffle of two groups."""
    y = net.op("Reshape", two(net), int64(net, 1, 2, 2, 8, 8))
    y = net.op("Transpose", y, perm=[0, 2, 1, 3, 4])
    return net.conv(net.op("Reshape", y, int64(net, 1, 4, 8, 8)), 4, 2, 3, 3, group=2)


def slice_(net: Export) -> str:
    y = net.op("Slice", two(net), int64(net, 1), int64(net, 3), int64(net, 1))
    return net.conv(y, 5, 2, 3, 3, pads=[1, 1, 1, 1])


def squeeze(net: Export) -> str:
    shifted = net.op(
        "Sub", "x", net.const(np.array([2, 9999, 2, 2e4], np.float32).reshape(4, 1, 1))
    )
    y = net.op("MaxPool", two(net, x=shifted), kernel_shape=[8, 8])
    y = net.op("Unsqueeze", net.op("Squeeze", y, int64(net, 2, 3)), int64(net, 2))
    return net.op("MatMul", net.op("Flatten", y), net.const(net.signs(4, 9)))


def pad_channels(net: Export) -> str:
    """A ResNet-A shortcut: channels padded with -1."""
    pads = int64(net, 0, 1, 0, 0, 0, 1, 0, 0)
    return net.conv(net.op("Pad", two(net), pads, net.const(-1.0)), 5, 6, 3, 3)


def shared_sign(net: Export) -> str:
    bits = two(net)
    first = net.conv(bits, 5, 4, 3, 3, pads=[1, 1, 1, 1])
    return net.op("Add", first, net.conv(bits, 5, 4, 1, 1))


def sign_and_value(net: Export) -> str:
    """The sign feeds a layer and, as a number, a sum."""
    bits = two(net)
    return net.op("Add", net.conv(bits, 4, 4, 1, 1), net.op("Mul", bits, 0.5))


def nested_sign(net: Export) -> str:
    return net.conv(net.sign(net.op("Sub", net.sign("x"), 0.5)), 5, 4, 3, 3)


def sign_of_concat(net: Export) -> str:
    joined = net.op("Concat", net.op("Relu", "x"), net.bn("x", 4), axis=1)
    return net.conv(two(net, x=joined), 5, 8, 3, 3)


CASES: dict[str, tuple[int | None, Build]] = {
    "MaxPool": (None, max_pool),
    "MaxPool, padded": (0, max_pool_padded),
    "MaxPool of {0, 1}": (None, max_pool_of_zero_and_one),
    "MaxPool of a falling sign": (None, max_pool_of_falling),
    "MaxPool of a Pad": (None, max_pool_of_pad),
    "Concat": (0, concat),
    "Concat of {0, 1}": (-1, concat_of_zero_and_one),
    "Concat of rows": (None, concat_of_rows),
    "Transpose": (None, transpose),
    "NHWC": (0, nhwc),
    "Reshape": (None, reshape),
    "Flatten": (None, flatten),
    "Flatten in NHWC order": (None, flatten_nhwc),
    "channel shuffle": (None, shuffle),
    "Slice": (0, slice_),
    "Squeeze and Unsqueeze": (None, squeeze),
    "padded channels": (None, pad_channels),
    "nested signs": (None, nested_sign),
    "sign of a Concat": (None, sign_of_concat),
    "sign that is read as a number too": (None, sign_and_value),
}


@pytest.mark.parametrize("name", CASES)
def test_moved(name: str, target: Target) -> None:
    border, build = CASES[name]
    net = Export()
    assert_binary(target, net.done(build(net), *SHAPE), border, tolerance=1e-6)


def test_shared_sign(target: Target) -> None:
    net = Export()
    assert_binary(target, net.done(shared_sign(net), *SHAPE), 0, None)


LEVELS = [(0, 1), (1, 0), (-1, 0), (0.3, -0.7), (2, 5), (-3, 3), (0, -0.25), (1, 3)]


@pytest.mark.parametrize(
    ("levels", "pads", "groups"), list(product(LEVELS, ([0] * 4, [1] * 4, [0, 2, 1, 3]), (1, 2)))
)
def test_two_values(
    levels: tuple[float, float], pads: list[int], groups: int, target: Target
) -> None:
    """Whatever the two values: the padding's 0 is 0. At the border it is one of the two, their mean, or another mix."""
    low, high = levels
    net = Export()
    weight = 0.5 * net.signs(6, 4 // groups, 3, 3)
    y = net.op("Conv", two(net, low, high), net.const(weight), pads=pads, group=groups)
    proto = net.done(y, *SHAPE)
    _, report, data = convert(proto, Mode.MODERATE)
    (row,) = report.rows
    assert row.kind == "binary"
    if any(pads):
        assert row.border == pytest.approx(-(low + high) / abs(low - high))
    compare(target, proto, data, [critical(SHAPE, seed=seed) for seed in range(2)], 1e-6)


def test_sign_behind_a_mixed_border(target: Target) -> None:
    """No single dot product stands in front of the second sign, which compares floats then."""
    net = Export()
    y = net.conv(two(net, 0.25, -0.75), 6, 4, 3, 3, pads=[1] * 4)
    y = net.conv(net.sign(net.bn(net.op("Relu", y), 6)), 5, 6, 3, 3)
    assert_binary(target, net.done(y, *SHAPE), 0.5, None)
