# SPDX-License-Identifier: BSD-3-Clause
"""Transposes cancel: those of networks from channels-last frameworks stand in pairs around every convolution.

    x -> transpose(p) -> transpose(q) -> y                     x -> transpose(p[q]) -> y
    x -> transpose(p) -> elementwise(constants) -> y           x -> elementwise(constants transposed back) -> transpose(p) -> y
    x [1, ...] -> transpose(p) -> reshape [1, K] -> dense(w)   x -> reshape [1, K] -> dense(columns of w in x's order)

    input -> elementwise ... -> transpose(p) -> y              input -> transpose(p) -> transpose(back) -> elementwise ... -> y

The second also for pad, slice and concat, and for several activations that come from equal transposes. The last one lets what
is done to a channels-last graph input see its channels: the transpose back moves behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Graph, Node
from converter.passes.region import ELEMENTWISE, PARAMETRIC
from converter.passes.rule import Rule, channels, uniform


@dataclass
class Pair:
    """A transpose and the node that reads it."""

    first: Node
    node: Node


def _transpose_in_front(graph: Graph, name: str) -> Node | None:
    producer = graph.producer(name)
    return producer if producer is not None and producer.op == "transpose" else None


class MergeTransposes(Rule[Pair]):
    """A transpose of a transpose."""

    ops = frozenset({"transpose"})

    def pattern(self, node: Node) -> Pair | None:
        """Two in a row."""
        first = _transpose_in_front(self.graph, node.inputs[0])
        return Pair(first, node) if first is not None else None

    def rewrite(self, match: Pair) -> None:
        """One with both permutations."""
        inner, outer = match.first.attrs["perm"], match.node.attrs["perm"]
        match.node.attrs["perm"] = tuple(inner[axis] for axis in outer)
        match.node.inputs[0] = match.first.inputs[0]


#: What can be computed in front of a transpose, and what sees the second axis as channels.
BETWEEN = ELEMENTWISE | {"pad", "slice", "concat"}
IMAGE = frozenset({"conv", "maxpool", "avgpool"})
#: Attributes with a number for each axis.
BY_AXIS = ("before", "after", "starts", "steps")


class TransposeBehind(Rule[Pair]):
    """Elementwise nodes, pad, slice and concat are computed in front of a transpose."""

    ops = BETWEEN

    def pattern(self, node: Node) -> Pair | None:
        """All its activations are transposed alike."""
        names = [name for name in node.inputs if self.graph.const(name) is None]
        found = [_transpose_in_front(self.graph, name) for name in names]
        first = found[0] if found else None
        if first is None or any(t is None or t.attrs["perm"] != first.attrs["perm"] for t in found):
            return None
        return Pair(first, node)

    def check(self, match: Pair) -> str | None:
        """Its parameters must not be bound to an axis that moves, its constants must fit."""
        node, graph = match.node, self.graph
        perm = match.first.attrs["perm"]
        if match.first.inputs[0] in graph.inputs and perm[1:2] == (len(perm) - 1,):
            return "it brings the channels of a graph input to their place"
        if node.op in PARAMETRIC and match.first.attrs["perm"][1:2] != (1,):
            parameters = [self.constant(name) for name in node.inputs[1:]]
            if not all(uniform(p) for p in parameters) or "zero" in node.attrs:
                return "its parameters differ along an axis that moves"
        ranks = {len(graph.shape(name)) for name in node.inputs if graph.const(name) is None}
        return None if len(ranks) == 1 else "its activations have different ranks"

    def rewrite(self, match: Pair) -> None:
        """Swap them."""
        node, graph, perm = match.node, self.graph, match.first.attrs["perm"]
        back = tuple(int(axis) for axis in np.argsort(perm))
        shape = graph.shape(node.output)
        _turn_axes(node, back)
        if node.op == "concat":
            node.attrs["axis"] = perm[node.attrs["axis"]]
        output, dtype = node.output, graph.values[node.output].dtype
        inner = graph.add_value(graph.fresh(output), [shape[axis] for axis in back], dtype)
        node.inputs = [
            self._in_front(node, name, back, channels(inner.shape)) for name in node.inputs
        ]
        node.outputs = [inner.name]
        sources = list(match.first.sources)
        graph.insert_after(node, Node("transpose", [inner.name], [output], {"perm": perm}, sources))

    def _in_front(self, node: Node, name: str, back: tuple[int, ...], count: int) -> str:
        """What the node reads instead in front of the transpose, where its result has `count` channels."""
        if self.graph.const(name) is not None:
            return _turned_constant(self.graph, node, name, back, count)
        producer = self.graph.producer(name)
        assert producer is not None
        return producer.inputs[0]


def _turn_axes(node: Node, perm: tuple[int, ...]) -> None:
    """Attributes of a node whose input is transposed."""
    for name in BY_AXIS:
        if name in node.attrs:
            node.attrs[name] = tuple(node.attrs[name][axis] for axis in perm)


def _turned_constant(graph: Graph, node: Node, name: str, perm: tuple[int, ...], count: int) -> str:
    """A constant of a node whose activations are transposed and then have `count` channels."""
    data = graph.const(name)
    assert data is not None
    if node.op in PARAMETRIC:
        same = data if len(data) == count else np.full(count, data[0], data.dtype)
        return graph.add_const(same, "parameter")
    data = data.reshape((1,) * (len(perm) - data.ndim) + data.shape)
    return graph.add_const(np.ascontiguousarray(data.transpose(perm)), "constant")


@dataclass
class Turned:
    """A transpose, and the graph inputs from which elementwise nodes (and the like) lead to it."""

    node: Node
    inputs: list[str]


class TransposeAtInput(Rule[Turned]):
    """Graph inputs are transposed at once; what the nodes between want is their transpose back, which moves behind them."""

    ops = frozenset({"transpose"})

    def pattern(self, node: Node) -> Turned | None:
        """Graph inputs in front of a node that a transpose reads."""
        if node.inputs[0] in self.graph.inputs:
            return None
        found, waiting, seen = list[str](), [node.inputs[0]], set[str]()
        while waiting:
            name = waiting.pop()
            producer = self.graph.producer(name)
            if name in self.graph.inputs and name not in found:
                found.append(name)
            if name not in seen and producer is not None and producer.op in BETWEEN:
                waiting += producer.inputs
            seen.add(name)
        return Turned(node, found) if found else None

    def check(self, match: Turned) -> str | None:
        """All inputs have the rank of the transpose, and nothing sees them as images as they are."""
        rank = len(match.node.attrs["perm"])
        if any(len(self.graph.shape(name)) != rank for name in match.inputs):
            return "an input has another rank"
        waiting, seen = list(match.inputs), set[str]()
        while waiting:
            name = waiting.pop()
            for reader in self.graph.consumers(name):
                if reader.op in IMAGE:
                    return f"{reader.describe()} reads an image as it comes in"
                if reader.op in BETWEEN and reader.output not in seen:
                    seen.add(reader.output)
                    waiting.append(reader.output)
        return None

    def rewrite(self, match: Turned) -> None:
        """input -> transpose -> transpose back -> what read the input."""
        graph, perm = self.graph, match.node.attrs["perm"]
        back = tuple(int(axis) for axis in np.argsort(perm))
        for name in match.inputs:
            shape, dtype = graph.shape(name), graph.values[name].dtype
            turned = graph.add_value(graph.fresh(name), [shape[axis] for axis in perm], dtype).name
            again = graph.add_value(graph.fresh(name), shape, dtype).name
            graph.replace_uses(name, again)
            sources = list(match.node.sources)
            graph.nodes[:0] = [
                Node("transpose", [name], [turned], {"perm": perm}, sources),
                Node("transpose", [turned], [again], {"perm": back}, sources),
            ]


class TransposeIntoDense(Rule[Pair]):
    """A flattened transpose in front of a dense layer is a matter of the order of its weight's columns."""

    ops = frozenset({"dense"})

    def pattern(self, node: Node) -> Pair | None:
        """transpose -> reshape -> dense."""
        flat = self.graph.producer(node.inputs[0])
        if flat is None or flat.op != "reshape":
            return None
        first = _transpose_in_front(self.graph, flat.inputs[0])
        return Pair(first, node) if first is not None else None

    def check(self, match: Pair) -> str | None:
        """One row: everything is flattened."""
        return None if self.graph.shape(match.node.inputs[0])[0] == 1 else "it has several rows"

    def rewrite(self, match: Pair) -> None:
        """Reorder the columns; flatten what is in front of the transpose."""
        graph, node = self.graph, match.node
        x, perm = match.first.inputs[0], match.first.attrs["perm"]
        weight = self.constant(node.inputs[1])
        shape = graph.shape(x)
        order = np.arange(weight.shape[1]).reshape(shape).transpose(perm).ravel()
        reordered = np.empty_like(weight)
        reordered[:, order] = weight
        node.inputs[1] = graph.add_const(reordered, "weight")
        flat = graph.add_value(graph.fresh(node.inputs[0]), (1, weight.shape[1]))
        graph.insert_before(node, Node("reshape", [x], [flat.name], {}, []))
        node.inputs[0] = flat.name
