# SPDX-License-Identifier: BSD-3-Clause
"""Orders in which the nodes of a graph may run; the memory that live values take depends on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from converter.dab_model import Type
from converter.graph import Graph, Node
from converter.lowering.needs import Needs

COMPUTING = ("conv", "bconv", "qconv", "dense", "bdense", "qdense")


def orders(graph: Graph, nodes: Sequence[Node], needs: Needs) -> Iterator[list[Node]]:
    """The given order, and others where there are others.

    One frees memory as early as it can; in one, layers run as late as they can, so that an add finds its other operand
    computed and becomes a step of the layer.
    """
    found: list[list[Node]] = []
    for order in (
        list(nodes),
        _by_growth(graph, nodes, needs, late=()),
        _by_growth(graph, nodes, needs, late=COMPUTING),
    ):
        if not any(all(a is b for a, b in zip(order, old, strict=True)) for old in found):
            found.append(order)
            yield order


def depth_first(graph: Graph, nodes: Sequence[Node]) -> list[Node]:
    """What the first output needs, in the order of inputs, then what the next one needs besides, and so on.

    It does not depend on the order of the nodes given, so neither does the file. Nodes that no output needs come last.
    """
    writers = {node.output: node for node in nodes}
    result: list[Node] = []
    seen = set[str]()
    waiting = [(name, False) for name in reversed((*graph.outputs, *writers))]
    while waiting:
        name, complete = waiting.pop()
        if complete:
            result.append(writers[name])
        elif name in writers and name not in seen:
            seen.add(name)
            waiting.append((name, True))
            waiting += [(x, False) for x in reversed(writers[name].inputs)]
    return result


def _by_growth(
    graph: Graph, nodes: Sequence[Node], needs: Needs, late: Sequence[str]
) -> list[Node]:
    """Of the nodes that can run, always the one that adds least to the live bytes, those in `late` after all others.

    The earliest of equals.
    """
    readers = {name: len(needs.readers(name)) for name in graph.values}
    kept = set(graph.outputs)
    written = {node.output for node in nodes}
    missing = {id(n): len(written.intersection(n.inputs)) for n in nodes}
    ready = [node for node in nodes if not missing[id(node)]]
    place = {id(node): at for at, node in enumerate(nodes)}
    result: list[Node] = []
    while ready:
        costs = [
            (node.op in late, _growth(graph, needs, node, readers, kept), place[id(node)])
            for node in ready
        ]
        node = ready[costs.index(min(costs))]
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
    sizes = {Type.F32: 4.0, Type.BITS: 0.125, Type.I8: 1.0}
    return math.prod(graph.shape(name)) * sum(sizes[form] for form in needs.of(name))
