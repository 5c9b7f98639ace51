# SPDX-License-Identifier: BSD-3-Clause
"""Networks with 8-bit numbers: QuantizeLinear and DequantizeLinear around layers, QLinearConv, QLinearMatMul."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converter import dab, dab_run, int8, interp, lower, passes
from converter.dab_model import Kind, Type
from converter.errors import ConversionError
from converter.graph import Array
from converter.onnx_import import from_model
from converter.report import Report
from onnx_builder import session

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
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


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
    result: Array = session(proto).run(None, {"x": x})[0]
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


@pytest.mark.parametrize("dtype", [np.uint8, np.int8], ids=["uint8", "int8"])
def test_depthwise(dtype: type) -> None:
    """By the float kernels, with integers: weights of any zero point are one layer, the sums exact."""
    net = Net(0, dtype)
    scale, zero = net.parameters(0.03, -128)
    q = net.op("QuantizeLinear", "x", scale, zero)
    w = net.const(net.rng.integers(0, 256, (8, 1, 3, 3)), np.uint8)
    sums = net.op("ConvInteger", q, w, zero, net.const(0, np.uint8), pads=[1, 1, 1, 1], group=8)
    proto = net.model(net.op("Cast", sums, to=TensorProto.FLOAT), (1, 8, 6, 6))
    data, report = converted(proto)
    model = dab.read(data)
    assert [row.kind for row in report.rows] == ["int8"]
    assert "depthwise" in report.rows[0].reason
    assert [op.kind for op in model.ops].count(Kind.CONV2D) == 1
    x = net.rng.uniform(-5, 9, (1, 8, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(dab_run.run(model, [x])[0], expected(proto, x))


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


MICROSOFT = {"domain": "com.microsoft"}


def integer_layers(seed: int, dtype: type = np.uint8) -> onnx.ModelProto:
    """ConvInteger and MatMulInteger of numbers with constant zero points, weights beyond -127..127."""
    net = Net(seed, dtype)
    scale, zero = net.parameters(0.03)
    q = net.op("QuantizeLinear", "x", scale, zero)
    w = net.const(net.rng.integers(0, 256, (5, 3, 2, 2)), np.uint8)
    sums = net.op("ConvInteger", q, w, zero, net.const([9], np.uint8), pads=[1, 0, 0, 1])
    y = net.op("Mul", net.op("Cast", sums, to=TensorProto.FLOAT), net.const(1e-3))
    q = net.op("QuantizeLinear", net.op("Flatten", y), scale, zero)
    w = net.const(net.rng.integers(-128, 128, (180, 4)), np.int8)
    sums = net.op("MatMulInteger", q, w, zero, net.const([-3, 0, 5, 127], np.int8))
    return net.model(net.op("Cast", sums, to=TensorProto.FLOAT), (1, 3, 6, 6))


def of_microsoft(seed: int, dtype: type = np.uint8) -> onnx.ModelProto:
    """QLinearAdd of a constant, QGemm without a scale for its result."""
    net = Net(seed, dtype)
    scale, zero = net.parameters(0.0317)  # no sum lies in the middle of two numbers
    q = net.op("QuantizeLinear", "x", scale, zero)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    other = net.const(net.rng.integers(low, high + 1, (3, 1, 6)), dtype)
    second = net.parameters(0.06, -5)
    y = net.op("QLinearAdd", q, scale, zero, other, *second, *second, **MICROSOFT)
    y = net.op("Flatten", y)
    weight, by_output, zeros = net.weight(108, 5, axis=1)
    bias = net.const(net.rng.integers(-900, 900, 5), np.int32)
    inputs = (y, *second, weight, by_output, zeros, bias)
    return net.model(net.op("QGemm", *inputs, alpha=0.5, **MICROSOFT), (1, 3, 6, 6))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8], ids=["uint8", "int8"])
@pytest.mark.parametrize("make", [integer_layers, of_microsoft])
def test_integers_as_onnxruntime(make: Any, dtype: type) -> None:
    """Sums of integers are the same; floats are once rounded differently behind those of QGemm."""
    for seed in range(5):
        proto = make(seed, dtype)
        data, report = converted(proto)
        assert {row.kind for row in report.rows} == {"int8"}
        x = np.random.default_rng(seed).uniform(-3, 3, (1, 3, 6, 6)).astype(np.float32)
        want, got = expected(proto, x), dab_run.run(dab.read(data), [x])[0].reshape(1, -1)
        limit = 0 if make is integer_layers else 1e-6 * float(np.abs(want).max())
        np.testing.assert_allclose(got, want, rtol=0, atol=limit)


def test_softmax_within_a_quantum() -> None:
    """onnxruntime takes the exponentials from a table."""
    net = Net(0)
    scale, zero = net.parameters(0.03)
    result = net.parameters(1 / 256, -128)
    q = net.op("QuantizeLinear", "x", scale, zero)
    y = net.op("QLinearSoftmax", q, scale, zero, *result, axis=1, opset=13, **MICROSOFT)
    proto = net.model(net.op("DequantizeLinear", y, *result), (1, 7, 6))
    x = net.rng.uniform(-3, 3, (1, 7, 6)).astype(np.float32)
    got = dab_run.run(dab.read(converted(proto)[0]), [x])[0]
    np.testing.assert_allclose(got, expected(proto, x), rtol=0, atol=1.001 / 256)


def test_rows_of_a_matrix() -> None:
    """Reshapes between numbers and layer move the numbers."""
    net = Net(0)
    w = net.op("DequantizeLinear", *net.weight(6, 5, axis=1), axis=1)
    proto = net.model(net.op("MatMul", net.through("x", 0.02), w), (1, 3, 4, 6))
    data, report = converted(proto)
    assert [row.kind for row in report.rows] == ["int8"]
    x = net.rng.uniform(-2, 2, (1, 3, 4, 6)).astype(np.float32)
    got = dab_run.run(dab.read(data), [x])[0]
    np.testing.assert_allclose(got, expected(proto, x), rtol=0, atol=1e-6)


def test_weights_beyond_eight_bits_have_parts() -> None:
    data, report = converted(integer_layers(0))
    kinds = [op.kind for op in dab.read(data).ops]
    assert (kinds.count(Kind.QCONV2D), kinds.count(Kind.QDENSE)) == (2, 3)
    assert [re.findall(r"in (\d) parts", row.reason) for row in report.rows] == [["2"], ["3"]]
    assert all("zero point 0" in row.advice for row in report.rows)
    numbers = np.array([[-255, -128, -127, 0, 127, 128, 254, 255]], np.int16)
    parts = int8.parts(numbers)
    assert len(parts) == 3
    np.testing.assert_array_equal(np.sum(parts, 0, dtype=np.int16), numbers)


def own_range(seed: int, *, views: bool = True) -> Net:
    """DynamicQuantizeLinear and MatMulInteger; the last value is its result as floats, "x_scale" the scale."""
    net = Net(seed)
    names = ["x_numbers", "x_scale", "x_zero"]
    net.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], names, "dynamic"))
    w, zero = net.const(net.rng.integers(-127, 128, (6, 4)), np.int8), net.const(0, np.int8)
    y = net.op("MatMulInteger", "x_numbers", w, "x_zero", zero)
    y = net.op("Cast", y, to=TensorProto.FLOAT)
    if views:
        net.op("Reshape", y, net.const([1, 3, 2, 6, 4], np.int64))
    return net


def last(net: Net) -> str:
    return str(net.nodes[-1].output[0])


def test_scale_in_other_spellings() -> None:
    """Any product with constants, behind views of the sums."""
    net = own_range(0)
    sums = last(net)
    scale = net.op("Mul", net.const([0.5]), net.op("Mul", "x_scale", net.const([0.1, 0.2, 1, 3])))
    y = net.op("Mul", net.op("Reshape", scale, net.const([1, 1, 4], np.int64)), sums)
    proto = net.model(y, (1, 6, 6, 6))
    data, report = converted(proto)
    assert [row.kind for row in report.rows] == ["int8"]
    x = net.rng.standard_normal((1, 6, 6, 6)).astype(np.float32)
    want = expected(proto, x)
    got = dab_run.run(dab.read(data), [x])[0]
    np.testing.assert_allclose(got, want, rtol=1e-6)


def unscaled() -> onnx.ModelProto:
    net = own_range(0)
    return net.model(last(net), (1, 6, 6, 6))


def shifted_scale() -> onnx.ModelProto:
    net = own_range(0)
    sums = last(net)
    scale = net.op("Add", "x_scale", net.const([0.5]))
    return net.model(net.op("Mul", sums, scale), (1, 6, 6, 6))


def squared_scale() -> onnx.ModelProto:
    net = own_range(0)
    sums = last(net)
    scale = net.op("Mul", "x_scale", "x_scale")
    return net.model(net.op("Mul", sums, scale), (1, 6, 6, 6))


def other_zero() -> onnx.ModelProto:
    net = own_range(0)
    net.nodes[1].input[2] = net.const(7, np.uint8)
    return net.model(last(net), (1, 6, 6, 6))


def channels_last() -> onnx.ModelProto:
    net = Net(0)
    x = net.quantised("x", 0.1)
    first, second = net.parameters(0.1), net.parameters(0.2)
    y = net.op("QLinearGlobalAveragePool", x, *first, *second, channels_last=1, **MICROSOFT)
    return net.model(net.op("DequantizeLinear", y, *second), (1, 4, 4, 2))


def not_supported() -> onnx.ModelProto:
    net = Net(0)
    x = net.quantised("x", 0.1)
    first, second = net.parameters(0.1), net.parameters(0.2)
    y = net.op("QLinearReduceMean", x, *first, *second, axes=[1], **MICROSOFT)
    return net.model(net.op("DequantizeLinear", y, *second), (1, 4, 4, 2))


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
        (numbers_as_output(), "put a DequantizeLinear behind it"),
        (unscaled(), "node 't1': its result must be read by one Mul"),
        (shifted_scale(), "node 't1': its result must be read by one Mul"),
        (squared_scale(), "node 't1': its result must be read by one Mul"),
        (other_zero(), "must be that of the same DynamicQuantizeLinear"),
        (channels_last(), "channels_last is not supported"),
        (not_supported(), "leave this node out of the quantisation"),
    ],
    ids=lambda item: item.replace(" ", "-") if isinstance(item, str) else "",
)
def test_refused(proto: onnx.ModelProto, text: str) -> None:
    with pytest.raises(ConversionError, match=text):
        converted(proto)
