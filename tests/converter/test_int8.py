# SPDX-License-Identifier: BSD-3-Clause
"""Networks with 8-bit numbers: QuantizeLinear and DequantizeLinear around layers, QLinearConv, QLinearMatMul."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from converter import dab, dab_run, interp, lower, passes
from converter.dab_model import Kind, Type
from converter.errors import ConversionError
from converter.graph import Array
from converter.onnx_import import from_model
from converter.report import Report

SCALES = (0.02, 0.05, 0.11)  # of the input, the first layer, the second


class Net:
    """An ONNX model under construction."""

    def __init__(self, seed: int, dtype: type = np.uint8) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def const(self, data: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(data, dtype), name))
        return name

    def op(self, kind: str, *inputs: str, **attrs: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attrs))
        return name

    def parameters(self, scale: float, zero: int = 3) -> tuple[str, str]:
        shift = 128 if self.dtype == np.uint8 else 0
        return self.const(scale), self.const(zero + shift, self.dtype)

    def quantised(self, x: str, scale: float) -> str:
        return self.op("QuantizeLinear", x, *self.parameters(scale))

    def through(self, x: str, scale: float) -> str:
        """QuantizeLinear, DequantizeLinear."""
        return self.op("DequantizeLinear", self.quantised(x, scale), *self.parameters(scale))

    def weight(self, *shape: int, axis: int = 0) -> tuple[str, str, str]:
        """Numbers that no 16-bit sum of two products overflows on, scale, zero point."""
        numbers = self.rng.integers(-60, 61, shape)
        scale = self.rng.uniform(0.001, 0.01, shape[axis])
        zero = np.zeros(shape[axis])
        return self.const(numbers, np.int8), self.const(scale), self.const(zero, np.int8)

    def model(self, output: str, shape: tuple[int, ...]) -> onnx.ModelProto:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
        y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "net", [x], [y], self.initializers)
        opset = helper.make_opsetid("", 13)
        return helper.make_model(graph, opset_imports=[opset], ir_version=8)


def qdq(seed: int, dtype: type = np.uint8) -> onnx.ModelProto:
    """Two convolutions, pooling, an add and a dense layer, as onnxruntime's tools write them."""
    net = Net(seed, dtype)
    x = net.through("x", SCALES[0])
    w = net.op("DequantizeLinear", *net.weight(9, 3, 3, 3), axis=0)
    bias = net.const(net.rng.standard_normal(9))
    y = net.through(net.op("Conv", x, w, bias, pads=[1, 1, 1, 1]), SCALES[1])
    w = net.op("DequantizeLinear", *net.weight(9, 3, 3, 3), axis=0)
    z = net.op("Conv", y, w, group=3, pads=[1, 1, 1, 1])
    z = net.through(net.op("Relu", net.op("Add", z, y)), SCALES[2])
    z = net.through(net.op("MaxPool", z, kernel_shape=[2, 2], strides=[2, 2]), SCALES[2])
    z = net.through(net.op("Flatten", z), SCALES[2])
    w = net.op("DequantizeLinear", *net.weight(81, 5, axis=1), axis=1)
    return net.model(net.op("MatMul", z, w), (1, 3, 6, 6))


def qlinear(seed: int, dtype: type = np.uint8) -> onnx.ModelProto:
    """The same kinds of layers on quantised numbers."""
    net = Net(seed, dtype)
    x = net.quantised("x", SCALES[0])
    w = net.weight(10, 3, 3, 2)
    bias = net.const(net.rng.integers(-900, 900, 10), np.int32)
    first, second = net.parameters(SCALES[0]), net.parameters(SCALES[1])
    y = net.op("QLinearConv", x, *first, *w, *second, bias, strides=[2, 1], pads=[0, 1, 1, 0])
    y = net.op("MaxPool", y, kernel_shape=[2, 2])
    y = net.op("Reshape", y, net.const([1, -1], np.int64))
    numbers, zero = net.rng.integers(-60, 61, (100, 7)), np.zeros(1)
    w = (net.const(numbers, np.int8), net.const([0.004]), net.const(zero, np.int8))
    y = net.op("QLinearMatMul", y, *second, *w, *net.parameters(SCALES[2]))
    return net.model(net.op("DequantizeLinear", y, *net.parameters(SCALES[2])), (1, 3, 6, 6))


def converted(proto: onnx.ModelProto) -> tuple[bytes, Report]:
    graph = from_model(proto)
    report = passes.run(graph)
    return lower.lower(graph, {}), report


def expected(proto: onnx.ModelProto, x: Array) -> Array:
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    result: Array = session.run(None, {"x": x})[0]
    return result


@pytest.mark.parametrize("dtype", [np.uint8, np.int8], ids=["uint8", "int8"])
@pytest.mark.parametrize("make", [qdq, qlinear])
def test_as_onnxruntime(make: Any, dtype: type) -> None:
    """Within one quantum of the last layer where a number is rounded the other way before it, mostly equal."""
    errors = []
    for seed in range(5):
        proto = make(seed, dtype)
        data, report = converted(proto)
        assert {row.kind for row in report.rows} == {"int8"}
        model = dab.read(data)
        kinds = [op.kind for op in model.ops]
        assert kinds.count(Kind.QCONV2D) == (2 if make is qdq else 1)
        assert kinds.count(Kind.QDENSE) == 1
        x = np.random.default_rng(seed).uniform(-3, 3, (1, 3, 6, 6)).astype(np.float32)
        errors.append(np.abs(dab_run.run(model, [x])[0].ravel() - expected(proto, x).ravel()).max())
    assert max(errors) <= SCALES[2] * 1.001
    assert sorted(errors)[2] <= 1e-4


@pytest.mark.parametrize("make", [qdq, qlinear])
def test_the_passes_keep_the_values(make: Any) -> None:
    graph = from_model(make(3))
    x = np.random.default_rng(1).uniform(-3, 3, (1, 3, 6, 6)).astype(np.float32)
    before = interp.run(graph, {"x": x})[graph.outputs[0]]
    passes.run(graph)
    assert {"conv", "dense"}.isdisjoint(node.op for node in graph.nodes)
    after = interp.run(graph, {"x": x})[graph.outputs[0]]
    np.testing.assert_allclose(after, before, rtol=0, atol=SCALES[2] * 1.001)


def test_binary_weights_on_numbers() -> None:
    """int8 x binary: W_SIGN weights."""
    net = Net(0)
    w = np.where(net.rng.random((4, 3, 3, 3)) < 0.5, -0.5, 0.5)
    proto = net.model(net.op("Conv", net.through("x", 0.02), net.const(w)), (1, 3, 6, 6))
    data, report = converted(proto)
    model = dab.read(data)
    (op,) = (op for op in model.ops if op.kind == Kind.QCONV2D)
    assert model.tensors[op.inputs[1]].type == Type.W_SIGN
    assert report.rows[0].kind == "binary-weight"
    x = net.rng.uniform(-2, 2, (1, 3, 6, 6)).astype(np.float32)
    np.testing.assert_allclose(
        dab_run.run(model, [x])[0].ravel(), expected(proto, x).ravel(), atol=1e-5
    )


def test_a_float_weight_stays() -> None:
    """Nothing says how it would be 8 bits."""
    net = Net(0)
    w = net.const(net.rng.standard_normal((4, 3, 3, 3)))
    _, report = converted(net.model(net.op("Conv", net.through("x", 0.02), w), (1, 3, 6, 6)))
    assert report.rows[0].kind == "float"


def dequantised_input() -> onnx.ModelProto:
    net = Net(0)
    return net.model(net.op("DequantizeLinear", "x", *net.parameters(0.1)), (1, 4))


def other_sign() -> onnx.ModelProto:
    net = Net(0)
    q = net.quantised("x", 0.1)
    zero = net.const(3, np.int8)
    return net.model(net.op("DequantizeLinear", q, net.const(0.1), zero), (1, 4))


def scales(scale: Any) -> onnx.ModelProto:
    net = Net(0)
    zero = net.const(np.zeros(np.shape(scale)), np.uint8)
    q = net.op("QuantizeLinear", "x", net.const(scale), zero)
    return net.model(net.op("DequantizeLinear", q, net.const(0.1), net.const(0, np.uint8)), (1, 4))


def large_weight() -> onnx.ModelProto:
    net = Net(0)
    x = net.quantised("x", 0.1)
    w = (net.const(np.full((2, 1, 1, 1), -128), np.int8), net.const(0.1), net.const(0, np.int8))
    first = net.parameters(0.1)
    return net.model(net.op("QLinearConv", x, *first, *w, *net.parameters(0.1)), (1, 1, 4, 4))


def numbers_as_output() -> onnx.ModelProto:
    net = Net(0)
    return net.model(net.quantised("x", 0.1), (1, 4))


@pytest.mark.parametrize(
    ("proto", "text"),
    [
        (dequantised_input(), "not the result of a QuantizeLinear"),
        (other_sign(), "zero point is signed"),
        (scales([0.1, 0.2, 0.1, 0.3]), "scale must be one number above 0"),
        (scales(0.0), "scale must be one number above 0"),
        (large_weight(), "does not fit -127..127"),
        (numbers_as_output(), "put a DequantizeLinear behind it"),
    ],
    ids=["input", "sign", "per axis", "zero", "weight", "output"],
)
def test_refused(proto: onnx.ModelProto, text: str) -> None:
    with pytest.raises(ConversionError, match=text):
        converted(proto)
