# SPDX-License-Identifier: BSD-3-Clause
"""Placement of activations: no overlaps, and not much more than the largest live set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converter import dab
from converter.graph import Graph
from converter.lower import lower
from converter.memory import Interval, lower_bound, place
from ir_builder import Net
from model.graphs import random_graph


def check(intervals: list[Interval]) -> int:
    offsets, total = place(intervals)
    for i, (a, at) in enumerate(zip(intervals, offsets, strict=True)):
        assert at % 64 == 0
        assert at + a.size <= total
        for b, other in zip(intervals[:i], offsets[:i], strict=True):
            apart = at + a.size <= other or other + b.size <= at
            assert apart or not a.meets(b)
    assert total % 64 == 0
    assert total >= lower_bound(intervals)
    return total


def test_none() -> None:
    assert place([]) == ([], 0)


def test_chain_takes_two_buffers() -> None:
    assert check([Interval(i, i + 1, 640) for i in range(20)]) == 1280


def test_sizes_are_rounded_up() -> None:
    assert check([Interval(0, 1, 1), Interval(0, 1, 65)]) == 192


def test_short_lives_fill_the_gap_under_a_long_one() -> None:
    lives = [Interval(0, 9, 64), *(Interval(i, i, 6400) for i in range(10))]
    assert check(lives) == 6464


@pytest.mark.parametrize("seed", range(20))
def test_random_lives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lives = []
    for _ in range(60):
        first = int(rng.integers(50))
        lives.append(Interval(first, first + int(rng.integers(8)), int(rng.integers(1, 5000))))
    assert check(lives) <= 1.5 * lower_bound(lives)


def lives_of(model: dab.Model) -> list[Interval]:
    return [Interval(t.first, t.last, t.bytes) for t in model.tensors if not t.constant]


def ratio(model: dab.Model) -> float:
    return model.activation_bytes / lower_bound(lives_of(model))


def test_random_graphs() -> None:
    """Small graphs of many sizes are harder than networks."""
    ratios = [ratio(dab.read(lower(random_graph(seed, nodes=30), {}))) for seed in range(40)]
    assert max(ratios) <= 1.2
    assert float(np.mean(ratios)) <= 1.05


def residual_network() -> Graph:
    """ResNet-like: shortcuts over two binary convolutions, three sizes."""
    net = Net(1, 3, 32, 32)
    x = net.bn(net.conv(net.x, net.real(16, 3, 3, 3), pads=(1, 1, 1, 1)))
    for width in (16, 32, 64):
        for block in range(3):
            stride = 2 if width > net.channels(x) else 1
            shortcut = net.pool(x, op="avgpool") if stride == 2 else x
            if stride == 2:
                shortcut = net.op("concat", shortcut, shortcut, axis=1)
            y = binary(net, x, width, stride)
            x = net.op("add", y, shortcut)
            x = net.op("add", binary(net, x, width, 1), x) if block else x
    return net.done(net.dense(net.flatten(x), net.real(10, 64 * 8 * 8)))


def dense_network() -> Graph:
    """DenseNet-like: every layer reads all before it."""
    net = Net(1, 3, 16, 16)
    x = net.conv(net.x, net.real(24, 3, 3, 3), pads=(1, 1, 1, 1))
    for _ in range(12):
        x = net.op("concat", x, binary(net, net.bn(x), 12, 1), axis=1)
    return net.done(net.pool(x, 16, op="avgpool"))


def binary(net: Net, x: str, width: int, stride: int) -> str:
    count = net.channels(x)
    sign = net.op("quantise", x, np.zeros(count, np.float32), np.zeros(count, bool))
    attrs: dict[str, Any] = {"dilations": (1, 1), "pads": (1, 1, 1, 1), "groups": 1, "border": 0}
    weights = net.signs(width, count, 3, 3).astype(np.int8)
    return net.bn(net.op("bconv", sign, weights, strides=(stride, stride), **attrs))


@pytest.mark.parametrize("make", [residual_network, dense_network])
def test_networks(make: Callable[[], Graph]) -> None:
    assert ratio(dab.read(lower(make(), {}))) <= 1.1
