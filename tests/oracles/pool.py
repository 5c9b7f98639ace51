# SPDX-License-Identifier: BSD-3-Clause
"""Cases of pooling: pool_max and pool_average on runs of windows, max_bits on rows. All are exact."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Array, Buffer, Case, Struct, in_rows, put_rows, rng


class Shape(NamedTuple):
    """Windows of rows x taps; gap: floats between pixels of x and of out."""

    channels: int
    pixels: int = 3
    rows: int = 3
    taps: int = 3
    stride: int = 1
    gap: int = 0
    fill: str = "random"


class Row(NamedTuple):
    n: int


LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 1000]
WINDOWS = [
    *(Shape(channels) for channels in (*range(20), 31, 32, 33, 64, 100)),
    *(Shape(20, pixels) for pixels in (0, 1, 2, 5)),
    *(Shape(12, 2, rows, taps) for rows, taps in [(1, 1), (1, 3), (3, 1), (2, 2), (7, 7)]),
    *(Shape(19, 4, 2, 2, stride, 4) for stride in (1, 2)),
    *(Shape(channels, 5, 2, 2, 2, 1, "special") for channels in (3, 50)),
]
SLOTS = {
    "pool_max": WINDOWS,
    "pool_average": WINDOWS,
    "max_bits": [Row(n) for n in LENGTHS],
}

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 3e38, -3e38], np.float32)


def case(slot: str, shape: Shape | Row) -> Case:
    """One call of the slot."""
    return window_case(slot, shape) if isinstance(shape, Shape) else row_case(slot, shape)


def row_case(slot: str, shape: Row) -> Case:
    a, b = rng(slot, shape).integers(0, 256, (2, shape.n), np.uint8)
    return Case(slot, {"out": Buffer(a, a & b, align=8), "x": Buffer(b, align=8), "n": shape.n})


def window_case(slot: str, shape: Shape) -> Case:
    random = rng(slot, shape)
    pixel = shape.channels + shape.gap
    row = pixel * ((shape.pixels - 1) * shape.stride + shape.taps + 1)
    index = [
        first * step
        for first, step in zip(
            np.ix_(*(np.arange(n) for n in (shape.pixels, shape.rows, shape.taps, shape.channels))),
            (pixel * shape.stride, row, pixel, 1),
            strict=True,
        )
    ]
    at: Array = sum(index[1:], start=index[0])
    size = int(at.max()) + 1 if at.size else 0
    x = random.standard_normal(size).astype(np.float32)
    if shape.fill == "special":
        x = random.choice(SPECIAL, size)
    taps = x[at].reshape(shape.pixels, shape.rows * shape.taps, shape.channels)
    count = shape.rows * shape.taps + shape.gap
    with np.errstate(all="ignore"):
        values = maximum(taps) if slot == "pool_max" else total(taps) / np.float32(count)
    before = in_rows(np.zeros_like(values), 4 * pixel, random)
    fields: dict[str, int | Buffer] = {
        "rows": shape.rows,
        "row_step": 4 * row,
        "taps": shape.taps,
        "tap_step": 4 * pixel,
        "channels": shape.channels,
        "pixel_step": 4 * pixel * shape.stride,
        "out_step": 4 * pixel,
        "count": count,
    }
    out = Buffer(before, put_rows(before, values + np.float32(0), 4 * pixel))
    return Case(slot, {"out": out, "x": Buffer(x), "p": Struct(fields), "pixels": shape.pixels})


def maximum(taps: Array) -> Array:
    """Of [pixels, taps, channels], in order: a first NaN stays, later ones are passed over."""
    value: Array = taps[:, 0]
    for i in range(1, taps.shape[1]):
        value = np.where(taps[:, i] > value, taps[:, i], value)
    return value


def total(taps: Array) -> Array:
    """The same for their sums."""
    value = np.zeros_like(taps[:, 0])
    for i in range(taps.shape[1]):
        value = value + taps[:, i]
    return value
