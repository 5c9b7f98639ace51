# SPDX-License-Identifier: BSD-3-Clause
"""Networks that onnxruntime's own tools have quantised: quantize_static (both formats) and quantize_dynamic."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converter import __main__ as cli
from converter import dab, dab_run, interp, lower, passes
from converter.dab_model import Kind
from converter.graph import Array
from converter.onnx_import import from_model
from onnx_builder import session

onnxruntime = pytest.importorskip("onnxruntime")
quantization = pytest.importorskip("onnxruntime.quantization")

SHAPE = (1, 3, 8, 8)
LAYERS: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
    ("Conv", ["x", "w0", "b0"], "a", {"pads": [1, 1, 1, 1]}),
    ("Relu", ["a"], "r", {}),
    ("MaxPool", ["r"], "p", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Pad", ["p", "pads"], "pp", {}),
    ("Conv", ["pp", "w1"], "q", {"group": 2}),
    ("Add", ["q", "p"], "s", {}),
    ("Concat", ["s", "p"], "c", {"axis": 1}),
    ("AveragePool", ["c"], "v", {"kernel_shape": [2, 2]}),
    ("Mul", ["v", "v"], "m", {}),
    ("LeakyRelu", ["v"], "l", {"alpha": 0.1}),
    ("Sigmoid", ["l"], "i", {}),
    ("Mul", ["i", "m"], "n", {}),
    ("GlobalAveragePool", ["n"], "g", {}),
    ("Flatten", ["g"], "f", {}),
    ("Gemm", ["f", "w2", "b2"], "h", {"transB": 1}),
    ("MatMul", ["h", "w3"], "y", {}),
)
WEIGHTS = {
    "w0": (8, 3, 3, 3),
    "b0": (8,),
    "w1": (8, 4, 3, 3),
    "w2": (6, 16),
    "b2": (6,),
    "w3": (6, 5),
}


def image(seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


@lru_cache
def network(opset: int) -> onnx.ModelProto:
    """Layers and most other operators that the tools quantise."""
    rng = np.random.default_rng(3)
    values = {n: rng.standard_normal(shape).astype(np.float32) for n, shape in WEIGHTS.items()}
    values["pads"] = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    constants = [numpy_helper.from_array(array, name) for name, array in values.items()]
    nodes = [helper.make_node(op, a, [b], f"node_{b}", **attrs) for op, a, b, attrs in LAYERS]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5))
    graph = helper.make_graph(nodes, "net", [x], [y], constants)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


class Images:
    """What the tools calibrate with."""

    def __init__(self) -> None:
        self.left: Iterator[dict[str, Array]] = iter(
            [{"x": image(seed)} for seed in range(100, 110)]
        )

    def get_next(self) -> dict[str, Array] | None:
        return next(self.left, None)


def quantised(opset: int, run: Any) -> onnx.ModelProto:
    """What a tool makes of the network: run(from, to)."""
    logging.disable(logging.WARNING)  # it recommends to pre-process
    try:
        with TemporaryDirectory() as folder:
            source, result = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
            onnx.save(network(opset), source)
            run(source, result)
            return onnx.load(result)
    finally:
        logging.disable(logging.NOTSET)


def expected(proto: onnx.ModelProto, x: Array) -> Array:
    """The graph as it stands: optimised, it would be rounded in other places."""
    result: Array = session(proto, optimised=False).run(None, {"x": x})[0]
    return result


def quantum(proto: onnx.ModelProto) -> float:
    """The scale of the output's numbers."""
    (last,) = (node for node in proto.graph.node if node.output[0] == "y")
    values = {item.name: numpy_helper.to_array(item) for item in proto.graph.initializer}
    return float(values[last.input[1]])


def compare(proto: onnx.ModelProto, limit: float) -> dab.Model:
    """All four layers compute with 8 bits; the results are onnxruntime's, which differ from image to image."""
    graph = from_model(proto)
    report = passes.run(graph)
    assert [row.kind for row in report.rows] == ["int8"] * 4
    model = dab.read(lower.lower(graph, {}))
    different = set()
    for seed in range(4):
        x = image(seed)
        want, got = expected(proto, x), dab_run.run(model, [x])[0]
        different.add(want.tobytes())
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=limit)
        again = interp.run(graph, {"x": x})[graph.outputs[0]]
        np.testing.assert_allclose(again, got, rtol=2e-6, atol=limit)
    assert len(different) == 4
    return model


def layers(model: dab.Model) -> int:
    return sum(op.kind in (Kind.QCONV2D, Kind.QDENSE) for op in model.ops)


STATIC = [
    (opset, form, *types, by_channel)
    for opset, form, types, by_channel in itertools.product(
        (13, 21),
        ("QOperator", "QDQ"),
        (("QUInt8", "QUInt8"), ("QUInt8", "QInt8"), ("QInt8", "QInt8")),
        (False, True),
    )
]


@pytest.mark.parametrize(("opset", "form", "x", "w", "by_channel"), STATIC)
def test_static(opset: int, form: str, x: str, w: str, by_channel: bool) -> None:
    """Mostly the same bits: a number may be rounded the other way where onnxruntime adds floats."""

    def run(source: Path, result: Path) -> None:
        quantization.quantize_static(
            source,
            result,
            Images(),
            quant_format=quantization.QuantFormat[form],
            activation_type=quantization.QuantType[x],
            weight_type=quantization.QuantType[w],
            per_channel=by_channel,
        )

    proto = quantised(opset, run)
    model = compare(proto, 1.001 * quantum(proto))
    assert layers(model) == 4 if w == "QInt8" else layers(model) > 4


def test_operators_of_onnxruntime() -> None:
    """QuantizeLinear and DequantizeLinear of com.microsoft."""

    def run(source: Path, result: Path) -> None:
        options = {"UseQDQContribOps": True}
        quantization.quantize_static(source, result, Images(), extra_options=options)

    proto = quantised(13, run)
    assert {n.domain for n in proto.graph.node if "Linear" in n.op_type} == {"com.microsoft"}
    compare(proto, 1.001 * quantum(proto))


def test_ties_are_not_held_against_a_conversion(tmp_path: Path) -> None:
    """Means of 8-bit numbers often lie in the middle of two, where rounding of floats decides."""

    def run(source: Path, result: Path) -> None:
        quantization.quantize_static(source, result, Images())

    onnx.save(quantised(13, run), tmp_path / "m.onnx")
    assert cli.main([str(tmp_path / "m.onnx"), "--verify", "12"]) == 0


@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("w", ["QUInt8", "QInt8"])
def test_dynamic(w: str, by_channel: bool) -> None:
    """Only floats are rounded differently; layers whose uint8 weights exceed -127..127 have two parts."""

    def run(source: Path, result: Path) -> None:
        kind = quantization.QuantType[w]
        quantization.quantize_dynamic(source, result, weight_type=kind, per_channel=by_channel)

    model = compare(quantised(13, run), 1e-2)
    assert layers(model) == 4 if w == "QInt8" else layers(model) > 4
