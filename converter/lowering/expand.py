# SPDX-License-Identifier: BSD-3-Clause
"""Broadcasting that no step can do: the operand is repeated by a slice with steps of 0 first; constants by numpy."""

from __future__ import annotations

import numpy as np

from converter.graph import Graph, Node
from converter.lowering.fusion import OF_TWO, takes
from converter.ops.registry import Shape


def expand(graph: Graph, node: Node) -> list[Node]:
    """The node, such that it is a step of one of its operands, behind the slices that this takes."""
    if node.op not in OF_TWO or graph.values[node.output].dtype != np.float32:
        return [node]
    shape = graph.shape(node.output)
    inputs = [_constant(graph, name, shape) for name in node.inputs]
    node = Node(node.op, inputs, node.outputs, node.attrs, node.sources)
    slices: list[Node] = []
    for at, name in enumerate(inputs):
        if any(takes(graph, node, operand) for operand in inputs):
            break
        if graph.shape(name) != shape:
            slices.append(_repeat(graph, name, shape, node.sources))
            node.inputs[at] = slices[-1].output
    return [*slices, node]


def _constant(graph: Graph, name: str, shape: Shape) -> str:
    """A constant in the rank of the result."""
    data = graph.const(name)
    if data is None or data.ndim == len(shape):
        return name
    return graph.add_const(data.reshape((1,) * (len(shape) - data.ndim) + data.shape), name)


def _repeat(graph: Graph, name: str, shape: Shape, sources: list[str]) -> Node:
    """A slice that repeats a value along its axes of size 1."""
    source = graph.shape(name)
    source = (1,) * (len(shape) - len(source)) + source
    steps = tuple(int(a == b) for a, b in zip(source, shape, strict=True))
    output = graph.add_value(graph.fresh(name), shape).name
    return Node("slice", [name], [output], {"starts": (0,) * len(shape), "steps": steps}, sources)
