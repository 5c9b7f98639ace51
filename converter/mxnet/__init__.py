# SPDX-License-Identifier: BSD-3-Clause
"""Front door for MXNet and BMXNet (v1 and v2): a symbol and its parameters -> an ONNX model in memory.

Neither MXNet nor BMXNet need be installed. `layers.py` and `ops.py` translate the operators.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx

from converter.errors import ConversionError
from converter.mxnet import layers, ops
from converter.mxnet.context import OPERATORS, Context, Network
from converter.mxnet.guess import with_guess
from converter.mxnet.params import read_params
from converter.mxnet.symbol import VARIABLE, Symbol, read_symbol
from converter.onnx_build import NOTE
from converter.ops.registry import Shape

__all__ = ["layers", "ops", "read_mxnet"]


def read_mxnet(data: bytes, params: Path, shapes: Mapping[str, Shape]) -> onnx.ModelProto:
    """The network of a `-symbol.json` and a `.params` file; `shapes`: of inputs, by name.

    The name "" stands for the only input. Where one image has no shape, a usual one is taken, and a note says so.
    Outputs are called as in MXNet: the node's name and `_output`.
    Raises ConversionError, which names the file for what is wrong in the parameters.
    """
    symbol, arrays, notes = read_symbol(data), read_params(params), list[str]()
    model = with_guess(lambda known: _translate(Network(symbol, arrays, known)), shapes, notes)
    for note in notes:
        model.metadata_props.add(key=NOTE, value=note)
    return model


def _translate(network: Network) -> onnx.ModelProto:
    """The model; raises UnknownShapeError where the network's shapes do not suffice."""
    symbol, shapes = network.symbol, network.shapes
    for number in sorted(_needed(symbol)):
        node = symbol.nodes[number]
        if node.op == VARIABLE:
            continue
        operator = OPERATORS.get(node.op)
        if operator is None:
            known = ", ".join(sorted(OPERATORS))
            raise node.error(f"this operator is not supported; there are: {known}")
        results = operator.translate(Context(node, network))
        results = [results] if isinstance(results, str) else results
        network.tensors.update({(number, i): name for i, name in enumerate(results)})
    outputs = []
    for number, index in symbol.heads:
        name = symbol.nodes[number].name + (f"_output{index}" if index else "_output")
        network.builder.emit("Identity", [network.tensor((number, index))], [name])
        outputs.append(name)
    inputs = [item.name for item in network.builder.graph.input]
    if unknown := set(shapes) - set(inputs) - ({""} if len(inputs) == 1 else set()):
        raise ConversionError(
            f"--input-shape is for '{min(unknown)}', but the inputs are: {', '.join(inputs)}"
        )
    return network.builder.model(outputs)


def _needed(symbol: Symbol) -> set[int]:
    """The nodes that the outputs depend on; labels for training are not among them."""
    needed = {number for number, _ in symbol.heads}
    for number in range(len(symbol.nodes) - 1, -1, -1):
        if number in needed:
            node = symbol.nodes[number]
            reads = OPERATORS[node.op].reads if node.op in OPERATORS else None
            needed.update(source for source, _ in node.inputs[:reads])
    return needed
