# SPDX-License-Identifier: BSD-3-Clause
"""Orders in which the nodes of a graph may run; the memory that live values take depends on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from converter.dab_model import Type
from converter.graph import Graph, Node
from converter.lowering.needs import Needs


def orders(graph: Graph, nodes: Sequence[Node], needs: Needs) -> Iterator[list[Node]]:
    """The source model's order, and, where another is possible, one that frees memory as early as it can."""
    yield list(nodes)
    thrifty = _thrifty(graph, nodes, needs)
    if any(a is not b for a, b in zip(nodes, thrifty, strict=True)):
        yield thrifty


def _thrifty(graph: Graph, nodes: Sequence[Node], needs: Needs) -> list[Node]:
    """Of the nodes that can run, always the one that adds least to the live bytes (the earliest of equals)."""
    readers = {name: len(needs.readers(name)) for name in graph.values}
    kept = set(graph.outputs)
    written = {node.output for node in nodes}
    missing = {id(n): len(written.intersection(n.inputs)) for n in nodes}
    ready = [node for node in nodes if not missing[id(node)]]
    place = {id(node): at for at, node in enumerate(nodes)}
    result: list[Node] = []
    while ready:
        node = min(ready, key=lambda n: (_growth(graph, needs, n, readers, kept), place[id(n)]))
        ready.remove(node)
        result.append(node)
        for name in dict.fromkeys(node.inputs):
            readers[name] -= 1
        for reader in needs.readers(node.output):
            missing[id(reader)] -= 1
            if not missing[id(reader)]:
                ready.append(reader)
    return result


def _growth(
    graph: Graph, needs: Needs, node: Node, readers: dict[str, int], kept: set[str]
) -> float:
    """Bytes that a node's result takes less those of the inputs that it reads last."""
    freed = [name for name in dict.fromkeys(node.inputs) if readers[name] == 1 and name not in kept]
    activations = [name for name in freed if graph.const(name) is None]
    return _bytes(graph, needs, node.output) - sum(_bytes(graph, needs, n) for n in activations)


def _bytes(graph: Graph, needs: Needs, name: str) -> float:
    """Bytes of a value in the forms that are needed."""
    sizes = {Type.F32: 4.0, Type.BITS: 0.125}
    return math.prod(graph.shape(name)) * sum(sizes[form] for form in needs.of(name))
