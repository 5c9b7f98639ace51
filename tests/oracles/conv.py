# SPDX-License-Identifier: BSD-3-Clause
"""Cases of conv_f32 and conv_sign.

Their sums may be fused and reordered: of n products added to an accumulator each is rounded at most
n + 2 times, so the error is at most (n + 2) * 2^-23 of the sum of magnitudes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Argument, Array, Buffer, Case, Struct, rng


class Shape(NamedTuple):
    """gap: pixels between the rows, and taps between the rows' weights."""

    pixels: int
    rows: int
    taps: int
    channels: int
    lanes: int = 8
    stride: int = 1
    dilation: int = 1
    gap: int = 0


SHAPES = [
    *(Shape(pixels, 3, 3, 3) for pixels in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15)),
    *(Shape(5, 2, 2, 3, lanes) for lanes in range(1, 9)),
    *(Shape(5, 1, 1, channels) for channels in (0, 1, 2, 3, 4, 5, 8, 63, 64, 65, 100)),
    *(Shape(3, rows, taps, 2) for rows, taps in [(0, 3), (3, 0), (7, 7), (1, 5)]),
    *(Shape(5, 2, 3, 3, 5, stride, dilation, 1) for stride in (1, 2) for dilation in (1, 3)),
]
SLOTS = {"conv_f32": SHAPES, "conv_sign": SHAPES}


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot."""
    random = rng(slot, shape)
    pixel = 4 * shape.channels
    tap_step, pixel_step = shape.dilation * pixel, shape.stride * pixel
    tap_w = shape.channels * (4 * shape.lanes if slot == "conv_f32" else 1)
    rows = np.empty((shape.rows, 2), np.uint32)
    rows[:, 0] = random.permutation(shape.rows) * (shape.taps + shape.gap) * pixel
    rows[:, 1] = random.permutation(shape.rows) * (shape.taps + shape.gap) * tap_w
    any_read = shape.pixels and shape.rows and shape.taps and shape.channels
    reach = (shape.pixels - 1) * pixel_step + (shape.taps - 1) * tap_step + pixel
    x_bytes = int(rows[:, 0].max()) + reach if any_read else 0
    x = random.standard_normal(x_bytes // 4).astype(np.float32)
    w_bytes = int(rows[:, 1].max()) + tap_w * shape.taps if any_read else 0
    if slot == "conv_f32":
        w = random.standard_normal(w_bytes // 4).astype(np.float32)
    else:
        w = random.integers(0, 256, w_bytes, np.uint8)
    arguments: dict[str, Argument] = {
        "acc": accumulators(slot, shape, x, w, rows, random),
        "x": Buffer(x),
        "w": Buffer(w, align=64),
        "p": Struct(
            {
                "rows": Buffer(rows),
                "row_count": shape.rows,
                "taps": shape.taps,
                "channels": shape.channels,
                "tap_step": tap_step,
                "pixel_step": pixel_step,
            }
        ),
        "pixels": shape.pixels,
        "lanes": shape.lanes,
    }
    return Case(slot, arguments)


def accumulators(
    slot: str, shape: Shape, x: Array, w: Array, rows: Array, random: np.random.Generator
) -> Buffer:
    """Sums in float64, what float32 may differ from them; lanes not there keep their bits."""
    before = random.standard_normal((shape.pixels, 8)).astype(np.float32)
    after = before.astype(np.float64)
    size = np.abs(after)
    lanes = slice(0, shape.lanes)
    if x.size:
        for row_x, row_w in rows.tolist():
            vectors = gather(x, row_x, shape)
            weights = weights_of(slot, w, row_w, shape)
            after[:, lanes] += vectors @ weights
            size[:, lanes] += np.abs(vectors) @ np.abs(weights)
    terms = shape.rows * shape.taps * shape.channels + 2
    tolerance = size * terms * 2.0**-23
    tolerance[:, shape.lanes :] = 0
    return Buffer(before, after.astype(np.float32), align=16, tolerance=tolerance)


def gather(x: Array, start: int, shape: Shape) -> Array:
    """Return x of one row of taps as float64 [pixels, taps * channels]."""
    pixels = np.arange(shape.pixels)[:, None, None] * shape.stride * shape.channels
    taps = np.arange(shape.taps)[:, None] * shape.dilation * shape.channels
    index = start // 4 + pixels + taps + np.arange(shape.channels)
    vectors: Array = x[index].reshape(shape.pixels, -1).astype(np.float64)
    return vectors


def weights_of(slot: str, w: Array, start: int, shape: Shape) -> Array:
    """Weights of one row of taps as float64 [taps * channels, lanes]."""
    n = shape.taps * shape.channels
    if slot == "conv_f32":
        first = start // 4
        weights: Array = w[first : first + n * shape.lanes].astype(np.float64)
        return weights.reshape(n, shape.lanes)
    bits = w[start : start + n, None] >> np.arange(shape.lanes, dtype=np.uint8) & 1
    signs: Array = 1.0 - 2.0 * bits
    return signs
