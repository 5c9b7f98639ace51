# SPDX-License-Identifier: BSD-3-Clause
"""Spellings of the sign of an activation, as ONNX graphs: each becomes bits in front of a binary convolution.

A row: name, the border that a convolution padded with 0 gets, whether 0 in the input is harmless, the spelling.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exported import Export, assert_binary
from targets import Target

Spelling = Callable[[Export, str], str]
SHAPE = (1, 4, 8, 7)


def where(compare: str, first: float, second: float, swapped: bool = False) -> Spelling:
    """Where(compare(x, 0), first, second), or compare(0, x)."""

    def build(net: Export, x: str) -> str:
        pair: tuple[str | float, str | float] = (0, x) if swapped else (x, 0)
        return net.op("Where", net.op(compare, *pair), first, second)

    return build


def inverted(compare: str, first: float, second: float) -> Spelling:
    def build(net: Export, x: str) -> str:
        return net.op("Where", net.op("Not", net.op(compare, x, 0)), first, second)

    return build


def cast(compare: str, *steps: tuple[str, float], to: int = 1, last: bool = True) -> Spelling:
    """Cast(compare(x, 0)) followed by arithmetic; `last`: the constant stands on the right."""

    def build(net: Export, x: str) -> str:
        y = net.op("Cast", net.op(compare, x, 0), to=to)
        if to != 1:
            y = net.op("Cast", y, to=1)
        for op, c in steps:
            y = net.op(op, y, c) if last else net.op(op, c, y)
        return y

    return build


def cast_difference(net: Export, x: str) -> str:
    above = net.op("Cast", net.op("Greater", x, 0), to=1)
    return net.op("Sub", above, net.op("Cast", net.op("LessOrEqual", x, 0), to=1))


def cast_of_not(net: Export, x: str) -> str:
    above = net.op("Cast", net.op("Not", net.op("Less", x, 0)), to=1)
    return net.op("Sub", net.op("Add", above, above), 1)


def integer_arithmetic(net: Export, x: str) -> str:
    bits = net.op("Cast", net.op("GreaterOrEqual", x, 0), to=7)
    two, one = (net.const(np.array(v, np.int64)) for v in (2, 1))
    return net.op("Cast", net.op("Sub", net.op("Mul", bits, two), one), to=1)


def bool_and(net: Export, x: str) -> str:
    finite = net.op("Not", net.op("Less", net.op("Abs", x), -1))
    return net.op("Where", net.op("And", net.op("Greater", x, 0), finite), 1, -1)


def equal_sign(net: Export, x: str) -> str:
    """Zeros of Sign become +1: Where(Equal(s, 0), 1, s)."""
    s = net.op("Sign", x)
    return net.op("Where", net.op("Equal", s, 0), 1, s)


def masked_fill(net: Export, x: str) -> str:
    y = net.op("Where", net.op("Less", x, 0), -1, x)
    return net.op("Where", net.op("GreaterOrEqual", y, 0), 1, y)


def rounded(op: str, *steps: tuple[str, float]) -> Spelling:
    def build(net: Export, x: str) -> str:
        y = net.op("Clip", x, -1, 1)
        y = net.op(op, net.op("Div", net.op("Add", y, 1), 2))
        for step, c in steps:
            y = net.op(step, y, c)
        return y

    return build


def hard_sigmoid_round(net: Export, x: str) -> str:
    y = net.op("Round", net.op("HardSigmoid", x, alpha=0.5, beta=0.5))
    return net.op("Sub", net.op("Mul", 2, y), 1)


def hardtanh_ste(net: Export, x: str) -> str:
    t = net.op("Clip", x, -1, 1)
    return net.op("Add", t, net.op("Sub", net.sign(x), t))


def min_max_ste(net: Export, x: str) -> str:
    t = net.op("Min", net.op("Max", x, -1), 1)
    return net.op("Sub", t, net.op("Sub", t, net.sign(x)))


def tanh_ste(net: Export, x: str) -> str:
    t = net.op("Tanh", x)
    return net.op("Sub", net.op("Add", net.sign(x), t), t)


def cubic_ste(net: Export, x: str) -> str:
    """A polynomial of a clipped tensor, written with Pow."""
    c = net.op("Clip", x, -1, 1)
    t = net.op("Sub", net.op("Mul", c, 1.5), net.op("Mul", net.op("Pow", c, 3), 0.5))
    return net.op("Add", net.op("Sub", net.op("Sign", x), t), t)


SPELLINGS: dict[str, tuple[int, bool, Spelling]] = {
    "Where Greater": (0, True, where("Greater", 1, -1)),
    "Where GreaterOrEqual": (0, True, where("GreaterOrEqual", 1, -1)),
    "Where Less, swapped values": (0, True, where("Less", -1, 1)),
    "Where LessOrEqual, swapped values": (0, True, where("LessOrEqual", -1, 1)),
    "Where falling": (0, True, where("Greater", -1, 1)),
    "Where, constant first": (0, True, where("Less", 1, -1, swapped=True)),
    "Where Not": (0, True, inverted("Less", 1, -1)),
    "Where Not LessOrEqual": (0, True, inverted("LessOrEqual", 1, -1)),
    "Where Not, falling": (0, True, inverted("Greater", 1, -1)),
    "Where 0.3": (0, True, where("Greater", 0.3, -0.3)),
    "Where {0, 1}": (-1, True, where("Greater", 1, 0)),
    "Where {0, 1} falling": (-1, True, where("Greater", 0, 1)),
    "Where {-1, 0}": (1, True, where("Greater", 0, -1)),
    "Where {0, 0.7}": (-1, True, where("GreaterOrEqual", 0.7, 0)),
    "Cast": (-1, True, cast("Greater")),
    "Cast x2 -1": (0, True, cast("GreaterOrEqual", ("Mul", 2), ("Sub", 1))),
    "Cast 2x -1+": (0, True, cast("GreaterOrEqual", ("Mul", 2), ("Add", -1), last=False)),
    "Cast -0.5 x2": (0, True, cast("Greater", ("Sub", 0.5), ("Mul", 2))),
    "Cast -0.5 /0.5": (0, True, cast("Greater", ("Sub", 0.5), ("Div", 0.5))),
    "Cast 1-2x": (0, True, cast("Less", ("Mul", 2), ("Sub", 1), last=False)),
    "Cast to int64": (0, True, cast("Greater", ("Mul", 2), ("Sub", 1), to=7)),
    "Cast to uint8": (0, True, cast("Less", ("Mul", -2), ("Add", 1), to=2)),
    "Cast to double": (0, True, cast("Less", ("Mul", -2), ("Add", 1), to=11)),
    "difference of Casts": (0, True, cast_difference),
    "Cast of Not, added to itself": (0, True, cast_of_not),
    "integers": (0, True, integer_arithmetic),
    "And": (0, True, bool_and),
    "Sign, its zeros replaced": (0, True, equal_sign),
    "masked fill": (0, True, masked_fill),
    "Round to even": (0, True, rounded("Round", ("Mul", 2), ("Sub", 1))),
    "Round, {0, 1}": (-1, True, rounded("Round")),
    "Round of HardSigmoid": (0, True, hard_sigmoid_round),
    "Sign": (0, False, lambda net, x: net.op("Sign", x)),
    "Tanh -> Sign": (0, False, lambda net, x: net.op("Sign", net.op("Tanh", x))),
    "Sign + c -> Sign": (0, True, lambda net, x: net.op("Sign", net.op("Add", net.op("Sign", x), 0.1))),
    "Sign - c -> Sign": (0, True, lambda net, x: net.op("Sign", net.op("Sub", net.op("Sign", x), 0.5))),
    "c + Sign -> Sign, opset order": (
        0, True, lambda net, x: net.op("Sign", net.op("Add", 0.1, net.op("Sign", x)))
    ),
    "Clip -> Sign": (0, False, lambda net, x: net.op("Sign", net.op("Clip", x, -1, 1))),
    "Sign / 2 + 0.5": (
        -1, False, lambda net, x: net.op("Add", net.op("Div", net.op("Sign", x), 2), 0.5)
    ),
    "Relu of Sign": (-1, True, lambda net, x: net.op("Relu", net.op("Sign", x))),
    "HardTanh straight-through": (0, True, hardtanh_ste),
    "Min and Max straight-through": (0, True, min_max_ste),
    "Tanh straight-through": (0, True, tanh_ste),
    "cubic straight-through": (0, False, cubic_ste),
    "RSign": (0, True, lambda net, x: net.sign(net.op("Add", x, net.const(net.real(1, 4, 1, 1))))),
    "PRelu -> Sign": (
        0, False, lambda net, x: net.op("Sign", net.op("PRelu", x, net.const(abs(net.real(4, 1, 1)))))
    ),
    "Sub, Mul, Sign": (
        0,
        True,
        lambda net, x: net.sign(
            net.op("Mul", net.op("Sub", x, net.const(net.real(4, 1, 1))), net.const(net.real(4, 1, 1)))
        ),
    ),
    "BatchNormalization -> Sign": (0, True, lambda net, x: net.sign(net.bn(x, 4, 1e-3))),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_spelling(name: str, target: Target) -> None:
    """A convolution that pads with 0 reads it."""
    border, zeros, spelling = SPELLINGS[name]
    net = Export()
    y = net.conv(spelling(net, "x"), 5, 4, 3, 3, pads=[1, 1, 1, 1])
    report = assert_binary(target, net.done(y, *SHAPE), border, tolerance=1e-6, zeros=zeros)
    assert not [text for text in report.warnings if "no sign function" in text]
