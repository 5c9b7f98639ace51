# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the binary convolution and dense slots: bconv128, bconv64, bdense128, bdense64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.bits import ONES
from oracles.case import Argument, Array, Buffer, Case, Struct, rng

VECTOR = {"bconv128": 16, "bconv64": 8, "bdense128": 16, "bdense64": 8}


class Conv(NamedTuple):
    """gap: vectors (taps of weights) that rows of x (of weights) are further apart than need be."""

    pixels: int
    rows: int
    taps: int
    stride: int = 1
    dilation: int = 1
    gap: int = 0
    fill: str = "random"


class Dense(NamedTuple):
    """gap: taps of weights between the blocks."""

    vectors: int
    blocks: int
    gap: int = 0
    fill: str = "random"


def random_conv(number: int) -> Conv:
    """One of many shapes that nobody thought of."""
    random = rng("random conv", number)
    pixels, rows, taps = random.integers(1, [40, 12, 12]).tolist()
    stride, dilation, gap = random.integers([1, 1, 0], [5, 5, 4]).tolist()
    return Conv(pixels, rows, taps, stride, dilation, gap)


CONV_SHAPES = [
    *(Conv(pixels, 3, 3) for pixels in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 21, 22)),
    *(
        Conv(pixels, 1, taps)
        for taps in (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 33)
        for pixels in (1, 7, 8)
    ),
    *(
        Conv(7, rows, taps)
        for rows, taps in [(0, 0), (0, 3), (3, 0), (2, 1), (18, 1), (5, 5), (7, 7)]
    ),
    *(Conv(9, 3, 3, stride, dilation, 2) for stride in (1, 2, 3) for dilation in (1, 2, 5)),
    *(Conv(8, 2, 3, 1, 1, 1, fill) for fill in ("same", "different", "zeros")),
    Conv(8, 4, 127, fill="full"),
    Conv(1, 9, 50, fill="full"),
    *(random_conv(number) for number in range(20)),
]
DENSE_SHAPES = [
    *(Dense(vectors, blocks) for vectors in range(11) for blocks in (1, 3)),
    *(Dense(vectors, 2) for vectors in (15, 16, 17, 31, 32, 33, 64)),
    *(Dense(9, blocks, 1) for blocks in (0, 1, 2, 3, 4, 5, 8, 9)),
    *(Dense(6, 2, 3, fill) for fill in ("same", "different", "zeros")),
    Dense(500, 2, 0, "full"),
]
SLOTS: dict[str, list[Conv] | list[Dense]] = {
    "bconv128": CONV_SHAPES,
    "bconv64": CONV_SHAPES,
    "bdense128": DENSE_SHAPES,
    "bdense64": DENSE_SHAPES,
}


def fill_bits(
    fill: str, x_bytes: int, w_bytes: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """Contents of x and w: "different" and "full" make every count the largest possible."""
    if fill == "random":
        both = random.integers(0, 256, x_bytes + w_bytes, np.uint8)
        return both[:x_bytes], both[x_bytes:]
    x, w = {"zeros": (0, 0), "same": (255, 255), "different": (0, 255), "full": (255, 0)}[fill]
    return np.full(x_bytes, x, np.uint8), np.full(w_bytes, w, np.uint8)


def accumulators(fill: str, counts: Array, random: np.random.Generator) -> Buffer:
    """Sums before and after; "full" ends at 65535, the largest that a caller may ask for."""
    before = 65535 - counts if fill == "full" else random.integers(0, 30000, counts.shape)
    before = before.astype(np.uint16)
    return Buffer(before, (before + counts).astype(np.uint16), align=16)


def counts_of(x: Array, w: Array) -> Array:
    """Different bits of x [n, taps, bytes] and w [m, taps, 8, bytes]: int [max(n, m), 8].

    n and m are equal, or one of them is 1.
    """
    counts: Array = ONES[x[:, :, None, :] ^ w].astype(np.int64).sum(axis=(1, 3))
    return counts


def case(slot: str, shape: Conv | Dense) -> Case:
    """One call of the slot."""
    if isinstance(shape, Conv):
        return conv_case(slot, shape)
    return dense_case(slot, shape)


def dense_case(slot: str, shape: Dense) -> Case:
    """Blocks of weights against one vector."""
    random = rng(slot, shape)
    size = VECTOR[slot]
    step = 8 * size * (shape.vectors + shape.gap)
    used = 8 * size * shape.vectors
    w_bytes = (shape.blocks - 1) * step + used if shape.blocks else 0
    x, w = fill_bits(shape.fill, size * shape.vectors, w_bytes, random)
    blocks = np.array([w[b * step : b * step + used] for b in range(shape.blocks)], np.uint8)
    vectors = x.reshape(1, shape.vectors, size)
    weights = blocks.reshape(shape.blocks, shape.vectors, 8, size)
    arguments: dict[str, Argument] = {
        "acc": accumulators(shape.fill, counts_of(vectors, weights), random),
        "x": Buffer(x, align=size),
        "w": Buffer(w, align=64),
        "vectors": shape.vectors,
        "blocks": shape.blocks,
        "block_step": step,
    }
    return Case(slot, arguments)


def conv_case(slot: str, shape: Conv) -> Case:
    """Rows in a random order, so that neither offset grows from row to row."""
    random = rng(slot, shape)
    size = VECTOR[slot]
    tap_step, pixel_step = shape.dilation * size, shape.stride * size
    reach = (shape.pixels - 1) * pixel_step + (shape.taps - 1) * tap_step + size
    rows = np.empty((shape.rows, 2), np.uint32)
    rows[:, 0] = random.permutation(shape.rows) * (shape.taps * tap_step + shape.gap * size)
    rows[:, 1] = random.permutation(shape.rows) * (shape.taps + shape.gap) * 8 * size
    any_read = shape.pixels and shape.rows and shape.taps
    x_bytes = int(rows[:, 0].max()) + reach if any_read else 0
    w_bytes = int(rows[:, 1].max()) + 8 * size * shape.taps if any_read else 0
    x, w = fill_bits(shape.fill, x_bytes, w_bytes, random)
    arguments: dict[str, Argument] = {
        "acc": accumulators(shape.fill, conv_counts(x, w, rows, shape, size), random),
        "x": Buffer(x, align=size),
        "w": Buffer(w, align=64),
        "p": Struct(
            {
                "rows": Buffer(rows),
                "row_count": shape.rows,
                "taps": shape.taps,
                "tap_step": tap_step,
                "pixel_step": pixel_step,
            }
        ),
        "pixels": shape.pixels,
    }
    return Case(slot, arguments)


def conv_counts(x: Array, w: Array, rows: Array, shape: Conv, size: int) -> Array:
    """Counts [pixels, 8], by gathering every vector."""
    counts = np.zeros((shape.pixels, 8), np.int64)
    if not x.size:
        return counts
    taps = np.arange(shape.taps)
    pixels = np.arange(shape.pixels)[:, None] * shape.stride * size
    for row_x, row_w in rows.tolist():
        starts = row_x + pixels + taps * shape.dilation * size
        vectors = x[starts[:, :, None] + np.arange(size)]
        weights = w[row_w : row_w + 8 * size * shape.taps].reshape(1, shape.taps, 8, size)
        counts += counts_of(vectors, weights)
    return counts
