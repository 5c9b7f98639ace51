# SPDX-License-Identifier: BSD-3-Clause
"""x[mask] = value, which PyTorch's newer exporter writes as a scatter to the indices where the mask is true.

    NonZero(mask) -> Transpose -> i,  ScatterND(x, i, Expand(value, ...)) -> y        MaskedFill(mask, value, x) -> y

The number of indices depends on the input, so nothing between can be imported as it stands; the whole is a Where.
"""

from __future__ import annotations

import onnx

from converter.ops.registry import ONNX, PRIVATE

#: What computes indices and repeats the value; it goes where nothing else reads it.
HELPERS = frozenset(("NonZero", "Transpose", "Reshape", "Cast", "ReduceSum", "Expand", "Shape"))


def nodes_of(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes of a graph with MaskedFill in place of such assignments."""
    writers = {name: node for node in graph.node for name in node.output}
    nodes = [_assignment(node, writers) or node for node in graph.node]
    if all(new is old for new, old in zip(nodes, graph.node, strict=True)):
        return nodes
    while True:
        read = {item.name for item in graph.output}.union(*(node.input for node in nodes))
        kept = [n for n in nodes if n.op_type not in HELPERS or read.intersection(n.output)]
        if len(kept) == len(nodes):
            return nodes
        nodes = kept


def _assignment(node: onnx.NodeProto, writers: dict[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    """MaskedFill for a ScatterND whose indices are where a mask is true."""
    if node.op_type != "ScatterND" or node.domain not in ONNX or len(node.input) != 3:
        return None
    if any(attribute.s != b"none" for attribute in node.attribute):  # reduction
        return None
    data, indices, value = node.input
    turned = writers.get(indices)
    found = writers.get(turned.input[0]) if turned and turned.op_type == "Transpose" else None
    if found is None or found.op_type != "NonZero":
        return None
    while value in writers and writers[value].op_type in ("Reshape", "Expand"):
        value = writers[value].input[0]
    inputs = [found.input[0], value, data]
    return onnx.helper.make_node("MaskedFill", inputs, node.output, node.name, domain=PRIVATE)
