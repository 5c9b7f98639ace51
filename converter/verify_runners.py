# SPDX-License-Identifier: BSD-3-Clause
"""Who computes a network when a conversion is verified: the library, onnxruntime, or numpy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from converter import interp
from converter.errors import ConversionError
from converter.fold import first_line
from converter.graph import Graph
from converter.library import load
from converter.verify_inputs import Arrays

Runner = Callable[[Arrays], Arrays]


def library(dab: bytes) -> Runner:
    """The library on this machine, with a file."""
    model = load(dab, "--verify")

    def run(inputs: Arrays) -> Arrays:
        result: Any = model.run(inputs)
        return result if isinstance(result, dict) else {model.outputs[0].name: result}

    return run


def by_numpy(graph: Graph, names: Sequence[str]) -> Runner:
    """Values of the graph (outputs or others) by the operators' numpy references."""

    def run(inputs: Arrays) -> Arrays:
        values = interp.run(graph, inputs)
        return {name: values[name] for name in names}

    return run


def by_runtime(proto: onnx.ModelProto, graph: Graph, names: Sequence[str]) -> tuple[Runner, str]:
    """Float tensors of a source by onnxruntime, and how to call it.

    numpy in its place for float16, and where onnxruntime does not know the operators.
    """
    numpy = by_numpy(graph, names)
    try:
        import onnxruntime
    except ImportError:
        raise ConversionError(
            "--verify needs onnxruntime; install it with: pip install onnxruntime"
        ) from None
    types = {i.name: i.type.tensor_type.elem_type for i in proto.graph.input}
    if any(types[name] != TensorProto.FLOAT for name in graph.inputs):
        return numpy, "numpy in float32 (the source is not)"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Its optimisations change results: a Pad of 0 is merged into a MaxPool, for one.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            _with_outputs(proto, names).SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
    except Exception as error:  # onnxruntime has an exception type for each of its status codes
        return numpy, f"numpy (onnxruntime cannot load the source: {first_line(error)})"

    def run(inputs: Arrays) -> Arrays:
        return dict(zip(names, session.run(names, inputs), strict=True))

    return run, f"onnxruntime {onnxruntime.__version__}"


def _with_outputs(proto: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The model, or a copy that writes other (float) tensors too."""
    missing = [name for name in names if name not in {o.name for o in proto.graph.output}]
    if not missing:
        return proto
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    result.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in missing
    )
    return result
