# SPDX-License-Identifier: BSD-3-Clause
"""8-bit layers that make their numbers in each run (docs/dab-format.md, 5.1): the same bits as numpy's on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import dab, dab_run, int8
from converter.dab_model import Kind, Step, Type
from converter.lowering.builder import Builder
from targets import Target

Array = npt.NDArray[Any]
H, W, C, O = 5, 7, 19, 9  # noqa: E741
LARGEST = np.finfo(np.float32).max
TINY = np.finfo(np.float32).tiny


def model(seed: int) -> bytes:
    """A padded convolution and a dense layer of one input."""
    rng = np.random.default_rng(seed)
    b = Builder({})
    x = b.activation(Type.F32, (H, W, C), "x")
    b.inputs.append(x)
    b.outputs += [
        b.activation(Type.F32, dims, name) for name, dims in (("y", (H, W, O)), ("z", (1, 1, O)))
    ]
    filters = b.weights8(rng.integers(-127, 128, (1, O, 3, 3, C)))
    rows = b.weights8(rng.integers(-127, 128, (1, O, 1, 1, H * W * C)))
    words = [1, 1, 1, 1, 1, 1, 1, 1, 0]
    b.op(Kind.QCONV2D, [x, filters], b.outputs[:1], words, [Step.EMIT_F32])
    b.op(Kind.QDENSE, [x, rows], b.outputs[1:], [0], [Step.EMIT_F32])
    return dab.write(b.finish())


def some(*values: float) -> Array:
    """Normal numbers with others among them."""
    x = np.random.default_rng(len(values)).standard_normal(H * W * C).astype(np.float32)
    x[5 :: 600 // len(values)][: len(values)] = values
    return x.reshape(H, W, C)


CASES = {
    "normal": some(0.0),
    "positive": np.abs(some(0.0)) + np.float32(3),
    "negative": -np.abs(some(0.0)) - np.float32(3),
    "zeros": np.zeros((H, W, C), np.float32),
    "zeros of both signs": np.copysign(np.float32(0), some(0.0)),
    "one value": np.full((H, W, C), 0.3, np.float32),
    "halves": np.round(some(0.0) * 40).clip(-127, 127.5) / 2 + np.float32(0.25),
    "not a number": some(np.nan, np.nan, -np.nan),
    "nothing but that": np.full((H, W, C), np.nan, np.float32),
    "infinity": some(np.inf),
    "infinities": some(np.inf, -np.inf, np.nan),
    "largest": some(LARGEST, -LARGEST),
    "smallest scale": some(0.0).clip(-1, 1) * np.float32(TINY * 130),
    "denormals below": np.maximum(some(-TINY / 2, -TINY / 3) * np.float32(TINY * 500), -TINY / 2),
    "too small": some(0.0).clip(-1, 1) * np.float32(TINY * 100),
}


@pytest.mark.parametrize("name", CASES)
def test_equal_bits(target: Target, isa: str | None, name: str) -> None:
    data = model(3)
    want = dab_run.run(dab.read(data), [CASES[name]])
    for workers in (1, 3):
        got = Target(target.machine).run(data, [CASES[name]], isa, workers=workers)
        for a, b in zip(want, got, strict=True):
            assert not np.isnan(a).any()
            np.testing.assert_array_equal(b.view(np.int32), a.view(np.int32))


@pytest.mark.parametrize("name", ["normal", "positive", "negative", "one value", "halves"])
def test_numbers_are_near(name: str) -> None:
    x = CASES[name]
    numbers, scale, _ = int8.own_range(x)
    assert np.abs(numbers * scale - x).max() <= 0.501 * scale
    assert numbers.max() - numbers.min() <= 255


def test_the_file_says_that_it_is_new() -> None:
    assert model(0)[10] == 2
