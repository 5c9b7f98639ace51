# SPDX-License-Identifier: BSD-3-Clause
"""Small ONNX models for tests, and what other programs say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, numpy_helper

from converter import interp
from converter.graph import Graph
from converter.onnx_import import from_model

Array = npt.NDArray[Any]
IMAGE = (1, 4, 7, 6)
NEWEST = int(onnx.defs.onnx_opset_version())
Build = Callable[[int], onnx.ModelProto]
RNG = np.random.default_rng(7)


def node(op: str, inputs: str, outputs: str, **attrs: Any) -> onnx.NodeProto:
    """A node; names are separated by blanks, `_` is a missing one."""
    names = [["" if n == "_" else n for n in text.split()] for text in (inputs, outputs)]
    return helper.make_node(op, *names, **attrs)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    consts: Mapping[str, Array] | None = None,
    outputs: Sequence[str] = ("y",),
    opset: int = 13,
    dtype: int = onnx.TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model with float inputs; the shapes of its outputs are left open."""
    graph = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(name, dtype, list(s)) for name, s in inputs.items()],
        [helper.make_tensor_value_info(name, dtype, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in (consts or {}).items()],
    )
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def random_inputs(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Normal random numbers for every input."""
    rng = np.random.default_rng(seed)
    return {n: rng.standard_normal(graph.shape(n)).astype(np.float32) for n in graph.inputs}


@lru_cache
def runtime_newest() -> int:
    """The newest opset that the installed onnxruntime reads; it lags behind the onnx package."""
    onnxruntime = pytest.importorskip("onnxruntime")
    onnxruntime.set_default_logger_severity(4)
    for opset in range(int(onnx.defs.onnx_opset_version()), 0, -1):
        proto = model([node("Identity", "x", "y")], {"x": [1]}, opset=opset)
        try:
            session(proto)
        except Exception:
            continue
        return opset
    raise AssertionError("onnxruntime reads no opset")


def session(source: onnx.ModelProto | Path, optimised: bool = True) -> Any:
    """A session of onnxruntime that is quiet and has one thread, as other tests run beside this one; skips without it."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = str(source) if isinstance(source, Path) else source.SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def runtime(proto: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """Results of onnxruntime; of the onnx package's evaluator where the opset is too new for it."""
    opset = next(entry.version for entry in proto.opset_import if entry.domain == "")
    if opset > runtime_newest():
        from onnx.reference import ReferenceEvaluator

        return list(ReferenceEvaluator(proto).run(None, dict(inputs)))
    return list(session(proto, optimised=False).run(None, dict(inputs)))


def assert_equal_to_runtime(
    proto: onnx.ModelProto, seed: int = 0, tolerance: float = 1e-5, scale: float = 1.0
) -> Graph:
    """The imported graph computes what onnxruntime does, and every value has the shape and type it declares."""
    graph = from_model(proto)
    inputs = {name: scale * data for name, data in random_inputs(graph, seed).items()}
    values = interp.run(graph, inputs)
    for name, value in graph.values.items():
        assert (values[name].shape, values[name].dtype) == (value.shape, value.dtype), name
    expected = runtime(proto, inputs)
    assert [o.name for o in proto.graph.output] == graph.outputs
    for name, want in zip(graph.outputs, expected, strict=True):
        assert_close(values[name], want, tolerance)
    return graph


def assert_close(got: Array, want: Array, tolerance: float = 1e-5) -> None:
    """Equal within a share of the largest magnitude, and not trivially: something differs from 0."""
    assert got.shape == want.shape
    assert np.any(want != 0)
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.max(np.abs(want)))


def f32(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def one(
    op: str, shape: tuple[int, ...] = IMAGE, *consts: Array | None, swap: bool = False, **attrs: Any
) -> Build:
    """A model of one node with constants as further inputs (`swap`: as first input)."""
    named = {f"c{i}": c for i, c in enumerate(consts) if c is not None}
    names = ["_" if c is None else f"c{i}" for i, c in enumerate(consts)]
    inputs = " ".join([*names, "x"] if swap else ["x", *names])

    def build(opset: int) -> onnx.ModelProto:
        return model([node(op, inputs, "y", **attrs)], {"x": shape}, named, opset=opset)

    return build


def by_opset(*forms: tuple[int, Build]) -> Build:
    """The last form whose first opset is not after the one asked for."""

    def build(opset: int) -> onnx.ModelProto:
        return [form for first, form in forms if first <= opset][-1](opset)

    return build


def chain(shape: tuple[int, ...], *nodes: onnx.NodeProto, **consts: Array) -> Build:
    return lambda opset: model(nodes, {"x": shape}, consts, opset=opset)
