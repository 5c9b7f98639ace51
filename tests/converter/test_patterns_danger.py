# SPDX-License-Identifier: BSD-3-Clause
"""Graphs that other converters turn into something else: each is right, or refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from converter.errors import ConversionError
from converter.passes import Mode, SignZero
from exported import Export, assert_binary, compare, convert, critical
from onnx_builder import Array, runtime
from targets import Target

SHAPE = (1, 4, 9, 8)
MODES = list(Mode)


def samples(*shape: int) -> list[Array]:
    whole = np.random.default_rng(1).integers(-3, 4, shape).astype(np.float32)
    return [critical(shape, seed=seed) for seed in range(2)] + [whole]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("alpha", [1.0, 0.125])
def test_real_input_with_binary_weights(mode: Mode, alpha: float, target: Target) -> None:
    """A first layer, or a BWN: the input must not be signed."""
    net = Export()
    first = net.op("Conv", "x", net.const(np.float32(alpha) * net.signs(6, 4, 3, 3)), pads=[1] * 4)
    y = net.conv(net.sign(net.bn(first, 6)), 5, 6, 3, 3)
    proto = net.done(
        net.op("Add", y, net.op("Conv", first, net.const(net.signs(5, 6, 3, 3)))), *SHAPE
    )
    _, report, data = convert(proto, mode)
    float_input = "binary-weight" if alpha == 1 or mode is not Mode.STRICT else "float"
    assert [row.kind for row in report.rows] == [float_input, "binary", "binary-weight"]
    assert "real-valued" in report.rows[2].reason
    compare(target, proto, data, samples(*SHAPE)[2:])  # integers: no rounding decides about a sign


@pytest.mark.parametrize("mode", MODES)
def test_ternary_weights(mode: Mode, target: Target) -> None:
    net = Export()
    w = np.float32(0.02) * net.signs(6, 4, 3, 3)
    w[1, 2, 0, 0] = 0
    proto = net.done(net.op("Conv", net.sign("x"), net.const(w)), *SHAPE)
    _, report, data = convert(proto, mode)
    assert report.rows[0].kind == "float"
    assert "3 values: -0.02, 0, 0.02" in report.rows[0].reason
    compare(target, proto, data, samples(*SHAPE), 1e-5)


def test_sign_of_a_weight_that_has_a_zero(target: Target) -> None:
    """Sign(0) = 0 in a weight is a third value, also where an author meant signs."""
    net = Export()
    w = net.real(6, 4, 3, 3)
    w[2, 1, 1, 1] = 0
    proto = net.done(net.op("Conv", net.sign("x"), net.op("Sign", net.const(w))), *SHAPE)
    _, report, data = convert(proto, Mode.AGGRESSIVE)
    assert "3 values: -1, 0, 1" in report.rows[0].reason
    compare(target, proto, data, samples(*SHAPE))


def even_sums(bias: float) -> Export:
    """Sign of a dot product of 36 terms: it meets 0, unless the bias is no even integer."""
    net = Export()
    y = net.conv(net.sign("x"), 4, 4, 3, 3)
    net.op("Conv", net.op("Sign", net.op("Add", y, bias)), net.const(net.signs(5, 4, 3, 3)))
    return net


@pytest.mark.parametrize("bias", [0.0, 2.0, -36.0])
def test_zero_of_integers_is_an_error(bias: float) -> None:
    net = even_sums(bias)
    with pytest.raises(
        ConversionError, match=r"Sign meets exactly 0 .*--sign-zero \+1 or --sign-zero -1"
    ):
        convert(net.done(net.nodes[-1].output[0], *SHAPE))


@pytest.mark.parametrize("zero", [SignZero.PLUS, SignZero.MINUS])
def test_zero_of_integers_as_the_user_says(zero: SignZero, target: Target) -> None:
    net, other = even_sums(0.0), even_sums(0.5 if zero is SignZero.PLUS else -0.5)
    _, _, data = convert(net.done(net.nodes[-1].output[0], *SHAPE), sign_zero=zero)
    compare(target, other.done(other.nodes[-1].output[0], *SHAPE), data, samples(*SHAPE))


@pytest.mark.parametrize("bias", [0.5, 1.0, 38.0, -1e-3])
def test_zero_of_integers_that_is_out_of_reach(bias: float, target: Target) -> None:
    """The conversion proves it, and says nothing."""
    net = even_sums(bias)
    proto = net.done(net.nodes[-1].output[0], *SHAPE)
    report = assert_binary(target, proto, None, None)
    assert not report.warnings


def test_zero_of_floats_is_a_warning(target: Target) -> None:
    net = Export()
    proto = net.done(net.conv(net.op("Sign", "x"), 5, 4, 3, 3), *SHAPE)
    _, report, data = convert(proto)
    (warning,) = report.warnings
    assert "Sign meets exactly 0 in floats" in warning
    assert "sign0" in warning
    compare(target, proto, data, [critical(SHAPE, zeros=False)])
    with pytest.raises(ConversionError, match="'sign0': it may meet 0"):
        convert(proto, sign_zero=SignZero.ERROR)


@pytest.mark.parametrize("zero", [SignZero.PLUS, SignZero.MINUS])
def test_zero_of_floats_as_the_user_says(zero: SignZero, target: Target) -> None:
    net, other = Export(), Export()
    proto = net.done(net.conv(net.op("Sign", "x"), 5, 4, 3, 3), *SHAPE)
    _, report, data = convert(proto, sign_zero=zero)
    assert not report.warnings
    compare_op = "GreaterOrEqual" if zero is SignZero.PLUS else "Greater"
    signs = other.op("Where", other.op(compare_op, "x", 0), 1, -1)
    compare(target, other.done(other.conv(signs, 5, 4, 3, 3), *SHAPE), data, samples(*SHAPE))


def test_zero_behind_relu(target: Target) -> None:
    """Sign of a Relu is 0 or 1, not -1 or 1: floats give 0 half of the time, and no option changes that."""
    net = Export()
    proto = net.done(
        net.conv(net.op("Sign", net.op("Relu", "x")), 5, 4, 3, 3, pads=[1] * 4), *SHAPE
    )
    assert_binary(target, proto, -1)


@pytest.mark.parametrize("level", [-1.0, 1.0])
def test_constant_channels(level: float, target: Target) -> None:
    """A threshold that no value reaches: some channels (and in the second layer all) have one sign only."""
    net = Export()
    shift = np.array([level * 1e9, 0.1, 0.3, level * 1e9], np.float32).reshape(4, 1, 1)
    y = net.conv(net.sign(net.op("Add", "x", net.const(shift))), 6, 4, 3, 3, pads=[1] * 4)
    far = net.op(
        "Add", y, net.const(np.array([50, -50, 1, 36.5, -36.5, 1], np.float32).reshape(6, 1, 1))
    )
    proto = net.done(net.conv(net.sign(far), 5, 6, 3, 3, pads=[1] * 4), *SHAPE)
    assert_binary(target, proto, 0, 0)


@pytest.mark.parametrize(("gamma", "beta"), [(0.0, 0.5), (0.0, -0.5), (-0.7, 0.25), (1e-38, 0.5)])
@pytest.mark.parametrize("var", [0.0, 1.0])
def test_gamma_of_zero_or_below(gamma: float, beta: float, var: float, target: Target) -> None:
    """Batch normalization with gamma 0 (a constant sign), below 0 (a falling one), variance 0."""
    net = Export()
    y = net.conv(net.sign("x"), 6, 4, 3, 3)
    scale = np.array([gamma, 1, gamma, 0.5, gamma, -1], np.float32)
    names = [net.const(c) for c in (scale, np.full(6, beta, np.float32), net.real(6))]
    names.append(net.const(np.array([var, 1, 1, var, 1, var], np.float32)))
    y = net.op("BatchNormalization", y, *names, epsilon=1e-3)
    assert_binary(target, net.done(net.conv(net.sign(y), 5, 6, 3, 3), *SHAPE), None, None)


def test_gamma_zero_and_beta_zero_meet_sign() -> None:
    """A pruned channel: every value is 0, and ONNX Sign gives 0."""
    net = Export()
    y = net.conv(net.sign("x"), 2, 4, 3, 3)
    names = [net.const(np.array(c, np.float32)) for c in ([0, 1], [0, 0.3], [1, 0.1], [1, 1])]
    y = net.op("Sign", net.op("BatchNormalization", y, *names))
    with pytest.raises(ConversionError, match=r"channel 0.*--sign-zero"):
        convert(net.done(net.conv(y, 5, 2, 3, 3), *SHAPE))


def test_shared_sign(target: Target) -> None:
    """Two layers (one of them float) and a sum read one sign."""
    net = Export()
    bits = net.sign("x")
    a = net.conv(bits, 4, 4, 3, 3, pads=[1] * 4)
    b = net.op("Conv", bits, net.const(net.real(4, 4, 1, 1)))
    proto = net.done(net.op("Add", net.op("Add", a, b), bits), *SHAPE)
    _, report, data = convert(proto)
    assert [row.kind for row in report.rows] == ["binary", "float"]
    compare(target, proto, data, samples(*SHAPE), 1e-5)


def test_shared_weights(target: Target) -> None:
    """One weight in two layers, of which one has falling channels: its signs are negated there only."""
    net = Export()
    w = net.op("Sign", net.const(net.real(4, 4, 3, 3)))
    y = net.op("Conv", net.sign("x"), w, pads=[1] * 4)
    y = net.sign(net.bn(y, 4))
    proto = net.done(net.op("Conv", y, w, pads=[1] * 4), *SHAPE)
    assert_binary(target, proto, 0, 0)


def test_convolution_with_two_readers(target: Target) -> None:
    """BatchNormalization and sign on one side, a shortcut on the other, with falling channels."""
    net = Export()
    dots = net.conv(net.sign("x"), 4, 4, 3, 3, pads=[1] * 4)
    inner = net.conv(net.sign(net.bn(dots, 4)), 4, 4, 3, 3, pads=[1] * 4)
    proto = net.done(net.op("Add", inner, dots), *SHAPE)
    assert_binary(target, proto, 0, 0)


def test_convolution_with_two_signs(target: Target) -> None:
    """Two normalizations of one dot product with signs of their own, rising and falling in the same channels."""
    net = Export()
    dots = net.conv(net.sign("x"), 4, 4, 3, 3, pads=[1] * 4)
    a = net.conv(net.sign(net.bn(dots, 4)), 4, 4, 3, 3)
    b = net.conv(net.sign(net.bn(net.op("Neg", dots), 4)), 4, 4, 3, 3)
    proto = net.done(net.op("Add", a, b), *SHAPE)
    assert_binary(target, proto, 0, None, None)


@pytest.mark.parametrize("epsilon", [1e-3, 1e-2])
def test_epsilon_decides(epsilon: float, target: Target) -> None:
    """gamma / sqrt(var + epsilon) with small variances: 1e-5 in its place would give other signs."""
    net = Export()
    y = net.conv(net.sign("x"), 8, 4, 3, 3)
    variance = net.const(np.full(8, 1e-4, np.float32))
    names = [net.const(np.ones(8, np.float32)), net.const(np.full(8, -110, np.float32))]
    names.append(net.const(np.zeros(8, np.float32)))
    bn = net.op("BatchNormalization", y, *names, variance, epsilon=epsilon)
    proto = net.done(net.conv(net.sign(bn), 5, 8, 1, 1), *SHAPE)
    assert_binary(target, proto, None, None)
    wrong = proto.__class__.FromString(proto.SerializeToString())
    next(n for n in wrong.graph.node if n.op_type == "BatchNormalization").attribute[0].f = 1e-5
    x = {"x": critical(SHAPE)}
    assert np.any(runtime(proto, x)[0] != runtime(wrong, x)[0])


@pytest.mark.parametrize("mode", MODES)
def test_mode_and_binary_list_together(mode: Mode, target: Target) -> None:
    """A listed layer becomes binary in every mode; what is not listed follows the mode as if there were no list."""
    net = Export()
    listed = net.op("Conv", "x", net.const(net.real(4, 4, 3, 3)), pads=[1] * 4)
    alpha = net.op("Conv", net.sign(listed), net.const(np.float32(0.5) * net.signs(4, 4, 3, 3)))
    padded = net.op(
        "Pad", alpha, net.const(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64)), net.const(-1.0)
    )
    proto = net.done(net.conv(padded, 5, 4, 3, 3), *SHAPE)
    _, with_list, _ = convert(proto, mode, binary_list=[listed])
    _, without, _ = convert(proto, mode)
    assert [row.kind for row in without.rows[:1]] == ["float"]
    assert (with_list.rows[0].kind, with_list.rows[0].forced) == ("binary", True)
    rest = [(row.kind, row.border, row.inserted_sign) for row in with_list.rows[1:]]
    assert rest == [(row.kind, row.border, row.inserted_sign) for row in without.rows[1:]]
    strict = mode is Mode.STRICT
    assert rest == [
        ("float" if strict else "binary", None, False),
        ("binary-weight", None, False) if strict else ("binary", -1, True),
    ]
