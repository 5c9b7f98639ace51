# SPDX-License-Identifier: BSD-3-Clause
"""Products of x and a function of x, and signs behind enlarged images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ir_builder import Net, assert_same, converted, ops

Gate = Callable[[Net, str], str]
GATES: dict[str, tuple[Gate, list[str]]] = {
    "sigmoid": (lambda net, x: net.op("sigmoid", x), ["swish"]),
    "line": (
        lambda net, x: net.op("clip", net.affine(x, 1 / 6, 0.5), low=0.0, high=1.0),
        ["hard_swish"],
    ),
    "relu6": (
        lambda net, x: net.op("clip", net.affine(x, 1.0, 3.0), low=0.0, high=6.0),
        ["hard_swish", "affine"],
    ),
    "softplus": (lambda net, x: net.op("tanh", net.op("softplus", x)), ["mish"]),
    "another line": (
        lambda net, x: net.op("clip", net.affine(x, 1 / 6, 0.4), low=0.0, high=1.0),
        ["affine", "clip", "mul"],
    ),
    "another limit": (
        lambda net, x: net.op("clip", net.affine(x, 1 / 6, 0.5), low=-1.0, high=1.0),
        ["affine", "clip", "mul"],
    ),
}


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("swap", [False, True])
def test_gate(name: str, swap: bool) -> None:
    gate, want = GATES[name]
    net = Net(1, 3, 4, 5)
    g = gate(net, net.x)
    graph = net.done(net.op("mul", *((g, net.x) if swap else (net.x, g))))
    after, _ = converted(graph)
    assert ops(after) == want
    assert_same(graph, after, 1e-6)


def test_gate_of_another_value() -> None:
    net = Net(1, 3, 4, 5)
    graph = net.done(net.op("mul", net.input("y", 1, 3, 4, 5), net.op("sigmoid", net.x)))
    assert ops(converted(graph)[0]) == ["sigmoid", "mul"]


def test_gate_with_other_readers() -> None:
    net = Net(1, 3, 4, 5)
    gate = net.op("sigmoid", net.x)
    graph = net.done(net.op("mul", net.x, gate), gate)
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["sigmoid", "swish"]
    assert_same(graph, after, 1e-6)


def test_sign_before_enlarging() -> None:
    net = Net(1, 3, 4, 5)
    large = net.op("gather2d", net.bn(net.x), rows=(0, 0, 1, 3), columns=(4, 1))
    graph = net.done(net.conv(net.sign(large), net.signs(2, 3, 1, 1)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "gather2d", "bconv"]
    assert_same(graph, after)


def test_enlarged_signs_stay_bits() -> None:
    net = Net(1, 3, 4, 5)
    large = net.op("gather2d", net.sign(net.x), rows=(0, 0, 1, 3), columns=(4, 1))
    graph = net.done(net.conv(large, net.signs(2, 3, 1, 1)), large)
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "gather2d", "bconv"]
    assert_same(graph, after)


def test_sign_of_an_enlarged_image_that_is_an_output() -> None:
    """The floats are needed, so the sign stays behind them."""
    net = Net(1, 3, 4, 5)
    large = net.op("gather2d", net.x, rows=(0, 0, 1, 3), columns=(4, 1))
    graph = net.done(net.conv(net.sign(large), net.signs(2, 3, 1, 1)), large)
    after, _ = converted(graph)
    assert ops(after) == ["gather2d", "quantise", "bconv"]
    assert_same(graph, after)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "exp"])
def test_functions_in_front_of_a_sign(name: str) -> None:
    """The threshold is found behind the function, by evaluating it."""
    net = Net(1, 3, 4, 5)
    x = net.affine(net.op(name, net.x), 1.0, np.array([-0.3, -0.6, -0.9]))
    graph = net.done(net.conv(net.sign(x), net.signs(2, 3, 1, 1)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv"]
    assert_same(graph, after)
