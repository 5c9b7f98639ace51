# SPDX-License-Identifier: BSD-3-Clause
"""QONNX and FINN-ONNX graphs, against a numpy evaluation of what these dialects' operators mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from converter.errors import ConversionError
from dialects import dialect
from exported import Export, assert_binary, compare, convert, critical
from targets import Target

BREVITAS, QONNX, FINN = "onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general"
OLD, HARDWARE, HLS = "finn", "finn.custom_op.fpgadataflow", "finn.custom_op.fpgadataflow.hls"
IMAGE, ROW = (1, 4, 8, 7), (1, 32)


# -- QONNX ----------------------------------------------------------------------------------------
def scalar(net: Export, value: float) -> str:
    return net.const(np.float32(value))


def one_bit(net: Export, x: str, op: str, domain: str, *, scale: str = "", **attrs: Any) -> str:
    """A quantiser of one bit, signed unless said."""
    scale = scale or scalar(net, 1)
    if op == "BipolarQuant":
        return net.op(op, x, scale, domain=domain)
    given = {"signed": 1, "narrow": 1, "rounding_mode": "ROUND", **attrs}
    return net.op(op, x, scale, scalar(net, 0), scalar(net, 1), domain=domain, **given)


@pytest.mark.parametrize("domain", [BREVITAS, QONNX, FINN, OLD])
@pytest.mark.parametrize("op", ["BipolarQuant", "Quant", "IntQuant"])
def test_one_bit(op: str, domain: str, target: Target) -> None:
    """Activations and weights, each output channel with its scale."""
    net = Export()
    scales = net.const(abs(net.real(5, 1, 1, 1)) + np.float32(0.1))
    w = one_bit(net, net.const(net.real(5, 4, 3, 3)), op, domain, scale=scales)
    y = net.op("Conv", one_bit(net, "x", op, domain), w, pads=[1, 1, 1, 1])
    assert_binary(target, net.done(y, *IMAGE), 0, tolerance=1e-6, run=dialect)


@pytest.mark.parametrize("scale", [0.3, -0.5, 2.0])
@pytest.mark.parametrize("op", ["BipolarQuant", "Quant"])
def test_scale_of_an_activation(op: str, scale: float, target: Target) -> None:
    net = Export()
    bits = one_bit(net, net.bn("x", 4), op, QONNX, scale=scalar(net, scale))
    y = net.conv(bits, 5, 4, 3, 3, pads=[1, 1, 1, 1])
    proto = net.done(
        y, *IMAGE, opset=15
    )  # the evaluator's older BatchNormalization takes its own mean
    assert_binary(target, proto, 0, tolerance=1e-6, run=dialect)


def test_scale_of_each_channel_of_an_activation(target: Target) -> None:
    """A factor for each input channel belongs to no output: not binary, but right."""
    net = Export()
    scales = net.const(abs(net.real(1, 4, 1, 1)) + np.float32(0.1))
    bits = one_bit(net, "x", "BipolarQuant", QONNX, scale=scales)
    proto = net.done(net.conv(bits, 5, 4, 3, 3), *IMAGE)
    _, report, data = convert(proto)
    assert report.rows[0].kind == "binary-weight"
    compare(target, proto, data, [critical(IMAGE)], 1e-6, dialect)


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_unsigned_bit(mode: str, scale: float, target: Target) -> None:
    """{0, scale}; 0.5 is a tie."""
    net = Export()
    bits = one_bit(
        net, "x", "Quant", QONNX, scale=scalar(net, scale), signed=0, narrow=0, rounding_mode=mode
    )
    proto = net.done(net.conv(bits, 5, 4, 3, 3, pads=[1, 1, 1, 1]), *IMAGE)
    assert_binary(target, proto, -1, tolerance=1e-6, run=dialect)
    _, _, data = convert(proto)
    ties = critical(IMAGE, 0.5, 0.35, 0.7)
    compare(target, proto, data, [ties], 1e-6, dialect)


def test_zero_point(target: Target) -> None:
    net = Export()
    parts = [scalar(net, v) for v in (0.5, -2, 1)]
    bits = net.op("Quant", "x", *parts, domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND")
    proto = net.done(net.conv(bits, 5, 4, 3, 3), *IMAGE)
    assert_binary(target, proto, None, tolerance=1e-6, run=dialect)


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"])
@pytest.mark.parametrize(("bits", "signed", "narrow"), [(4, 1, 1), (8, 1, 0), (3, 0, 0), (2, 0, 1)])
def test_weights_of_more_bits(
    bits: int, signed: int, narrow: int, mode: str, target: Target
) -> None:
    """They are folded: the layer is float, its input may have one bit all the same."""
    net = Export()
    w = net.const(2 * net.real(5, 4, 3, 3))
    parts = [
        net.const(abs(net.real(5, 1, 1, 1)) + np.float32(0.1)),
        scalar(net, 1),
        scalar(net, bits),
    ]
    attrs = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
    w = net.op("Quant", w, *parts, domain=QONNX, **attrs)
    proto = net.done(net.op("Conv", one_bit(net, "x", "BipolarQuant", QONNX), w), *IMAGE)
    _, report, data = convert(proto)
    assert report.rows[0].kind == "float"
    compare(target, proto, data, [critical(IMAGE)], 1e-5, dialect)


def test_two_bits_of_a_ternary_weight(target: Target) -> None:
    """2 narrow bits without zeros happen to be +-alpha."""
    net = Export()
    w = net.op(
        "Quant", net.const(net.signs(5, 4, 3, 3)), *(scalar(net, v) for v in (0.5, 0, 2)),
        domain=QONNX, signed=1, narrow=1, rounding_mode="ROUND",
    )  # fmt: skip
    proto = net.done(net.op("Conv", one_bit(net, "x", "BipolarQuant", QONNX), w), *IMAGE)
    assert_binary(target, proto, None, tolerance=1e-6, run=dialect)


REFUSED: dict[str, tuple[Callable[[Export], str], str]] = {
    "4 bits": (
        lambda net: net.op(
            "Quant", "x", *(scalar(net, v) for v in (0.1, 0, 4)),
            domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND",
        ),
        r"'quant0'.*activations of 4 bits.*one bit or are floats",
    ),
    "half a bit": (
        lambda net: net.op("Quant", "x", *(scalar(net, v) for v in (1, 0, 1.5)), domain=QONNX),
        r"bit width \[1.5\] must be one whole number",
    ),
    "scale 0": (
        lambda net: net.op("Quant", "x", *(scalar(net, v) for v in (0, 0, 1)), domain=QONNX),
        "its scale is 0",
    ),
    "rounding": (
        lambda net: one_bit(net, "x", "Quant", QONNX, rounding_mode="ODD"),
        "rounding_mode 'ODD' is not one of ROUND",
    ),
    "Trunc": (
        lambda net: net.op("Trunc", "x", *(scalar(net, v) for v in (1, 0, 8, 4)), domain=QONNX),
        r"'trunc0': operator qonnx.custom_op.general:Trunc .*shortens integers",
    ),
    "several thresholds": (
        lambda net: net.op(
            "MultiThreshold", "x", net.const(np.array([[-1, 0, 1]], np.float32)),
            domain=QONNX, out_dtype="UINT2",
        ),
        r"'multithreshold0'.*3 thresholds a channel, which give 4 levels",
    ),
    "thresholds of other channels": (
        lambda net: net.op(
            "MultiThreshold", "x", net.const(net.real(3, 1)), domain=QONNX, out_dtype="BIPOLAR"
        ),
        r"thresholds \[3, 1\] must be \[channels, steps\] or \[1, steps\] for 4 channels",
    ),
    "weights of -1": (
        lambda net: net.op("XnorPopcountMatMul", "x", net.const(net.signs(7, 3)), domain=QONNX),
        r"weights must be 0 or 1, not \[-1.0, 1.0\]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    build, text = REFUSED[name]
    net = Export()
    proto = net.done(build(net), *IMAGE)
    with pytest.raises(ConversionError, match=text):
        convert(proto)


# -- FINN -----------------------------------------------------------------------------------------
def bits_of(
    net: Export, x: str, out: str = "BIPOLAR", *, layout: str = "NCHW", channels: int = 4
) -> str:
    scale, bias = (2.0, -1.0) if out == "BIPOLAR" else (1.0, 0.0)
    limits = net.const(net.real(channels, 1))
    return net.op(
        "MultiThreshold", x, limits, domain=FINN, out_dtype=out, out_scale=scale, out_bias=bias,
        data_layout=layout,
    )  # fmt: skip


@pytest.mark.parametrize("out", ["BIPOLAR", "BINARY"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_multi_threshold(out: str, layout: str, target: Target) -> None:
    net = Export()
    x = net.op("Transpose", "x", perm=[0, 2, 3, 1]) if layout == "NHWC" else "x"
    y = bits_of(net, x, out, layout=layout)
    y = net.op("Transpose", y, perm=[0, 3, 1, 2]) if layout == "NHWC" else y
    proto = net.done(net.conv(y, 5, 4, 3, 3, pads=[1, 1, 1, 1]), *IMAGE)
    assert_binary(target, proto, 0 if out == "BIPOLAR" else -1, tolerance=1e-6, run=dialect)


def test_equal_thresholds_are_one(target: Target) -> None:
    net = Export()
    limits = net.const(np.array([[0.25, 0.25]], np.float32))
    y = net.op("MultiThreshold", "x", limits, domain=QONNX, out_dtype="INT2", out_bias=-1.0)
    assert_binary(target, net.done(net.conv(y, 5, 4, 3, 3), *IMAGE), None, run=dialect)


@pytest.mark.parametrize("domain", [QONNX, FINN, OLD])
def test_xnor_popcount(domain: str, target: Target) -> None:
    """Two layers of bits 0 and 1 with thresholds on the counts."""
    net = Export()
    w = [net.const((net.signs(*s) + 1) / 2) for s in ((32, 20), (20, 6))]
    y = bits_of(net, "x", "BINARY", channels=32)
    y = net.op("XnorPopcountMatMul", y, w[0], domain=domain)
    limits = net.const(np.full((20, 1), 16, np.float32))
    y = net.op("MultiThreshold", y, limits, domain=FINN, out_dtype="BINARY")
    y = net.op("XnorPopcountMatMul", y, w[1], domain=domain)
    assert_binary(target, net.done(y, *ROW), None, None, run=dialect)


LAYERS = [
    ("StreamingFCLayer_Batch", OLD),
    ("StreamingFCLayer_Batch", HARDWARE),
    ("MatrixVectorActivation", HARDWARE),
    ("MVAU_hls", HLS),
]


@pytest.mark.parametrize("xnor", [0, 1])
@pytest.mark.parametrize(("op", "domain"), LAYERS)
def test_layers(op: str, domain: str, xnor: int, target: Target) -> None:
    """Thresholds inside the first layer, sums out of the second; bits are 0 and 1 (binaryXnorMode) or -1 and +1."""
    net = Export()
    kind = "BINARY" if xnor else "BIPOLAR"
    types = {"inputDataType": kind, "weightDataType": kind, "outputDataType": kind}
    folding = {"PE": 2, "SIMD": 4, "backend": "fpgadataflow", "mem_mode": "const"}

    def weight(*shape: int) -> str:
        signs = net.signs(*shape)
        return net.const((signs + 1) / 2 if xnor else signs)

    limits = net.const(np.round(16 + 3 * net.real(20, 1)))
    common = {"domain": domain, "binaryXnorMode": xnor, **types, **folding}
    y = bits_of(net, "x", kind, channels=32)
    y = net.op(op, y, weight(32, 20), limits, MW=32, MH=20, noActivation=0, **common)
    y = net.op(op, y, weight(20, 6), MW=20, MH=6, noActivation=1, **common)
    assert_binary(target, net.done(y, *ROW), None, None, run=dialect)


def test_layer_of_floats(target: Target) -> None:
    """A first layer with real inputs and one-bit weights keeps sums; its thresholds give bits."""
    net = Export()
    attrs = {"inputDataType": "UINT8", "weightDataType": "BIPOLAR", "outputDataType": "BIPOLAR"}
    limits = net.const(net.real(20, 1))
    y = net.op("MVAU_hls", "x", net.const(net.signs(32, 20)), limits, domain=HLS, **attrs)
    proto = net.done(net.op("MatMul", y, net.const(net.signs(20, 6))), *ROW)
    _, report, data = convert(proto)
    assert [row.kind for row in report.rows] == ["binary-weight", "binary"]
    whole = np.random.default_rng(0).integers(0, 9, ROW).astype(np.float32)
    compare(target, proto, data, [whole], run=dialect)


def test_standalone_thresholds(target: Target) -> None:
    net = Export()
    limits = net.const(net.real(4, 1))
    x = net.op("Transpose", "x", perm=[0, 2, 3, 1])
    y = net.op("Thresholding_Batch", x, limits, domain=HARDWARE, outputDataType="BIPOLAR")
    y = net.op("Transpose", y, perm=[0, 3, 1, 2])
    assert_binary(target, net.done(net.conv(y, 5, 4, 3, 3), *IMAGE), None, run=dialect)
