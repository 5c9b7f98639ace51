# SPDX-License-Identifier: BSD-3-Clause
"""Cases of max_f32, add_f32 and max_bits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Buffer, Case, rng


class Shape(NamedTuple):
    n: int
    fill: str = "random"


LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 1000]
SHAPES = [*(Shape(n) for n in LENGTHS), Shape(50, "special")]
SLOTS = {"max_f32": SHAPES, "add_f32": SHAPES, "max_bits": SHAPES[:-1]}

SPECIAL = np.array([0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 3e38, -3e38], np.float32)


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot."""
    random = rng(slot, shape)
    if slot == "max_bits":
        a, b = random.integers(0, 256, (2, shape.n), np.uint8)
        result = a & b
    else:
        if shape.fill == "special":
            a, b = random.choice(SPECIAL, (2, shape.n))
        else:
            a, b = random.standard_normal((2, shape.n)).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            result = a + b if slot == "add_f32" else np.where(b > a, b, a)
    align = 8 if slot == "max_bits" else 4
    out, x = Buffer(a, result, align=align), Buffer(b, align=align)
    return Case(slot, {"out": out, "x": x, "n": shape.n})
