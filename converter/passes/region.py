# SPDX-License-Identifier: BSD-3-Clause
"""Elementwise parts of a graph as functions of one value: y[c] = f(x[c]) for each channel c.

Such a function is evaluated with the operators' own references on rows [n, C]: n values of x for each of C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from converter.functions import Function
from converter.graph import Array, Graph, Node
from converter.ops import OPERATIONS
from converter.passes.rule import channels, uniform

#: Operators whose constants are per-channel parameters [C].
PARAMETRIC = frozenset({"affine", "prelu", "quantise"})
ELEMENTWISE = PARAMETRIC | frozenset(
    (
        *(function.name.lower() for function in Function),
        *("clip", "sign", "neg"),
        *("add", "sub", "mul", "div", "pow", "max", "min", "cast", "not", "and", "or", "where"),
        *("greater", "greater_equal", "less", "less_equal", "equal"),
    )
)


@dataclass(frozen=True)
class Region:
    """The nodes (in order) that compute `output` from `source`, all elementwise."""

    graph: Graph
    source: str
    output: str
    nodes: tuple[Node, ...]

    @property
    def sources(self) -> list[str]:
        """Names of the source model's nodes, in order, each once."""
        return list(dict.fromkeys(name for node in self.nodes for name in node.sources))

    @property
    def width(self) -> int:
        """Channels with functions of their own: C, or 1 if all channels have the same function."""
        constants = (self._parameter(n, c) for n in self.nodes for c in n.inputs if self._known(c))
        zeros = (limit for node in self.nodes for limit in node.attrs.get("zero", ()))
        if all(uniform(data) for data in (*constants, *zeros)):
            return 1
        return channels(self.graph.shape(self.output))

    def _known(self, name: str) -> bool:
        return self.graph.const(name) is not None

    def evaluate(self, x: Array, zero: int = 0) -> Array:
        """f(x) for rows x [n, C] or [n, width], float32. `zero` is what sign functions give for 0 (ONNX: 0)."""
        values = {self.source: x}
        for node in self.nodes:
            operands = [
                self._parameter(node, name)[..., : x.shape[1]]
                if self._known(name)
                else values[name]
                for name in node.inputs
            ]
            values[node.output] = evaluate_node(node, operands, zero)
        return values[self.output]

    def private(self) -> bool:
        """Whether nothing outside reads what the region computes on the way to its output."""
        inside = [node.output for node in self.nodes if node.output != self.output]
        return not any(self.graph.is_output(name) for name in inside) and all(
            any(reader is node for node in self.nodes)
            for name in inside
            for reader in self.graph.consumers(name)
        )

    def knows_zero(self) -> bool:
        """Whether `evaluate` with zero = 0 gives what ONNX gives; a quantise may have lost what was made of a Sign's 0."""
        return all(node.attrs.get("centred", True) for node in self.nodes)

    def landmarks(self) -> Array:
        """Constants of the region: places where its function is likely to change."""
        found = [np.zeros(1, np.float32)]
        for node in self.nodes:
            found += [
                np.array([node.attrs[k]], np.float32) for k in ("low", "high") if k in node.attrs
            ]
            for name in node.inputs:
                data = self.graph.const(name)
                if data is not None and data.dtype == np.float32:
                    found.append(np.unique(data)[:256])
        every = np.unique(np.concatenate(found))
        result: Array = every[np.isfinite(every)]
        return result

    def _parameter(self, node: Node, name: str) -> Array:
        data = self.graph.const(name)
        assert data is not None
        if node.op in PARAMETRIC:
            return data
        row = channel_row(data, self.graph.shape(node.output))
        assert row is not None  # `cuts` has checked
        return row


def evaluate_node(node: Node, operands: list[Array], zero: int = 0) -> Array:
    """One elementwise node on rows [n, C]; constants are [C] (parameters) or rows."""
    if node.op == "sign" and zero:
        return np.where(operands[0] < 0, -1, np.where(operands[0] > 0, 1, zero)).astype(
            operands[0].dtype
        )
    if node.op == "quantise" and "zero" in node.attrs:
        plus, minus = (limit[: operands[1].size] for limit in node.attrs["zero"])
        threshold = {0: operands[1], 1: plus, -1: minus}[zero]
        result = OPERATIONS["quantise"].reference(operands[0], threshold, operands[2])
        if zero == 0:
            first, last = np.minimum(plus, minus), np.maximum(plus, minus)
            result = np.where((operands[0] >= first) & (operands[0] < last), np.float32(0), result)
        return result
    shape = np.broadcast_shapes(*(operand.shape for operand in operands))
    with np.errstate(all="ignore"):
        return OPERATIONS[node.op].reference(*operands, **{**node.attrs, "shape": shape})


def channel_row(data: Array, shape: tuple[int, ...]) -> Array | None:
    """A constant that broadcasts into `shape` as a row [1, C] or [1, 1]; None if it varies beside the channel axis."""
    if data.size == 1:
        return data.reshape(1, 1)
    axis = min(1, len(shape) - 1)
    if data.ndim > len(shape):
        return None
    data = data.reshape((1,) * (len(shape) - data.ndim) + data.shape)
    first = data[tuple(slice(None) if i == axis else slice(0, 1) for i in range(len(shape)))]
    return first.reshape(1, -1) if np.all(data == first) else None


def cuts(graph: Graph, output: str) -> Iterator[Region]:
    """Every region that ends in `output` and has one source, smallest first."""
    order = {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}
    frontier, nodes = {output}, list[Node]()
    while True:
        latest = max(frontier, key=lambda name: order.get(name, -1))
        if latest not in order:
            return
        node = graph.nodes[order[latest]]
        if not _is_elementwise(graph, node, graph.shape(output)):
            return
        nodes.insert(0, node)
        frontier.remove(latest)
        frontier.update(name for name in node.inputs if graph.const(name) is None)
        if len(frontier) == 1:
            yield Region(graph, next(iter(frontier)), output, tuple(nodes))


def _is_elementwise(graph: Graph, node: Node, shape: tuple[int, ...]) -> bool:
    """Whether every element of the node's output depends on the same element of its inputs (and its channel) only."""
    if node.op not in ELEMENTWISE or len(node.outputs) != 1:
        return False
    for name in node.inputs:
        data = graph.const(name)
        if data is None:
            if graph.shape(name) != shape:
                return False
        elif node.op not in PARAMETRIC and channel_row(data, shape) is None:
            return False
    return graph.shape(node.output) == shape
