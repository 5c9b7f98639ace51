# SPDX-License-Identifier: BSD-3-Clause
"""Passes that clean up: transposes, reshapes, affines, equal nodes."""

from __future__ import annotations

import numpy as np
import pytest

from ir_builder import Array, Net, assert_same, converted, ops, row

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def test_channels_last_network() -> None:
    """As larq networks come out of tf2onnx: NHWC input, transposes around every convolution, constants on the last axis."""
    net = Net(1, 8, 8, 4)
    x = net.op("transpose", net.x, perm=TO_FIRST)
    x = net.op("transpose", net.conv(x, net.signs(6, 4, 3, 3), "first"), perm=TO_LAST)
    x = net.op("add", net.op("mul", x, net.real(6)), net.op("mul", net.real(6), x))
    x = net.op("div", net.op("sub", x, net.real(1, 1, 1, 6)), np.float32(3))
    x = net.op("sign", net.op("add", net.op("sign", x), np.full((6, 6, 6), 0.1, np.float32)))
    x = net.op("pad", x, before=(0, 1, 1, 0), after=(0, 1, 1, 0), value=1.0)
    x = net.op("transpose", x, perm=TO_FIRST)
    x = net.pool(net.conv(x, 0.5 * net.signs(10, 6, 3, 3), "second"))
    x = net.op("transpose", x, perm=TO_LAST)
    x = net.op("add", net.op("mul", x, net.real(10)), net.real(10))
    x = net.op("sign", net.op("add", net.op("sign", x), np.full((3, 3, 10), 0.1, np.float32)))
    graph = net.done(net.dense(net.flatten(x), net.signs(5, 90), "head"))
    after, report = converted(graph, "moderate")
    assert [r.kind for r in report.rows] == ["binary-weight", "binary", "binary"]
    assert row(report, "second").border == 1
    assert ops(after).count("transpose") == 1
    assert_same(graph, after)


def test_transposes_cancel() -> None:
    net = Net(1, 4, 6, 5)
    x = net.op("transpose", net.op("transpose", net.x, perm=TO_LAST), perm=TO_FIRST)
    graph = net.done(net.op("clip", x, low=0.0, high=1.0))
    after, _ = converted(graph)
    assert ops(after) == ["clip"]
    assert_same(graph, after)


def test_output_that_is_a_pair_of_transposes() -> None:
    net = Net(1, 4, 6, 5)
    x = net.op("clip", net.x, low=0.0, high=1.0)
    graph = net.done(net.op("transpose", net.op("transpose", x, perm=TO_LAST), perm=TO_FIRST))
    after, _ = converted(graph)
    assert ops(after) == ["clip"]
    assert_same(graph, after)


def test_input_that_is_an_output_keeps_a_node() -> None:
    net = Net(1, 4, 6, 5)
    graph = net.done(net.affine(net.x))
    after, _ = converted(graph)
    assert ops(after) == ["affine"]
    assert_same(graph, after)


def test_elementwise_behind_transposes() -> None:
    """Sums, concats and per-channel parameters go in front of a transpose, which then meets its inverse."""
    net = Net(1, 4, 6, 5)
    a = net.op("transpose", net.x, perm=TO_LAST)
    b = net.op("transpose", net.op("tanh", net.x), perm=TO_LAST)
    c = net.op("concat", net.op("add", a, b), net.affine(a, 2.0, 1.0), axis=3)
    d = net.op("prelu", c, np.full(6, 0.5, np.float32))
    e = net.op("pad", d, before=(0, 1, 0, 2), after=(0, 0, 3, 0), value=0.25)
    f = net.op("where", net.op("greater", e, net.real(10)), e, net.real(8, 10))
    graph = net.done(net.op("transpose", f, perm=TO_FIRST))
    after, _ = converted(graph)
    assert "transpose" not in ops(after)
    assert_same(graph, after, 1e-6)


def test_parameters_of_a_moving_axis_keep_the_transpose() -> None:
    net = Net(1, 4, 6, 5)
    x = net.affine(net.op("transpose", net.x, perm=TO_LAST), net.real(6))
    graph = net.done(net.op("transpose", x, perm=TO_FIRST))
    after, _ = converted(graph)
    assert ops(after).count("transpose") == 2
    assert_same(graph, after)


def test_flattened_transpose_orders_the_weight() -> None:
    net = Net(1, 4, 6, 5)
    x = net.op("transpose", net.sign(net.x), perm=TO_LAST)
    graph = net.done(net.dense(net.flatten(x), net.real(7, 120), "y"))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "reshape", "dense"]
    assert_same(graph, after, 1e-6)


def test_reshapes_merge() -> None:
    net = Net(1, 4, 6, 5)
    x = net.op("reshape", net.op("reshape", net.x, shape=(1, 120)), shape=(1, 8, 15))
    graph = net.done(net.op("reshape", net.op("clip", x, low=0.0, high=1.0), shape=(1, 8, 15)))
    after, _ = converted(graph)
    assert ops(after) == ["reshape", "clip"]
    assert_same(graph, after)


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div"])
@pytest.mark.parametrize("constant_first", [False, True])
def test_arithmetic_with_constants(op: str, constant_first: bool) -> None:
    net = Net(1, 4, 6, 5)
    x = net.affine(net.op("clip", net.x, low=0.0, high=1.0), 1.0, 1.5)
    pair: list[str | Array] = [x, net.real(4, 1, 1)]
    operands = pair[::-1] if constant_first else pair
    graph = net.done(net.op(op, *operands, shape=net.graph.shape(x)))
    after, _ = converted(graph)
    assert (op in ops(after)) == (op == "div" and constant_first)
    assert_same(graph, after, 1e-6)


def test_division_by_zero_stays() -> None:
    net = Net(1, 4, 6, 5)
    graph = net.done(net.op("div", net.x, np.array([[[0]], [[1]], [[2]], [[3]]], np.float32)))
    assert ops(converted(graph)[0]) == ["div"]


def test_affines_merge() -> None:
    net = Net(1, 4, 6, 5)
    graph = net.done(net.bn(net.bn(net.bn(net.x))))
    after, _ = converted(graph)
    assert ops(after) == ["affine"]
    assert after.nodes[0].sources == ["n0", "n1", "n2"]
    assert_same(graph, after, 1e-6)


def test_affine_with_other_readers_is_kept() -> None:
    net = Net(1, 4, 6, 5)
    x = net.bn(net.x)
    graph = net.done(net.bn(x), net.op("clip", x, low=0.0, high=1.0))
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["affine", "affine", "clip"]
    assert_same(graph, after)


def test_equal_nodes_become_one() -> None:
    net = Net(1, 4, 6, 5)
    a = net.affine(net.x, 2.0, 1.0)
    b = net.affine(net.x, 2.0, 1.0)
    c = net.affine(net.x, 2.0, 1.5)
    graph = net.done(net.op("add", net.op("tanh", a), net.op("exp", b)), net.op("abs", c))
    after, _ = converted(graph)
    assert ops(after).count("affine") == 2
    assert_same(graph, after)


def test_equal_layers_stay_two() -> None:
    """Each has its row in the report."""
    net = Net(1, 4, 6, 5)
    weight = net.signs(4, 4, 3, 3)
    graph = net.done(net.conv(net.x, weight, "a"), net.conv(net.x, weight, "b"))
    _, report = converted(graph)
    assert [r.output for r in report.rows] == ["a", "b"]
