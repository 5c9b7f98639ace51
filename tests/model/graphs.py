# SPDX-License-Identifier: BSD-3-Clause
"""Random graphs of the converter's intermediate representation, as the passes may leave them behind.

All numbers are small integers, halves or quarters: sums are exact in any order, so that results can be compared bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converter.graph import Graph
from ir_builder import Net

Shape = tuple[int, ...]
LARGEST = 4000  # elements of a value


class RandomNet(Net):
    """A graph that grows by random nodes; `two` are the values that hold -1 and +1 only, `dots` integers of binary layers."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        shape = [(1, 1, 6, 5), (1, 3, 6, 5), (1, 4, 5, 4), (1, 12), (4, 6), (1, 5, 4, 3)][
            rng.integers(6)
        ]
        super().__init__(*shape, seed=seed)
        self.rng = rng
        self.values = [self.x]
        self.two: set[str] = set()
        self.dots: set[str] = set()

    def pick(self, *values: int) -> int:
        return int(self.rng.choice(values))

    def choose(self, *tests: Callable[[str], bool]) -> str | None:
        """A value that passes the tests, later ones more often."""
        found = [name for name in self.values if all(test(name) for test in tests)]
        return found[int(len(found) * self.rng.random() ** 0.5)] if found else None

    def image(self, name: str) -> bool:
        shape = self.graph.shape(name)
        return len(shape) == 4 and shape[0] == 1

    def matrix(self, name: str) -> bool:
        return len(self.graph.shape(name)) == 2

    def whole(self, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return self.rng.integers(-2, 3, shape).astype(np.float32)

    def int8(self, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
        return self.signs(*shape).astype(np.int8)

    def keep(self, name: str, two: bool = False) -> str:
        self.values.append(name)
        if two:
            self.two.add(name)
        return name

    def small(self, name: str) -> str:
        """Clipped, so that numbers stay small."""
        return self.keep(self.op("clip", name, low=-16.0, high=16.0))

    # -- nodes --

    def window(self, x: str) -> dict[str, Any]:
        height, width = self.graph.shape(x)[2:]
        pads = tuple(self.pick(0, 0, 1, 2) for _ in range(4))
        kernel = (
            self.pick(*range(1, min(3, height + pads[0] + pads[2]) + 1)),
            self.pick(*range(1, min(3, width + pads[1] + pads[3]) + 1)),
        )
        strides = (self.pick(1, 1, 2), self.pick(1, 1, 2))
        return {"kernel": kernel, "strides": strides, "dilations": (1, 1), "pads": pads}

    def add_conv(self) -> None:
        binary = self.rng.random() < 0.6
        x = self.choose(self.image, *([self.two.__contains__] if binary else []))
        if x is None:
            return
        attrs = self.window(x)
        channels, kernel = self.channels(x), attrs.pop("kernel")
        groups = self.pick(1, 1, 2) if channels % 2 == 0 else 1
        shape = (groups * self.pick(1, 2, 3, 9), channels // groups, *kernel)
        if binary:
            attrs["border"] = self.pick(-1, 0, 1)
        weights = self.int8(*shape) if binary or self.rng.random() < 0.3 else self.whole(*shape)
        op = "bconv" if binary else "conv"
        self.layer(self.op(op, x, weights, groups=groups, **attrs), binary)

    def add_dense(self) -> None:
        binary = self.rng.random() < 0.6
        x = self.choose(self.matrix, *([self.two.__contains__] if binary else []))
        if x is None:
            return
        shape = (self.pick(1, 3, 9, 10), self.graph.shape(x)[1])
        weights = self.int8(*shape) if binary or self.rng.random() < 0.3 else self.whole(*shape)
        self.layer(self.op("bdense" if binary else "dense", x, weights), binary)

    def layer(self, name: str, binary: bool) -> None:
        if binary:
            self.dots.add(self.keep(name))
        else:
            self.small(name)

    def add_elementwise(self) -> None:
        x = self.choose()
        assert x is not None
        kind = self.pick(0, 1, 2)
        count = self.channels(x)
        if kind == 0:
            mul = self.rng.choice(np.array([-1, -0.5, 0, 0.5, 1, 1], np.float32), count)
            self.small(self.op("affine", x, mul, self.whole(count) / 2))
        elif kind == 1:
            self.keep(self.op("clip", x, low=self.pick(-3, 0), high=self.pick(1, 6)))
        else:
            slope = self.rng.choice(np.array([-1, 0, 0.5], np.float32), count)
            self.small(self.op("prelu", x, slope))

    def add_two(self) -> None:
        """Arithmetic of two values, of which the second may be repeated along some axes, in any order."""
        x = self.choose()
        assert x is not None
        shape = self.graph.shape(x)
        y = self.choose(lambda name: self.graph.shape(name) == shape)
        assert y is not None
        if self.rng.random() < 0.5:
            sizes = [self.pick(1, d) for d in shape]
            y = self.op("slice", y, shape=sizes, starts=(0,) * len(shape), steps=(1,) * len(shape))
        pair = (x, y) if self.rng.random() < 0.5 else (y, x)
        kind = ("add", "add", "sub", "max", "min", "mul")[self.pick(*range(6))]
        result = self.op(kind, *pair)
        self.small(self.op("round", result) if kind == "mul" else result)

    def add_function(self) -> None:
        x = self.choose()
        assert x is not None
        self.keep(self.op(("abs", "floor", "ceil", "round")[self.pick(*range(4))], x))

    def add_gather(self) -> None:
        x = self.choose(self.image)
        if x is None:
            return
        rows, columns = (
            tuple(self.pick(*range(size)) for _ in range(self.pick(1, 3, 5)))
            for size in self.graph.shape(x)[2:]
        )
        name = self.op("gather2d", x, rows=rows, columns=columns)
        self.keep(name, two=x in self.two)

    def add_quantise(self) -> None:
        x = self.choose()
        assert x is not None
        count = self.channels(x)
        if x in self.dots and self.rng.random() < 0.7:
            name = self.op("threshold", x, self.rng.integers(-3, 4, count).astype(np.int32))
        else:
            plain = self.rng.random() < 0.5
            threshold = np.zeros(count, np.float32) if plain else self.whole(count) / 2
            flip = np.zeros(count, bool) if plain else self.rng.random(count) < 0.3
            name = self.op("quantise", x, threshold, flip)
        self.keep(name, two=True)

    def add_pool(self) -> None:
        x = self.choose(self.image)
        if x is None or min(self.graph.shape(x)[2:]) < 2:
            return
        kernel = (2, self.pick(1, 2))
        strides = (self.pick(1, 2), self.pick(1, 2))
        attrs = {"kernel": kernel, "strides": strides, "pads": (self.pick(0, 1), 0, 0, 0)}
        if self.rng.random() < 0.3:
            self.small(self.op("avgpool", x, count_pad=True, **attrs))
        elif x in self.two and self.rng.random() < 0.7:
            flip = self.rng.random(self.channels(x)) < 0.3
            self.keep(self.op("bmaxpool", x, flip, dilations=(1, 1), **attrs), two=True)
        else:
            self.keep(self.op("maxpool", x, dilations=(1, 1), **attrs), two=x in self.two)

    def add_concat(self) -> None:
        x = self.choose()
        assert x is not None
        shape = self.graph.shape(x)
        if 2 * np.prod(shape) > LARGEST:
            return
        y = self.choose(lambda name: self.graph.shape(name) == shape)
        assert y is not None
        axis = self.pick(*range(len(shape)))
        self.keep(self.op("concat", x, y, axis=axis), two={x, y} <= self.two)

    def add_transpose(self) -> None:
        x = self.choose()
        assert x is not None
        perm = tuple(int(axis) for axis in self.rng.permutation(len(self.graph.shape(x))))
        self.keep(self.op("transpose", x, perm=perm), two=x in self.two)

    def add_reshape(self) -> None:
        x = self.choose()
        assert x is not None
        shape = self.graph.shape(x)
        size, channels = int(np.prod(shape)), self.channels(x)
        rest = size // channels
        targets: list[Shape] = [
            (1, size),
            (1, size),
            (1, size, 1, 1),
            (1, channels, rest),
            (1, channels, 1, rest),
        ]
        if channels % 2 == 0 and len(shape) == 4:
            targets += [(shape[0], 2, channels // 2, *shape[2:])] * 2
        if len(shape) == 5:
            targets += [(shape[0], shape[1] * shape[2], *shape[3:])] * 4
        target = targets[int(self.rng.integers(len(targets)))]
        if len(target) <= 6:
            self.keep(self.op("reshape", x, shape=target), two=x in self.two)

    def add_shuffle(self) -> None:
        """Channel shuffle in its three nodes."""
        x = self.choose(self.image, lambda name: self.channels(name) % 2 == 0)
        if x is None:
            return
        _, channels, height, width = self.graph.shape(x)
        split = self.op("reshape", x, shape=(1, 2, channels // 2, height, width))
        moved = self.op("transpose", split, perm=(0, 2, 1, 3, 4))
        self.keep(self.op("reshape", moved, shape=(1, channels, height, width)), two=x in self.two)

    def add_pad(self) -> None:
        x = self.choose(lambda name: int(np.prod(self.graph.shape(name))) < LARGEST // 4)
        if x is None:
            return
        rank = len(self.graph.shape(x))
        before, after = (tuple(self.pick(0, 0, 0, 1) for _ in range(rank)) for _ in range(2))
        value = float(self.pick(-1, 0, 1))
        self.keep(
            self.op("pad", x, before=before, after=after, value=value),
            two=x in self.two and value != 0,
        )

    def add_slice(self) -> None:
        x = self.choose()
        assert x is not None
        shape = self.graph.shape(x)
        starts = tuple(self.pick(*range(min(2, d))) for d in shape)
        steps = tuple(self.pick(1, 1, 1, 2, 0, -1) for _ in shape)
        sizes = [
            {0: self.pick(1, 2), -1: a + 1}.get(by) or (d - a - 1) // by + 1
            for d, a, by in zip(shape, starts, steps, strict=True)
        ]
        self.keep(self.op("slice", x, shape=sizes, starts=starts, steps=steps), two=x in self.two)


def random_graph(seed: int, nodes: int = 14) -> Graph:
    """A graph of about that many nodes; all values that nobody reads, and some others, are outputs."""
    net = RandomNet(seed)
    adders = [getattr(net, name) for name in dir(net) if name.startswith("add_")]
    weights = [
        4.0 if a.__name__ in ("add_conv", "add_quantise", "add_dense") else 1.0 for a in adders
    ]
    shares = np.array(weights) / sum(weights)
    while len(net.graph.nodes) < nodes:
        adders[int(net.rng.choice(len(adders), p=shares))]()
    read = {name for node in net.graph.nodes for name in node.inputs}
    outputs = [
        node.output for node in net.graph.nodes if node.output not in read or net.rng.random() < 0.1
    ]
    return net.done(*outputs)
