# SPDX-License-Identifier: BSD-3-Clause
"""Who reads each value, and in which form: floats (Type.F32), bits (Type.BITS) or 8-bit numbers (Type.I8)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from converter.dab_model import MAX_DOT, Type
from converter.graph import Graph, Node
from converter.layout import NARROW
from converter.lowering.axes import canonical
from converter.lowering.storage import keeps_bits, view_order

VIEWS = ("transpose", "reshape")


def is_narrow(conv: Node, weight: tuple[int, ...]) -> bool:
    """Whether a convolution with a weight of this shape has groups of so few channels that bits would be mostly padding."""
    return conv.attrs["groups"] > 1 and weight[1] <= NARROW


def runs_binary(graph: Graph, node: Node) -> bool:
    """Whether a bconv or bdense becomes a binary op: its dot products are short enough, its groups not too narrow."""
    shape = graph.shape(node.inputs[1])
    if node.op == "bconv" and is_narrow(node, shape):
        return False
    return math.prod(shape[1:]) <= MAX_DOT


def reads_numbers(node: Node) -> bool:
    """Whether its input is 8-bit numbers; a layer without a zero point makes them itself."""
    return node.op in ("qconv", "qdense") and node.attrs["zero"] is not None


class Needs:
    """The readers of every value, and the forms they ask for; results that nobody needs ask for nothing."""

    def __init__(self, graph: Graph, nodes: Sequence[Node]) -> None:
        self.graph = graph
        self._readers: dict[str, list[Node]] = {}
        for node in nodes:
            for name in dict.fromkeys(node.inputs):
                self._readers.setdefault(name, []).append(node)
        self._numbers = {node.output for node in nodes if node.op == "to_int8"}
        self._needs: dict[str, set[Type]] = {}
        for node in reversed(nodes):
            self._needs[node.output] = self._sum(node.output, ())
        for name in graph.inputs:
            self._needs[name] = self._sum(name, ())

    def readers(self, name: str) -> list[Node]:
        """The nodes that read a value."""
        return self._readers.get(name, [])

    def of(self, name: str, without: Iterable[Node] = ()) -> set[Type]:
        """The forms in which a value is needed, by others than the nodes in `without`."""
        skipped = tuple(without)
        return self._sum(name, skipped) if skipped else self._needs[name]

    def _sum(self, name: str, without: tuple[Node, ...]) -> set[Type]:
        needed = {Type.F32} if self.graph.is_output(name) else set[Type]()
        for node in self.readers(name):
            if not any(node is other for other in without):
                needed |= self._asked(node, name)
        return needed

    def _asked(self, node: Node, name: str) -> set[Type]:
        """What one reader asks for."""
        needed = self._needs[node.output]
        if not needed:
            return set()
        binary = node.op == "bmaxpool" or (
            node.op in ("bconv", "bdense") and runs_binary(self.graph, node)
        )
        if binary and node.inputs[0] == name:
            return {Type.BITS}
        if (reads_numbers(node) and node.inputs[0] == name) or (
            node.op == "from_int8" and name in self._numbers
        ):
            return {Type.I8}
        if node.op == "gather2d":
            return set(needed)
        if node.op in VIEWS:
            source, target = self.graph.shape(name), self.graph.shape(node.output)
            order = view_order(node, source, target, canonical(source))
            if keeps_bits(source, target, order):
                return set(needed)
        return {Type.F32}
