# SPDX-License-Identifier: BSD-3-Clause
"""The source of a conversion with the changes that the conversion made on purpose: `changed`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converter.onnx_file import inline
from converter.onnx_import import label
from converter.report import Report


def changed(source: Path | onnx.ModelProto, report: Report, zero: int) -> onnx.ModelProto:
    """The source with the signs that were inserted, the weights that were forced, and `zero` for Sign(0) where decided."""
    proto = inline(onnx.load(str(source)) if isinstance(source, Path) else source)
    _replace_signs(proto.graph, report.zeros, zero)
    for row in report.rows:
        _binarise(proto.graph, row.output, row.inserted_sign, row.forced)
    return proto


def _two_valued(graph: onnx.GraphProto, x: str, y: str, zero: int) -> list[onnx.NodeProto]:
    """y = x >= 0 ? +1 : -1 (zero = -1: x > 0) of operators that every opset has."""
    names = [f"{y}:{part}" for part in ("zero", "two", "one", "compared", "float", "doubled")]
    for name, value in zip(names[:3], (0, -2 * zero, zero), strict=True):
        graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    compare = "Less" if zero > 0 else "Greater"
    return [
        helper.make_node(compare, [x, names[0]], [names[3]]),
        helper.make_node("Cast", [names[3]], [names[4]], to=TensorProto.FLOAT),
        helper.make_node("Mul", [names[4], names[1]], [names[5]]),
        helper.make_node("Add", [names[5], names[2]], [y]),
    ]


def _insert(graph: onnx.GraphProto, at: int, nodes: list[onnx.NodeProto]) -> None:
    for offset, node in enumerate(nodes):
        graph.node.insert(at + offset, node)


def _replace_signs(graph: onnx.GraphProto, labels: Sequence[str], zero: int) -> None:
    """Sign(0) becomes `zero` in the nodes named. A Pad in front moves behind, because its own 0 stays 0."""
    pads = {n.output[0]: n for n in graph.node if n.op_type == "Pad"}
    for node in [n for n in graph.node if n.op_type == "Sign" and label(n) in labels]:
        at = list(graph.node).index(node)
        x, y = node.input[0], node.output[0]
        if x in pads:
            unpadded = f"{y}:unpadded"
            pad = onnx.NodeProto.FromString(pads[x].SerializeToString())
            source, pad.input[0], pad.output[0], pad.name = pad.input[0], unpadded, y, ""
            nodes = [*_two_valued(graph, source, unpadded, zero), pad]
        else:
            nodes = _two_valued(graph, x, y, zero)
        graph.node.remove(node)
        _insert(graph, at, nodes)


def _binarise(graph: onnx.GraphProto, output: str, sign: bool, forced: bool) -> None:
    """Put a sign in front of the input (sign) and of the weight (forced) of the node that writes `output`."""
    for index, wanted in enumerate((sign, forced)):
        if wanted:
            node = next(n for n in graph.node if output in n.output)
            signed = f"{output}:signed:{index}"
            nodes = _two_valued(graph, node.input[index], signed, 1)
            node.input[index] = signed
            _insert(graph, list(graph.node).index(node), nodes)
