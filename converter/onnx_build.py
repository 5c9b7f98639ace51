# SPDX-License-Identifier: BSD-3-Clause
"""Building an ONNX model node by node, with the shape of every tensor known at each step.

The front doors for other formats say their networks in ONNX and hand them to the one importer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

from converter.errors import ConversionError
from converter.fold import SMALL, first_line
from converter.graph import Array
from converter.ops.registry import Shape, check_size

OPSET = 13
IR_VERSION = 8
NOTE = (
    "libbnn.note"  #: key of metadata that the report shows as warnings: what a front door assumed
)


class ModelBuilder:
    """An ONNX model that grows by `emit`. All activations are float32 (comparisons excepted), all sizes fixed."""

    def __init__(self, name: str) -> None:
        self.graph = onnx.GraphProto(name=name)
        self.arrays: dict[str, Array] = {}
        self._types: dict[str, onnx.TypeProto] = {}

    def add_input(self, name: str, shape: Shape) -> str:
        """Declare a float input of the model."""
        check_size(shape, np.dtype(np.float32), f"input '{name}'")
        info = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        self._claim(name)
        self._types[name] = info.type
        self.graph.input.append(info)
        return name

    def constant(self, name: str, array: Array) -> str:
        """Add an initializer; floats become float32. A name that is taken gets a number."""
        array = np.asarray(array)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        name = self.free(name)
        self._types[name] = _type_of(array)
        self.arrays[name] = array
        self.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def shape(self, name: str) -> Shape:
        """The sizes of a tensor."""
        return tuple(int(d.dim_value) for d in self._types[name].tensor_type.shape.dim)

    def emit(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], label: str = "", **attrs: Any
    ) -> str:
        """Add a node, which messages and reports call `label`, or as its first output, whose name is returned."""
        node = helper.make_node(op, list(inputs), list(outputs), name=label or outputs[0], **attrs)
        self._infer(node)
        self.graph.node.append(node)
        return outputs[0]

    def model(self, outputs: Iterable[str]) -> onnx.ModelProto:
        """The finished model."""
        for name in outputs:
            self.graph.output.append(onnx.ValueInfoProto(name=name, type=self._types[name]))
        imports = [helper.make_opsetid("", OPSET)]
        return helper.make_model(self.graph, opset_imports=imports, ir_version=IR_VERSION)

    def _infer(self, node: onnx.NodeProto) -> None:
        types, data = {}, {}
        for name in filter(None, node.input):
            types[name] = self._types[name]
            array = self.arrays.get(name)
            if array is not None and array.size <= SMALL:
                data[name] = numpy_helper.from_array(array, name)
        try:
            found = shape_inference.infer_node_outputs(
                onnx.defs.get_schema(node.op_type, OPSET, ""),
                node,
                types,
                data,
                opset_imports=[helper.make_opsetid("", OPSET)],
            )
        except Exception as error:  # C++ code, whose exceptions have no common type
            shapes = ", ".join(str(list(self.shape(name))) for name in filter(None, node.input))
            raise ConversionError(
                f"node '{node.name}': its inputs {shapes} do not fit it: {first_line(error)}"
            ) from None
        for name in node.output:
            self._claim(name)
            tensor = found[name].tensor_type if name in found else onnx.TypeProto.Tensor()
            sizes = [int(d.dim_value) for d in tensor.shape.dim]
            if not tensor.HasField("shape") or any(d < 1 for d in sizes):
                raise ConversionError(f"node '{node.name}': its result {sizes} has no elements")
            check_size(tuple(sizes), np.dtype(np.float32), f"the result of node '{node.name}'")
            self._types[name] = found[name]

    def _claim(self, name: str) -> None:
        if name in self._types:
            raise ConversionError(f"the name '{name}' stands for two tensors; rename one of them")

    def free(self, name: str) -> str:
        """The name, or one derived from it that is not used yet."""
        if name not in self._types:
            return name
        return next(
            full
            for i in range(2, len(self._types) + 3)
            if (full := f"{name}:{i}") not in self._types
        )


def _type_of(array: Array) -> onnx.TypeProto:
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_type_proto(kind, array.shape)
