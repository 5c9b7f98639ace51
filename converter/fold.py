# SPDX-License-Identifier: BSD-3-Clause
"""Evaluation of ONNX nodes whose inputs are all constant, by the onnx package's evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from converter.errors import ConversionError
from converter.graph import Array
from converter.ops.registry import MAX_BYTES

SMALL = 1024  # inputs with fewer elements may be shapes, which the size check needs to know

#: Operators that the evaluator knows only in a newer version, which means the same for older nodes.
NEWER = {"DequantizeLinear": 19, "QuantizeLinear": 19}

RANDOM = frozenset(
    (
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    )
)


def evaluate(node: onnx.NodeProto, inputs: dict[str, Array], opset: int, label: str) -> list[Array]:
    """Outputs of a node of the standard domain, in order; ConversionError names the node."""
    where = f"node '{label}' ({node.op_type})"
    if node.op_type in RANDOM:
        raise ConversionError(f"{where}: it gives random numbers; a conversion needs fixed weights")
    opset = max(opset, NEWER.get(node.op_type, 0))
    try:
        _check_result_size(node, inputs, opset, where)
        names = [name for name in node.output if name]
        imports = [onnx.helper.make_opsetid("", opset)]
        body = onnx.helper.make_function("fold", "fold", list(inputs), names, [node], imports)
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(body).run(None, inputs, {})
    except ConversionError:
        raise
    except Exception as error:  # the evaluator raises whatever its numpy code raises
        raise ConversionError(
            f"{where}: it has only constant inputs but cannot be computed: {first_line(error)}"
        ) from error
    return [np.asarray(result) for result in results]


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, or its type."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _check_result_size(
    node: onnx.NodeProto, inputs: dict[str, Array], opset: int, where: str
) -> None:
    """A few bytes can ask for terabytes (ConstantOfShape, Tile...): infer the size first."""
    schema = onnx.defs.get_schema(node.op_type, opset, "")
    types, data = {}, {}
    for name, value in inputs.items():
        kind = onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
        types[name] = onnx.helper.make_tensor_type_proto(kind, value.shape)
        if value.size <= SMALL:
            data[name] = numpy_helper.from_array(value, name)
    imports = [onnx.helper.make_opsetid("", opset)]
    results: dict[str, Any] = shape_inference.infer_node_outputs(
        schema, node, types, data, opset_imports=imports
    )
    for result in results.values():
        tensor = result.tensor_type
        size = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).itemsize
        for d in tensor.shape.dim:
            size *= max(d.dim_value, 1)
        if size >= MAX_BYTES:
            raise ConversionError(f"{where}: its result would take {size / 2**30:.0f} GiB")
