# SPDX-License-Identifier: BSD-3-Clause
"""Spellings of +-alpha weights as ONNX graphs: unfolded arithmetic, layouts, noise, other pairs of values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter.passes import Mode
from exported import Export, assert_binary, compare, convert, critical
from onnx_builder import Array
from targets import Target

Weight = Callable[[Export], str]
SHAPE = (1, 4, 8, 7)
DIMS = (6, 4, 3, 3)


def latent(net: Export) -> str:
    return net.const(np.float32(0.1) * net.real(*DIMS))


def scale(net: Export, low: float = 0.1) -> Array:
    factors: Array = abs(net.real(6, 1, 1, 1)) + np.float32(low)
    return factors


def sign(net: Export) -> str:
    return net.op("Sign", latent(net))


def mean_abs(net: Export, w: str, *, at_once: bool) -> str:
    """mean|w| of each filter, by one ReduceMean or by three."""
    mean = net.op("Abs", w)
    for axes in [[1, 2, 3]] if at_once else [[3], [2], [1]]:
        mean = net.op("ReduceMean", mean, axes=axes, keepdims=1)
    return mean


def xnor(net: Export) -> str:
    w = latent(net)
    return net.op("Mul", net.op("Sign", w), mean_abs(net, w, at_once=True))


def xnor_norm(net: Export) -> str:
    """The L1 norm divided by the number of elements."""
    w = latent(net)
    norm = net.op("ReduceL1", w, axes=[1, 2, 3], keepdims=1)
    return net.op("Mul", net.op("Div", norm, 36), net.op("Sign", w))


def bireal(net: Export) -> str:
    """(sign * alpha - clip) + clip leaves the rounding of a sum."""
    w = latent(net)
    scaled = net.op("Mul", mean_abs(net, w, at_once=False), net.op("Sign", w))
    clipped = net.op("Clip", w, -1, 1)
    return net.op("Add", net.op("Sub", scaled, clipped), clipped)


def bireal_reshaped(net: Export) -> str:
    w = net.op("Reshape", net.const(net.real(216, 1) * np.float32(0.1)), int64(net, *DIMS))
    return net.op("Mul", net.op("Sign", w), mean_abs(net, w, at_once=True))


def centred(net: Export) -> str:
    w = latent(net)
    moved = net.op("Sub", w, net.op("ReduceMean", w, axes=[1], keepdims=1))
    return net.op("Sign", net.op("Clip", moved, -1, 1))


def standardised(net: Export) -> str:
    """IR-Net: centred, divided by the standard deviation, signed, scaled by a power of two."""
    w = latent(net)
    moved = net.op("Sub", w, net.op("ReduceMean", w, axes=[1, 2, 3], keepdims=1))
    square = net.op("ReduceMean", net.op("Mul", moved, moved), axes=[1, 2, 3], keepdims=1)
    signed = net.op("Sign", net.op("Div", moved, net.op("Sqrt", square)))
    return net.op("Mul", signed, net.const(2 ** np.floor(net.real(6, 1, 1, 1))))


def int64(net: Export, *values: int) -> str:
    return net.const(np.array(values, np.int64))


def where(net: Export) -> str:
    return net.op("Where", net.op("GreaterOrEqual", latent(net), 0), 1, -1)


def cast(net: Export) -> str:
    bits = net.op("Cast", net.op("Greater", latent(net), 0), to=1)
    return net.op("Sub", net.op("Mul", bits, 2), 1)


def rounded(net: Export) -> str:
    unit = net.op("Div", net.op("Add", net.op("Clip", latent(net), -1, 1), 1), 2)
    return net.op("Sub", net.op("Mul", net.op("Round", unit), 2), 1)


def plain(net: Export) -> str:
    return net.const(net.signs(*DIMS))


def per_tensor(net: Export) -> str:
    return net.const(np.float32(0.02) * net.signs(*DIMS))


def per_channel(net: Export) -> str:
    return net.const(scale(net) * net.signs(*DIMS))


def noisy(net: Export) -> str:
    factors = 1 + np.float32(2.4e-7) * net.signs(*DIMS)
    return net.const(scale(net) * factors * net.signs(*DIMS))


def negative(net: Export) -> str:
    factor = net.const(-scale(net))
    return net.op("Mul", factor, net.const(net.signs(*DIMS)))


def mixed_alpha(net: Export) -> str:
    return net.op("Mul", net.const(net.signs(6, 1, 1, 1) * scale(net)), sign(net))


def double(net: Export) -> str:
    w = net.op("Cast", net.const(net.real(*DIMS)), to=11)
    return net.op("Cast", net.op("Sign", w), to=1)


def half(net: Export) -> str:
    w = net.const((scale(net) * net.signs(*DIMS)).astype(np.float16))
    return net.op("Cast", w, to=1)


def int8(net: Export) -> str:
    return net.op("Cast", net.const(net.signs(*DIMS).astype(np.int8)), to=1)


def hwio(net: Export) -> str:
    """TensorFlow's order, transposed for Conv."""
    return net.op("Transpose", net.const(net.signs(3, 3, 4, 6)), perm=[3, 2, 0, 1])


def dequantised(net: Export) -> str:
    w = net.const(net.signs(*DIMS).astype(np.int8))
    return net.op("DequantizeLinear", w, net.const(np.float32(0.05)))


WEIGHTS: dict[str, Weight] = {
    "-1 and +1": plain,
    "+-alpha": per_tensor,
    "+-alpha of each channel": per_channel,
    "2.4e-7 of noise": noisy,
    "alpha negative": negative,
    "alpha of both signs": mixed_alpha,
    "Sign": sign,
    "Sign * mean|w|": xnor,
    "Sign * norm / n": xnor_norm,
    "Sign * mean|w| with Clip": bireal,
    "reshaped": bireal_reshaped,
    "centred": centred,
    "standardised": standardised,
    "Where": where,
    "Cast": cast,
    "Round": rounded,
    "double": double,
    "half": half,
    "int8": int8,
    "HWIO": hwio,
    "DequantizeLinear": dequantised,
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weight(name: str, target: Target) -> None:
    net = Export()
    y = net.op("Conv", net.sign("x"), WEIGHTS[name](net), pads=[1, 1, 1, 1])
    assert_binary(target, net.done(y, *SHAPE), 0, tolerance=1e-6)


@pytest.mark.parametrize("factor", [0.25, -3.0, "channel"])
@pytest.mark.parametrize("op", ["Mul", "Div"])
def test_factor_behind_the_convolution(op: str, factor: float | str, target: Target) -> None:
    net = Export()
    by = net.const(net.real(6, 1, 1)) if factor == "channel" else float(factor)
    y = net.op(op, net.conv(net.sign("x"), *DIMS), by)
    assert_binary(
        target,
        net.done(net.op("Add", y, net.const(net.real(1, 6, 1, 1))), *SHAPE),
        None,
        tolerance=1e-6,
    )


DENSE: dict[str, Callable[[Export, str], str]] = {
    "MatMul [K, N]": lambda net, x: net.op("MatMul", x, net.const(net.signs(32, 6))),
    "MatMul, Transpose of [N, K]": lambda net, x: net.op(
        "MatMul", x, net.op("Transpose", net.op("Sign", net.const(net.real(6, 32))), perm=[1, 0])
    ),
    "Gemm": lambda net, x: net.op("Gemm", x, net.const(net.signs(32, 6)), net.const(net.real(6))),
    "Gemm transB": lambda net, x: net.op("Gemm", x, net.const(net.signs(6, 32)), transB=1),
    "Gemm alpha, beta": lambda net, x: net.op(
        "Gemm", x, net.const(net.signs(6, 32)), net.const(net.real(6)), transB=1, alpha=-0.5, beta=2.0
    ),
    "alpha of each output": lambda net, x: net.op(
        "MatMul", x, net.const(abs(net.real(1, 6)) * net.signs(32, 6))
    ),
    "1 x 1 convolution": lambda net, x: net.op(
        "Conv", net.op("Reshape", x, int64(net, 1, 32, 1, 1)), net.const(net.signs(6, 32, 1, 1))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DENSE)
def test_dense(name: str, target: Target) -> None:
    net = Export()
    y = DENSE[name](net, net.sign("x"))
    assert_binary(target, net.done(y, 1, 32), None, tolerance=1e-6)


# -- {0, 1} and other pairs that are not opposite -------------------------------------------------
PAIRS = [(0, 1), (1, 0), (0.25, 0.75), (-1, 3), (0, -0.5)]


@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize(("low", "high"), PAIRS)
def test_weight_of_two_values(low: float, high: float, pads: int, target: Target) -> None:
    """w = s * alpha + beta: a second layer of one output sums up all inputs."""
    net = Export()
    w = np.where(net.signs(*DIMS) > 0, np.float32(high), np.float32(low))
    y = net.op("Conv", net.sign("x"), net.const(w), pads=[pads] * 4)
    proto = net.done(y, *SHAPE)
    report = assert_binary(target, proto, 0 if pads else None, tolerance=1e-6)
    assert f"its weight is {min(low, high):g} or {max(low, high):g}" in report.rows[0].reason
    _, report, _ = convert(proto, Mode.STRICT)
    assert report.rows[0].kind == "float"
    assert "which are not opposite" in report.rows[0].reason


@pytest.mark.parametrize("activations", [(-1, 1), (0, 1)])
def test_zeros_and_ones_between_layers(activations: tuple[int, int], target: Target) -> None:
    """Bit for bit: a convolution, a dense layer, signs of what they give."""
    net = Export()

    def bits(x: str) -> str:
        return net.op("Where", net.op("GreaterOrEqual", x, 0), activations[1], activations[0])

    def zeros_and_ones(*shape: int) -> str:
        return net.const(np.maximum(net.signs(*shape), 0))

    y = net.op("Conv", bits("x"), zeros_and_ones(*DIMS), pads=[1, 1, 1, 1])
    y = net.op("MatMul", net.op("Flatten", bits(net.bn(y, 6))), zeros_and_ones(6 * 56, 5))
    proto = net.done(y, *SHAPE)
    assert_binary(target, proto, -1 if 0 in activations else 0, None)


def test_two_values_that_stay(target: Target) -> None:
    """Real-valued inputs, groups: a float layer."""
    net = Export()
    w = np.maximum(net.signs(6, 2, 3, 3), 0)
    y = net.op("Conv", net.sign("x"), net.const(w), group=2)
    proto = net.done(net.op("Conv", y, net.const(np.maximum(net.signs(3, 6, 1, 1), 0))), *SHAPE)
    _, report, data = convert(proto)
    assert [row.kind for row in report.rows] == ["float", "float"]
    compare(target, proto, data, [critical(SHAPE)], 1e-6)


def test_alpha_of_each_input_channel(target: Target) -> None:
    """A factor per input channel belongs to no output: such a weight is not binary."""
    net = Export()
    w = abs(net.real(1, 4, 1, 1)) * net.signs(*DIMS)
    proto = net.done(net.op("Conv", net.sign("x"), net.const(w)), *SHAPE)
    _, report, data = convert(proto, Mode.MODERATE)
    assert report.rows[0].kind == "float"
    compare(target, proto, data, [critical(SHAPE)], 1e-5)
