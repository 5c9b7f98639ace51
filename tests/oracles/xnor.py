# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the binary convolution and dense slots: bconv128, bconv64, bconv64x2, bdense128, bdense64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.bits import ONES
from oracles.case import Argument, Array, Buffer, Case, Field, Struct, rng

VECTOR = {"bconv128": 16, "bconv64": 8, "bconv64x2": 8, "bdense128": 16, "bdense64": 8}
COPIES = {"bconv64x2": 2}  # how often each vector of x stands in it


class Conv(NamedTuple):
    """lines x pixels outputs. gap: vectors that rows, lines and groups of x are further apart than need be."""

    pixels: int
    rows: int
    taps: int
    stride: int = 1
    dilation: int = 1
    gap: int = 0
    fill: str = "random"
    lines: int = 1
    groups: int = 1


class Dense(NamedTuple):
    """gap: taps of weights between the blocks."""

    vectors: int
    blocks: int
    gap: int = 0
    fill: str = "random"


def random_conv(number: int) -> Conv:
    """One of many shapes that nobody thought of."""
    random = rng("random conv", number)
    pixels, rows, taps, lines, groups = random.integers(1, [40, 8, 12, 4, 4]).tolist()
    stride, dilation, gap = random.integers([1, 1, 0], [5, 5, 4]).tolist()
    return Conv(pixels, rows, taps, stride, dilation, gap, "random", lines, groups)


CONV_SHAPES = [
    *(Conv(pixels, 3, 3) for pixels in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 21, 22)),
    *(Conv(pixels, 1, taps) for taps in (1, 2, 3, 4, 5, 7, 8, 9, 10, 33) for pixels in (1, 7, 8)),
    *(Conv(7, rows, taps) for rows, taps in [(2, 1), (18, 1), (5, 5), (7, 7)]),
    *(Conv(9, 3, 3, stride, dilation, 2) for stride in (1, 2, 3) for dilation in (1, 2, 5)),
    *(Conv(pixels, 3, 3, 2) for pixels in (1, 2, 3, 4, 5, 6, 7, 8, 14)),
    *(Conv(7, 2, taps, 2) for taps in (1, 2, 4, 5)),
    *(Conv(8, 2, 3, 1, 1, 1, fill) for fill in ("same", "different", "zeros")),
    *(Conv(8, 3, 3, 1, 1, 1, "random", lines, groups) for lines in (0, 2, 3) for groups in (1, 2)),
    *(Conv(7, 2, 3, stride, 1, 1, "random", 2, 3) for stride in (1, 2)),
    *(Conv(5, 2, taps, 1, 1, 1, "random", 3, 2) for taps in (1, 2, 5)),
    *(
        Conv(pixels, 1, 1, 1, 1, 1, "random", 2, groups)
        for pixels in (7, 9, 14)
        for groups in (2, 3, 5)
    ),
    Conv(8, 4, 127, fill="full"),
    Conv(1, 9, 50, fill="full"),
    *(random_conv(number) for number in range(24)),
]
DENSE_SHAPES = [
    *(Dense(vectors, blocks) for vectors in range(11) for blocks in (1, 3, 4)),
    *(Dense(vectors, 2) for vectors in (15, 16, 17, 31, 32, 33, 64)),
    *(Dense(9, blocks, 1) for blocks in (0, 1, 2, 3, 4, 5, 8, 9)),
    *(Dense(6, 2, 3, fill) for fill in ("same", "different", "zeros")),
    Dense(500, 2, 0, "full"),
]
SLOTS: dict[str, list[Conv] | list[Dense]] = {
    "bconv128": CONV_SHAPES,
    "bconv64": CONV_SHAPES,
    "bconv64x2": CONV_SHAPES,
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


def accumulators(counts: Array, random: np.random.Generator) -> Buffer:
    """Sums before and after, modulo 65536."""
    before = random.integers(0, 65536, counts.shape)
    return Buffer(before.astype(np.uint16), (before + counts).astype(np.uint16), align=16)


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
        "acc": accumulators(counts_of(vectors, weights), random),
        "x": Buffer(x, align=size),
        "w": Buffer(w, align=64),
        "vectors": shape.vectors,
        "blocks": shape.blocks,
        "block_step": step,
    }
    return Case(slot, arguments)


def conv_case(slot: str, shape: Conv) -> Case:
    """Lines of x are sorted by phase; groups, rows and lines are in no particular order."""
    random = rng(slot, shape)
    size, copies = VECTOR[slot], COPIES.get(slot, 1)
    pixel = copies * size
    ends = (shape.pixels - 1) * shape.stride + (shape.taps - 1) * shape.dilation + 1
    phase = -(-ends // shape.stride) + shape.gap  # vectors
    line = (phase * shape.stride + shape.gap) * pixel
    taps = np.arange(shape.taps) * shape.dilation
    tap_x = (taps % shape.stride * phase + taps // shape.stride) * pixel
    row_step, line_step, group_step = (random.permutation(3) + 1) * line
    struct: dict[str, Field] = {
        "groups": shape.groups,
        "group_step": int(group_step),
        "rows": shape.rows,
        "row_step": int(row_step),
        "taps": shape.taps,
        "tap_x": Buffer(tap_x.astype(np.uint32)),
        "line_step": int(line_step),
        "phases": shape.stride if shape.dilation == 1 else 0,
    }
    groups, rows, lines = (np.arange(n) for n in (shape.groups, shape.rows, shape.lines))
    vectors = (groups * group_step)[:, None, None] + (rows * row_step)[:, None] + tap_x
    pixels = (lines * line_step)[:, None] + np.arange(shape.pixels) * pixel
    starts = pixels.reshape(-1, 1) + vectors.reshape(1, -1)  # [pixels, taps]
    w_bytes = vectors.size * 8 * size if starts.size else 0
    x_vectors = int(starts.max(initial=-pixel)) // pixel + 1
    x, w = fill_bits(shape.fill, x_vectors * size, w_bytes, random)
    x = np.repeat(x.reshape(-1, 1, size), copies, axis=1).reshape(-1)
    arguments: dict[str, Argument] = {
        "acc": accumulators(conv_counts(x, w, starts, size), random),
        "x": Buffer(x, align=pixel),
        "w": Buffer(w, align=64),
        "p": Struct(struct),
        "lines": shape.lines,
        "pixels": shape.pixels,
    }
    return Case(slot, arguments)


def conv_counts(x: Array, w: Array, starts: Array, size: int) -> Array:
    """Counts [pixels, 8] of the vectors at `starts` [pixels, taps] against all weights."""
    counts = np.zeros((len(starts), 8), np.int64)
    for i, weights in enumerate(w.reshape(-1, 1, 1, 8, size)):
        vectors = x[starts[:, i, None] + np.arange(size)]
        counts += counts_of(vectors[:, None], weights)
    return counts
