# SPDX-License-Identifier: BSD-3-Clause
"""From the graph to the bytes of a .dab file: `lower`.

The graph has ONNX's axis order; the file has images channels-last, packed weights, and ops that end in steps.

1. Reshapes and transposes in front of dense layers go into the order of the weights.
2. What every value is needed as (floats, bits) is found from its readers (lowering/needs.py).
3. Node after node becomes an op (lowering/ops.py); elementwise nodes are taken up by the op before them (lowering/fusion.py);
   axis orders are changed only where somebody looks at them (lowering/storage.py).
4. Activations are placed (memory.py); of several orders of the nodes the one with the smallest arena is taken, of equals
   the one with the fewest ops.
"""

from __future__ import annotations

import math

import numpy as np

from converter import dab
from converter.errors import ConversionError
from converter.graph import Array, Graph, Node
from converter.lowering.axes import native, storage_dims
from converter.lowering.builder import Builder
from converter.lowering.expand import expand
from converter.lowering.needs import VIEWS, Needs
from converter.lowering.ops import Lowering
from converter.lowering.schedule import depth_first, orders
from converter.report import Lowered, Report


def lower(graph: Graph, metadata: dict[str, str], report: Report | None = None) -> bytes:
    """Return the .dab file of a graph, which is not changed. A report learns sizes, and what each layer's op does.

    Raises ConversionError naming the node (or value) for whatever the file cannot express.
    """
    work, nodes = _prepare(graph)
    nodes = depth_first(work, nodes)
    needs = Needs(work, nodes)
    built = [_build(work, order, needs, metadata) for order in orders(work, nodes, needs)]
    best, layers = min(built, key=lambda found: (found[0].activation_bytes, len(found[0].ops)))
    try:
        data = dab.write(best)
        dab.read(data)
    except dab.DabError as error:
        raise ConversionError(f"{_where(best, error)}: {error.what}") from error
    if report is not None:
        report.lowered(len(data), best.activation_bytes, layers)
    return data


def _where(model: dab.Model, error: dab.DabError) -> str:
    """The source of the row that an error names."""
    if error.place in (dab.Place.OP, dab.Place.OPERAND, dab.Place.ATTRIBUTE):
        op = model.ops[error.index]
        return f"node '{op.name}' ({op.kind.name.lower()})"
    if error.place in (dab.Place.TENSOR, dab.Place.DATA):
        name = model.tensors[error.index].name
        return f"value '{name}'" if name else f"constant {error.index} of the file"
    return "the model is too large for a .dab file"


def _build(
    graph: Graph, nodes: list[Node], needs: Needs, metadata: dict[str, str]
) -> tuple[dab.Model, dict[str, Lowered]]:
    """The file's content for one order of the nodes, and what became of each layer."""
    builder = Builder(metadata)
    lowering = Lowering(graph, needs, builder)
    storage = lowering.storage
    for name in graph.inputs:
        index = storage.tensor(name, dab.Type.F32, graph.shape(name) or (1,))
        storage.register(name, dab.Type.F32, index, native(graph.shape(name)))
        builder.inputs.append(index)
    for node in nodes:
        lowering.node(node)
    for name in graph.outputs:
        shape = graph.shape(name)
        index = storage.floats(name, native(shape), shape or (1,))
        tensor = builder.tensors[index]
        if tensor.constant or index in builder.inputs or index in builder.outputs:
            copy = builder.activation(dab.Type.F32, tensor.dims, name)
            builder.op(dab.Kind.RESHAPE, [index], [copy], name=name)
            index = copy
        builder.tensors[index].name = name
        builder.outputs.append(index)
    return builder.finish(), lowering.fusion.layers


# -- preparation --


def _prepare(graph: Graph) -> tuple[Graph, list[Node]]:
    """A copy whose dense layers of one row read through reshapes and transposes (weights [O, *shape of what they read]), and
    whose operands are repeated where a step cannot do it."""
    for value in graph.values.values():
        _check_value(graph, value.name)
    work = Graph(graph.name)
    work.values, work.inputs, work.outputs = dict(graph.values), graph.inputs, graph.outputs
    work.nodes = graph.nodes
    writers = {node.output: node for node in graph.nodes}
    nodes = [_through_views(work, node, writers) for node in graph.nodes]
    return work, [part for node in nodes for part in expand(work, node)]


def _check_value(graph: Graph, name: str) -> None:
    value = graph.values[name]
    if value.const is None and math.prod(value.shape) == 0:
        raise ConversionError(f"value '{name}' is empty, its shape is {list(value.shape)}")
    if name in graph.inputs and value.dtype != np.float32:
        raise ConversionError(f"input '{name}' has type {value.dtype}; only float32 is supported")


def _through_views(graph: Graph, node: Node, writers: dict[str, Node]) -> Node:
    if node.op not in ("dense", "bdense", "qdense") or graph.shape(node.inputs[0])[0] != 1:
        return node
    source, weights = node.inputs[0], graph.const(node.inputs[1])
    if weights is None:
        return node  # refused where it is lowered
    weights = weights.reshape(len(weights), *graph.shape(source))
    while (view := writers.get(source)) is not None and view.op in VIEWS:
        behind = graph.shape(view.inputs[0])
        if len(behind) < 2 or len(storage_dims(behind)) != 3:
            break
        weights = _before(view, weights, behind)
        source = view.inputs[0]
    return Node(
        node.op,
        [source, graph.add_const(weights, "weights")],
        node.outputs,
        node.attrs,
        node.sources,
    )


def _before(view: Node, weights: Array, shape: tuple[int, ...]) -> Array:
    """Weights [O, *shape before the view] from those for the value behind it."""
    if view.op == "reshape":
        return np.asarray(weights.reshape(len(weights), *shape))
    perm = view.attrs["perm"]
    return np.asarray(weights.transpose(0, *(1 + perm.index(axis) for axis in range(len(perm)))))
