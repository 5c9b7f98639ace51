# SPDX-License-Identifier: BSD-3-Clause
"""Transposes cancel: those of networks from channels-last frameworks stand in pairs around every convolution.

    x -> transpose(p) -> transpose(q) -> y                     x -> transpose(p[q]) -> y
    x -> transpose(p) -> elementwise(constants) -> y           x -> elementwise(constants transposed back) -> transpose(p) -> y
    x [1, ...] -> transpose(p) -> reshape [1, K] -> dense(w)   x -> reshape [1, K] -> dense(columns of w in x's order)

    input -> elementwise, pad -> transpose(p) -> y             input -> transpose(p) -> elementwise, pad -> y

The second also for pad and concat, and for several activations that come from equal transposes. The last one lets a sign of a
channels-last graph input see its channels.
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


class TransposeBehind(Rule[Pair]):
    """Elementwise nodes, pad and concat are computed in front of a transpose."""

    ops = ELEMENTWISE | {"pad", "concat"}

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
        _turn_pads(node, back)
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


def _turn_pads(node: Node, perm: tuple[int, ...]) -> None:
    """Pads of a node whose input is transposed."""
    if node.op == "pad":
        for side in ("before", "after"):
            node.attrs[side] = tuple(node.attrs[side][axis] for axis in perm)


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
class Chain:
    """A transpose and the nodes between a graph input and it, last one first."""

    node: Node
    nodes: list[Node]


class TransposeAtInput(Rule[Chain]):
    """A graph input is transposed at once, not after some elementwise nodes and pads."""

    ops = frozenset({"transpose"})

    def pattern(self, node: Node) -> Chain | None:
        """Nodes of one activation each, which nobody else reads."""
        graph, nodes, name = self.graph, list[Node](), node.inputs[0]
        while name not in graph.inputs:
            producer = graph.producer(name)
            if producer is None or producer.op not in ELEMENTWISE | {"pad"}:
                return None
            activations = [n for n in producer.inputs if graph.const(n) is None]
            if len(activations) != 1 or not graph.single_use(name):
                return None
            nodes.append(producer)
            (name,) = activations
        return Chain(node, nodes) if nodes else None

    def check(self, match: Chain) -> str | None:
        """As in TransposeBehind."""
        moves = match.node.attrs["perm"][1:2] != (1,)
        for node in match.nodes:
            if moves and node.op in PARAMETRIC:
                if not all(uniform(self.constant(name)) for name in node.inputs[1:]):
                    return "its parameters differ along an axis that moves"
            elif any(
                data.ndim > len(match.node.attrs["perm"])
                for name in node.inputs
                if (data := self.graph.const(name)) is not None
            ):
                return "a constant has more axes than what it meets"
        return None

    def rewrite(self, match: Chain) -> None:
        """The transpose moves to the front; all values behind it have its order of axes."""
        graph, perm = self.graph, match.node.attrs["perm"]
        last = match.node.output
        graph.remove(match.node)
        first = match.nodes[-1]
        (source,) = (n for n in first.inputs if graph.const(n) is None)
        shape = [graph.shape(source)[axis] for axis in perm]
        turned = graph.add_value(graph.fresh(source), shape, graph.values[source].dtype).name
        graph.insert_before(
            first, Node("transpose", [source], [turned], {"perm": perm}, match.node.sources)
        )
        for node in reversed(match.nodes):
            old = node.output
            shape = [graph.shape(old)[axis] for axis in perm]
            new = graph.fresh(old) if node is not match.nodes[0] else last
            if new != last:
                graph.add_value(new, shape, graph.values[old].dtype)
            _turn_pads(node, perm)
            node.inputs = [
                turned
                if graph.const(name) is None
                else _turned_constant(graph, node, name, perm, channels(tuple(shape)))
                for name in node.inputs
            ]
            node.outputs, turned = [new], new


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
