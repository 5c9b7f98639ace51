# SPDX-License-Identifier: BSD-3-Clause
"""x[mask] = value, as PyTorch's newer exporter writes it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from converter import passes
from converter.errors import ConversionError
from converter.onnx_import import from_model
from onnx_builder import assert_equal_to_runtime, model, node

IMAGE = (1, 4, 6, 5)
RNG = np.random.default_rng(4)


def assignment(mask: str, x: str, value: str, y: str) -> list[onnx.NodeProto]:
    """x[mask] = value -> y: a scatter to the indices where the mask is true."""
    return [
        node("NonZero", mask, f"{y}_found"),
        node("Transpose", f"{y}_found", f"{y}_indices", perm=[1, 0]),
        node("Reshape", f"{mask} flat", f"{y}_row"),
        node("Cast", f"{y}_row", f"{y}_ones", to=TensorProto.INT64),
        node("ReduceSum", f"{y}_ones", f"{y}_count"),
        node("Expand", f"{value} {y}_count", f"{y}_values"),
        node("Reshape", f"{y}_values flat", f"{y}_updates"),
        node("ScatterND", f"{x} {y}_indices {y}_updates", y),
    ]


NUMBERS = {
    "flat": np.array([-1]),
    "zero": np.float32(0),
    "one": np.float32(1),
    "minus": np.float32(-1),
    "pair": np.array([1, 2], np.float32),
    "lower": np.array([True, False, True, True, False]),
}


def test_masked_assignment() -> None:
    """x[x >= 0] = 1, then [x < 0] = -1: a sign, which the passes find."""
    nodes = [
        node("GreaterOrEqual", "x zero", "above"),
        *assignment("above", "x", "one", "half"),
        node("Less", "x zero", "below"),
        *assignment("below", "half", "minus", "signs"),
        node("Conv", "signs w", "y"),
    ]
    consts = {**NUMBERS, "w": RNG.choice([-1, 1], (3, 4, 3, 3)).astype(np.float32)}
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts, opset=18))
    assert passes.run(graph).count("binary") == 1


def test_masked_assignment_to_a_weight() -> None:
    nodes = [
        node("Sign", "w", "signs"),
        node("Equal", "signs zero", "none"),
        *assignment("none", "signs", "one", "filled"),
        node("Conv", "x filled", "y"),
    ]
    consts = {**NUMBERS, "w": RNG.integers(-1, 2, (3, 4, 3, 3)).astype(np.float32)}
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts, opset=18))
    assert [n.op for n in graph.nodes] == ["conv"]


@pytest.mark.parametrize(
    ("mask", "value", "message"),
    [
        ("lower", "one", "its mask .* must have the shape"),
        ("above", "pair", "more than one number"),
    ],
)
def test_masked_assignment_that_is_no_choice(mask: str, value: str, message: str) -> None:
    nodes = [node("Greater", "x zero", "above"), *assignment(mask, "x", value, "y")]
    with pytest.raises(ConversionError, match=message):
        from_model(model(nodes, {"x": IMAGE}, NUMBERS, opset=18))
