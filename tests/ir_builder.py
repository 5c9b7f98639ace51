# SPDX-License-Identifier: BSD-3-Clause
"""Graphs of the converter's intermediate representation, written down in few words, and what they compute."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from converter import interp, passes
from converter.graph import Graph, Node
from converter.ops import OPERATIONS
from converter.passes import Mode
from converter.report import Report, Row

Array = npt.NDArray[Any]


class Net:
    """A graph under construction; every method returns the name of a value. Nodes are called n0, n1, ..."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        self.graph = Graph("test")
        self.rng = np.random.default_rng(seed)
        self.x = self.input("x", *shape)

    def input(self, name: str, *shape: int) -> str:
        self.graph.add_value(name, shape)
        self.graph.inputs.append(name)
        return name

    def op(self, op: str, *inputs: str | Array, shape: Iterable[int] = (), **attrs: Any) -> str:
        """A node; arrays become constants."""
        names = [i if isinstance(i, str) else self.graph.add_const(i) for i in inputs]
        values = [self.graph.values[name] for name in names]
        rule = OPERATIONS[op]
        shape = tuple(shape) or rule.shape(*(value.shape for value in values), **attrs)
        dtype = np.dtype(attrs["dtype"]) if op == "cast" else rule.dtype or values[-1].dtype
        label = f"n{len(self.graph.nodes)}"
        output = self.graph.add_value(f"{op}{len(self.graph.nodes)}", shape, dtype).name
        self.graph.nodes.append(Node(op, names, [output], attrs, [label]))
        return output

    def channels(self, x: str) -> int:
        shape = self.graph.shape(x)
        return shape[1] if len(shape) > 1 else shape[0]

    def affine(self, x: str, mul: Any = 1.0, add: Any = 0.0) -> str:
        count = self.channels(x)
        row = [np.broadcast_to(np.asarray(c, np.float32), (count,)).copy() for c in (mul, add)]
        return self.op("affine", x, *row)

    def bn(self, x: str, spread: float = 3.0) -> str:
        """A random BatchNormalization, with negative factors too."""
        count = self.channels(x)
        return self.affine(
            x, self.rng.standard_normal(count), spread * self.rng.standard_normal(count)
        )

    def sign(self, x: str) -> str:
        """x >= 0 ? 1 : -1, as PyTorch networks spell it."""
        above = self.op("greater_equal", x, np.float32(0))
        return self.op("where", above, np.float32(1), np.float32(-1))

    def signs(self, *shape: int) -> Array:
        return self.rng.choice(np.array([-1, 1], np.float32), shape)

    def real(self, *shape: int) -> Array:
        return self.rng.standard_normal(shape).astype(np.float32)

    def conv(self, x: str, weight: Array, result: str = "", **attrs: Any) -> str:
        label = f"conv{len(self.graph.nodes)}"
        given = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "groups": 1, **attrs}
        return self.op("conv", x, weight, result=result or label, **given)

    def dense(self, x: str, weight: Array, result: str = "", **attrs: Any) -> str:
        return self.op("dense", x, weight, result=result or f"d{len(self.graph.nodes)}", **attrs)

    def pad(self, x: str, value: float, *pads: int) -> str:
        """Pads (top, left, bottom, right), or one number for all sides."""
        top, left, bottom, right = pads * 4 if len(pads) == 1 else pads
        before, after = (0, 0, top, left), (0, 0, bottom, right)
        return self.op("pad", x, before=before, after=after, value=value)

    def pool(self, x: str, size: int = 2, op: str = "maxpool", pads: int = 0) -> str:
        extra = {"dilations": (1, 1)} if op == "maxpool" else {"count_pad": False}
        return self.op(op, x, kernel=(size, size), strides=(size, size), pads=(pads,) * 4, **extra)

    def flatten(self, x: str) -> str:
        return self.op("reshape", x, shape=(1, int(np.prod(self.graph.shape(x)))))

    def done(self, *outputs: str) -> Graph:
        self.graph.outputs = list(outputs)
        return self.graph


def converted(
    graph: Graph, mode: Mode | str = Mode.AGGRESSIVE, **options: Any
) -> tuple[Graph, Report]:
    """A copy of the graph after the passes, and the report."""
    result = copy.deepcopy(graph)
    report = passes.run(result, mode, **options)
    result.sort()
    return result, report


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def outputs(graph: Graph, *inputs: Array) -> list[Array]:
    values = interp.run(graph, dict(zip(graph.inputs, inputs, strict=True)))
    return [values[name] for name in graph.outputs]


def samples(graph: Graph, count: int = 4, seed: int = 5) -> list[list[Array]]:
    """Random inputs; the last ones hold small integers, so that comparisons meet equality."""
    rng = np.random.default_rng(seed)
    shapes = [graph.shape(name) for name in graph.inputs]
    real = [[rng.standard_normal(s).astype(np.float32) for s in shapes] for _ in range(count)]
    whole = [[rng.integers(-2, 3, s).astype(np.float32) for s in shapes] for _ in range(count)]
    return real + whole


def assert_same(before: Graph, after: Graph, tolerance: float = 0.0, count: int = 4) -> None:
    """Both compute the same, up to `tolerance` of the largest magnitude (0: bit for bit)."""
    assert after.inputs == before.inputs
    assert after.outputs == before.outputs
    for inputs in samples(before, count):
        for want, got in zip(outputs(before, *inputs), outputs(after, *inputs), strict=True):
            assert got.shape == want.shape
            limit = tolerance * float(np.max(np.abs(want)))
            np.testing.assert_allclose(got, want, rtol=0, atol=limit)


def row(report: Report, output: str) -> Row:
    """The row of the layer whose output has this name in the source model."""
    (found,) = [r for r in report.rows if r.output == output]
    return found
