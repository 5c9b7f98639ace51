# SPDX-License-Identifier: BSD-3-Clause
"""Reshapes and transposes between a value and its reader, seen through: any elementwise value in front may change places with
them."""

from __future__ import annotations

from collections.abc import Sequence

from converter.graph import Graph, Node

VIEWS = ("reshape", "transpose")


def behind(graph: Graph, name: str) -> tuple[Node | None, list[Node]]:
    """What makes a value but for views, and the views in the order of the graph."""
    views: list[Node] = []
    node = graph.producer(name)
    while node is not None and node.op in VIEWS:
        views.insert(0, node)
        node = graph.producer(node.inputs[0])
    return node, views


def repeated(graph: Graph, name: str, views: Sequence[Node], anchor: Node) -> str:
    """The same views of another value, in front of `anchor`."""
    for view in views:
        shape = graph.shape(view.output)
        output = graph.add_value(graph.fresh(view.output), shape, graph.values[name].dtype).name
        graph.insert_before(anchor, Node(view.op, [name], [output], dict(view.attrs), view.sources))
        name = output
    return name
