# SPDX-License-Identifier: BSD-3-Clause
"""Random networks: whatever the passes make of them, the result is the same, bit for bit.

All numbers are small multiples of powers of two, so that no sum rounds in any order and comparisons meet equality often.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter.passes import Mode
from ir_builder import Array, Net, converted, outputs

ZERO = np.float32(0)


class RandomNet(Net):
    """Grows by one random layer at a time."""

    def pick(self, *choices: float) -> float:
        return float(self.rng.choice(np.array(choices)))

    def quarters(self, *shape: int) -> Array:
        result: Array = (self.rng.integers(-8, 9, shape) / 4).astype(np.float32)
        return result

    def scale(self, x: str) -> str:
        count = self.channels(x)
        factors = self.rng.choice(np.array([-2, -1, -0.5, 0, 0.5, 1, 1, 1, 2]), count)
        return self.affine(x, factors, self.quarters(count))

    def any_sign(self, x: str) -> str:
        kind = int(self.rng.integers(6))
        if kind == 0:
            bits = self.op("cast", self.op("greater", x, ZERO), dtype="float32")
            return self.affine(bits, 2.0, -1.0) if self.rng.random() < 0.7 else bits
        if kind == 1:
            return self.op("sign", self.affine(self.op("sign", x), 1.0, self.pick(-0.5, 0.5)))
        if kind == 2:
            limits = self.quarters(self.channels(x), *(1,) * (len(self.graph.shape(x)) - 2))
            return self.op("where", self.op("less", x, limits), np.float32(1), np.float32(-1))
        if kind == 3:
            bounded = self.op("clip", x, low=-1.0, high=1.0)
            return self.op("add", self.op("sub", self.sign(x), bounded), bounded)
        return self.sign(x if kind == 4 else self.scale(x))

    def any_conv(self, x: str) -> str:
        if min(self.graph.shape(x)[2:]) < 4:
            x = self.pad(x, 0.0, 2)
        channels = self.channels(x)
        size = int(self.rng.choice([1, 2, 3]))
        outputs = int(self.rng.choice([2, 4, 6]))
        groups = 2 if channels % 2 == 0 and self.rng.random() < 0.2 else 1
        weight = self.signs(outputs, channels // groups, size, size)
        kind = self.rng.random()
        if kind < 0.3:
            weight = self.quarters(*weight.shape)
        elif kind < 0.6:
            weight *= self.rng.choice(np.array([0.5, 1, 2], np.float32), (outputs, 1, 1, 1))
        if self.rng.random() < 0.4:
            x = self.pad(x, self.pick(-1, -1, 0, 1), *(int(p) for p in self.rng.integers(0, 3, 4)))
        pads = (
            tuple(int(p) for p in self.rng.integers(0, 2, 4))
            if self.rng.random() < 0.4
            else (0,) * 4
        )
        y = self.conv(x, weight, strides=(1, int(self.pick(1, 1, 2))), pads=pads, groups=groups)
        self.graph.nodes[-1].attrs["weight_source"] = str(self.rng.choice(["sign", "other"]))
        return y

    def grow(self, x: str) -> str:
        if min(self.graph.shape(x)[2:]) < 4:
            return self.any_conv(x)
        makers: list[Callable[[str], str]] = [
            self.any_sign,
            self.any_sign,
            self.any_conv,
            self.any_conv,
            self.scale,
            lambda v: self.op("clip", v, low=self.pick(-1, 0), high=self.pick(1, 2, np.inf)),
            lambda v: self.op("prelu", v, self.quarters(self.channels(v))),
            self.pool,
            lambda v: self.op("add", v, self.scale(v)),
            lambda v: self.op("concat", v, self.any_sign(v), axis=1),
            lambda v: self.op("transpose", v, perm=(0, 1, 3, 2)),
        ]
        return makers[int(self.rng.integers(len(makers)))](x)


def random_network(seed: int) -> RandomNet:
    net = RandomNet(1, 4, 7, 6, seed=seed)
    x, kept = net.x, list[str]()
    for _ in range(int(net.rng.integers(4, 12))):
        x = net.grow(x)
        if net.rng.random() < 0.1:
            kept.append(x)
        if net.rng.random() < 0.3:
            x = net.any_conv(net.any_sign(x))
    if net.rng.random() < 0.5:
        flat = net.flatten(net.any_sign(x))
        x = net.scale(net.dense(flat, net.signs(5, net.channels(flat))))
    net.done(*dict.fromkeys([x, *kept]))
    return net


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("seed", range(20))
def test_same_result(seed: int, mode: Mode) -> None:
    net = random_network(seed)
    graph = net.graph
    after, report = converted(graph, mode)
    if not report.changed:
        for _ in range(3):
            x = net.quarters(1, 4, 7, 6)
            for want, got in zip(outputs(graph, x), outputs(after, x), strict=True):
                np.testing.assert_array_equal(got, want)
    layers = sum(node.op in ("conv", "dense") for node in graph.nodes)
    assert len(report.rows) == layers
