# SPDX-License-Identifier: BSD-3-Clause
"""Cases of copy_f32, copy_i8 and transpose_f32."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Argument, Buffer, Case, Struct, in_rows, put_rows, rng


class Shape(NamedTuple):
    """Gaps in floats (of copy_i8: bytes), after each row of x and of out."""

    pixels: int
    channels: int
    x_gap: int = 0
    out_gap: int = 0


SHAPES = [
    *(Shape(3, channels) for channels in (*range(1, 21), 31, 32, 33, 100)),
    *(Shape(pixels, 3) for pixels in (0, 1, 2, 4, 5, 7, 8, 9, 17)),
    *(Shape(5, channels, 1, 3) for channels in (2, 3, 6, 19)),
]
BYTES = [Shape(3, n, 2, 5) for n in (0, 63, 64, 65, 127, 128, 129, 200)]
SLOTS = {"copy_f32": SHAPES, "copy_i8": [*SHAPES, *BYTES], "transpose_f32": SHAPES}


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot; of transpose_f32 the rows of x are channels."""
    random = rng(slot, shape)
    kind = np.uint8 if slot == "copy_i8" else np.uint32
    values = random.integers(0, np.iinfo(kind).max, (shape.pixels, shape.channels), kind, True)
    rows = values.T if slot == "transpose_f32" else values
    x_step = (rows.shape[1] + shape.x_gap) * values.itemsize
    out_step = (shape.channels + shape.out_gap) * values.itemsize
    before = in_rows(np.zeros_like(values), out_step, random)
    fields: dict[str, int | Buffer] = {
        "pixels": shape.pixels,
        "channels": shape.channels,
        "out_step": out_step,
        "x_step": x_step,
    }
    arguments: dict[str, Argument] = {
        "out": Buffer(before, put_rows(before, values, out_step)),
        "x": Buffer(in_rows(rows, x_step, random)),
        "tile": Struct(fields),
    }
    return Case(slot, arguments)
