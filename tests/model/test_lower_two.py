# SPDX-License-Identifier: BSD-3-Clause
"""Lowering of functions, arithmetic of two activations, slices and resizing: results, and the ops that come out."""

from __future__ import annotations

import numpy as np
import pytest

from converter.dab_model import Kind, Step, Type
from ir_builder import Net
from model.test_lower import bconv, kinds, lowered, quantise


def test_slice_that_repeats_and_goes_backwards() -> None:
    net = Net(1, 3, 4, 4)
    back = net.op("slice", net.x, shape=(1, 3, 2, 4), starts=(0, 2, 3, 0), steps=(1, -1, -2, 1))
    row = net.op("slice", net.x, shape=(1, 3, 1, 4), starts=(0, 0, 1, 0), steps=(1, 1, 1, 1))
    rows = net.op("slice", row, shape=(1, 3, 2, 4), starts=(0, 0, 0, 0), steps=(1, 1, 0, 1))
    assert kinds(lowered(net.done(net.op("add", back, rows)))).count("slice") == 3


# -- two activations, functions --


def test_gate_is_a_step() -> None:
    """Squeeze and excitation; the scale of inputs of XNOR-Net."""
    net = Net(1, 5, 6, 4)
    x = net.conv(net.x, net.real(7, 5, 3, 3))
    pooled = net.op("avgpool", x, kernel=(4, 2), strides=(1, 1), pads=(0,) * 4, count_pad=False)
    gate = net.op("sigmoid", net.conv(pooled, net.real(7, 7, 1, 1)))
    scale = net.op("abs", net.conv(net.x, net.real(1, 5, 3, 3)))
    y = net.op("mul", net.op("mul", x, gate), scale)
    model = lowered(net.done(net.op("tanh", y)))
    last = [op for op in model.ops if op.kind == Kind.POINTWISE][-1]
    assert last.steps == [Step.MUL, Step.MUL, Step.FUNCTION, Step.EMIT_F32]


@pytest.mark.parametrize("op", ["add", "mul", "sub", "div", "max", "min"])
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(
    "other", [(5, 6, 4), (5, 1, 1), (1, 6, 4), (1, 1, 1), (1, 6, 1), (5, 1, 4)]
)
def test_two_activations(op: str, swap: bool, other: tuple[int, ...]) -> None:
    """With all broadcasting, that of constants too."""
    net = Net(1, 5, 6, 4)
    x, y = net.op("exp", net.x), net.op("exp", net.input("y", 1, *other))
    z = net.op(op, *((y, x) if swap else (x, y)))
    constant = np.exp(net.real(1, *other))
    z = net.op(op, *((constant, z) if swap else (z, constant)))
    steps = [step for node in lowered(net.done(z)).ops for step in node.steps if node.codes]
    assert steps.count(Step[op.upper()]) == 2


def test_both_are_repeated() -> None:
    net = Net(1, 5, 1, 4)
    model = lowered(net.done(net.op("sub", net.x, net.input("y", 1, 1, 6, 4))))
    assert kinds(model).count("slice") == 1
    assert [op.steps for op in model.ops if op.codes] == [[Step.SUB, Step.EMIT_F32]]


def test_product_with_itself() -> None:
    net = Net(1, 5, 6, 4)
    x = net.conv(net.x, net.real(7, 5, 3, 3))
    assert kinds(lowered(net.done(net.op("mul", x, x)))).count("pointwise") == 1


# -- resizing --

ROWS, COLUMNS = (0, 0, 1, 2, 2, 3), (3, 1, 0)


def test_bits_are_enlarged_as_bits() -> None:
    net = Net(1, 70, 4, 4)
    x = net.op("gather2d", quantise(net, net.x), rows=ROWS, columns=COLUMNS)
    model = lowered(net.done(bconv(net, x, 8)))
    types = [model.tensors[op.outputs[0]].type for op in model.ops if op.kind == Kind.GATHER2D]
    assert types == [Type.BITS]


def test_enlarged_bits_that_are_an_output() -> None:
    net = Net(1, 5, 4, 4)
    x = net.op("gather2d", quantise(net, net.x), rows=ROWS, columns=COLUMNS)
    model = lowered(net.done(bconv(net, x, 8), x))
    assert kinds(model).count("gather2d") == 2


def test_weighted_rows_and_columns() -> None:
    net = Net(1, 5, 4, 4)
    x = net.op(
        "resize2d",
        net.x,
        rows=((0, 1), (3, 2), (3, 3)),
        columns=((1, 2),),
        row_weights=((0.25, 0.75), (0.5, 0.5), (-1.0, 2.0)),
        column_weights=((1.5, -0.5),),
    )
    assert "resize2d" in kinds(lowered(net.done(x)))
