# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the 8-bit slots: pack_i8, limits_f32, unpack_i8, dot_s8, dot_sign,
sum_affine. All are exact.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from oracles.case import Argument, Array, Buffer, Case, Struct, in_rows, put_rows, rng


class Tile(NamedTuple):
    """Gaps after each pixel of x and of out, in elements. fill: what x is like."""

    pixels: int
    channels: int
    x_gap: int = 0
    out_gap: int = 0
    zero: int = 0
    fill: str = "random"


class Dot(NamedTuple):
    """n: taps (of dot_s8: vectors of 16). fill: largest products, or any."""

    n: int
    pixels: int = 3
    lanes: int = 8
    fill: str = "random"


class Limits(NamedTuple):
    """fill: any numbers, infinities and zeros too, NaN in between, zeros of both signs, nothing beyond the limits."""

    n: int
    fill: str = "random"


class Sums(NamedTuple):
    """gap: floats between the 8 outputs of one pixel and the next. fill: largest sums, or any."""

    pixels: int
    gap: int = 0
    fill: str = "random"


Shape: TypeAlias = "Tile | Dot | Limits | Sums"

TILES = [
    *(Tile(pixels, 8) for pixels in (0, 1, 2, 3, 9)),
    *(Tile(3, channels) for channels in (1, 2, 3, 4, 5, 7, 15, 16, 17, 31, 33, 64, 100, 128)),
    *(Tile(4, channels, 1, 3, 5) for channels in (1, 8, 19)),
]
PACKED = [
    *(Tile(3, 40, 0, 1, zero) for zero in (-128, -1, 1, 127)),
    *(Tile(4, 33, 0, 0, zero, fill) for zero in (-128, 3, 127) for fill in ("halves", "special")),
]
COUNTS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100)
DOTS = [
    *(Dot(n) for n in COUNTS),
    *(Dot(3, pixels) for pixels in (0, 1, 2, 4, 5, 7, 8, 9, 17)),
    Dot(40, 2, 8, "largest"),
]
LANES = [Dot(3, pixels, lanes) for lanes in range(1, 8) for pixels in (1, 4)]
SLOTS = {
    "pack_i8": [*TILES, *PACKED],
    "limits_f32": [
        *(Limits(n) for n in (0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1000)),
        *(Limits(n, fill) for n in (4, 19, 70) for fill in ("special", "nan", "zeros", "inside")),
    ],
    "unpack_i8": TILES,
    "dot_s8": [*DOTS, *LANES],
    "dot_sign": [
        *DOTS,
        *(Dot(n, 15) for n in (5, 8, 39)),
        Dot(300, 2),
        Dot(1024, 1),
        Dot(65536, 1, 8, "largest"),
    ],
    "sum_affine": [
        *(Sums(pixels) for pixels in (0, 1, 2, 3, 4, 5, 17)),
        *(Sums(pixels, gap) for pixels in (1, 2, 5) for gap in (1, 4, 120)),
        Sums(7, 0, "largest"),
    ],
}
SPECIAL = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-30, 63.25, -64.0, 127.5, 1e9], np.float32
)


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot."""
    random = rng(slot, shape)
    if isinstance(shape, Sums):
        return sum_affine(shape, random)
    if isinstance(shape, Limits):
        return limits(shape, random)
    if isinstance(shape, Dot):
        return dot_s8(shape, random) if slot == "dot_s8" else dot_sign(shape, random)
    return pack(shape, random) if slot == "pack_i8" else unpack(shape, random)


def rows_of(values: Array, gap: int, junk: np.random.Generator) -> tuple[Array, int]:
    """Values in rows with a gap of elements, and the bytes from row to row."""
    step = (values.shape[1] + gap) * values.dtype.itemsize
    return in_rows(values, step, junk), step


def tile(shape: Tile, out_step: int, x_step: int) -> Struct:
    fields = {"pixels": shape.pixels, "channels": shape.channels}
    return Struct({**fields, "out_step": out_step, "x_step": x_step})


def pack(shape: Tile, random: np.random.Generator) -> Case:
    size = (shape.pixels, shape.channels)
    scale = np.array([0.375 if shape.fill != "halves" else 0.5], np.float32)
    if shape.fill == "halves":
        x = (random.integers(-600, 600, size) / 4).astype(np.float32)
    elif shape.fill == "special":
        x = random.choice(SPECIAL, size)
    else:
        x = (30 * random.standard_normal(size)).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = np.rint(x / scale) + shape.zero
        want = np.where(np.isnan(numbers), -128, np.clip(numbers, -128, 127)).astype(np.int8)
    rows, x_step = rows_of(x, shape.x_gap, random)
    before, out_step = rows_of(np.zeros(size, np.int8), shape.out_gap, random)
    return Case(
        "pack_i8",
        {
            "out": Buffer(before, put_rows(before, want, out_step), align=1),
            "x": Buffer(rows),
            "tile": tile(shape, out_step, x_step),
            "scale": Buffer(scale),
            "zero": Buffer(np.array([shape.zero], np.int32)),
        },
    )


def limits(shape: Limits, random: np.random.Generator) -> Case:
    before = np.array([-0.5, 0.25], np.float32)
    x = random.standard_normal(shape.n).astype(np.float32)
    if shape.fill == "special":
        x = random.choice(SPECIAL, shape.n)
    elif shape.fill == "nan":
        x[:: 1 if shape.n < 5 else 2] = np.nan
    elif shape.fill == "zeros":
        before[:] = 0
        x = random.choice(np.array([0.0, -0.0], np.float32), shape.n)
    elif shape.fill == "inside":
        x /= 100
    counted = np.concatenate([before, x[~np.isnan(x)]])
    after = np.array([counted.min(), counted.max()], np.float32) + np.float32(0)
    return Case("limits_f32", {"limits": Buffer(before, after), "x": Buffer(x), "n": shape.n})


def unpack(shape: Tile, random: np.random.Generator) -> Case:
    size = (shape.pixels, shape.channels)
    x = random.integers(-128, 128, size, np.int8)
    rows, x_step = rows_of(x, shape.x_gap, random)
    before, out_step = rows_of(np.zeros(size, np.float32), shape.out_gap, random)
    out = Buffer(before, put_rows(before, x.astype(np.float32), out_step))
    return Case(
        "unpack_i8", {"out": out, "x": Buffer(rows, align=1), "tile": tile(shape, out_step, x_step)}
    )


def numbers(shape: Dot, count: int, random: np.random.Generator) -> Array:
    """x [pixels, count]."""
    if shape.fill == "largest":
        return np.full((shape.pixels, count), -128, np.int8)
    return random.integers(-128, 128, (shape.pixels, count), np.int8)


def sums(shape: Dot, added: Array, random: np.random.Generator) -> Buffer:
    """acc before and after [pixels, lanes] are added."""
    before = random.integers(-(2**20), 2**20, (shape.pixels, 8), np.int32)
    after = before.copy()
    after[:, : added.shape[1]] += added
    return Buffer(before, after, align=16)


def dot_s8(shape: Dot, random: np.random.Generator) -> Case:
    x = numbers(shape, 16 * shape.n, random)
    w = random.integers(-127, 128, (shape.n, shape.lanes, 16), np.int8)
    if shape.fill == "largest":
        w[:] = -127
    flat = w.transpose(0, 2, 1).reshape(16 * shape.n, shape.lanes)
    arguments: dict[str, Argument] = {
        "acc": sums(shape, x.astype(np.int32) @ flat.astype(np.int32), random),
        "x": Buffer(x, align=16),
        "w": Buffer(w, align=16),
        "vectors": shape.n,
        "pixels": shape.pixels,
        "lanes": shape.lanes,
    }
    return Case("dot_s8", arguments)


def dot_sign(shape: Dot, random: np.random.Generator) -> Case:
    x = numbers(shape, -(-shape.n // 16) * 16, random)
    w = random.integers(0, 256, shape.n, np.uint8)
    if shape.fill == "largest":
        w[:] = 0x0F
    signs = 1 - 2 * (w[:, None] >> np.arange(8, dtype=np.uint8) & 1).astype(np.int32)
    arguments: dict[str, Argument] = {
        "acc": sums(shape, x[:, : shape.n].astype(np.int32) @ signs, random),
        "x": Buffer(x, align=16),
        "w": Buffer(w, align=1),
        "n": shape.n,
        "pixels": shape.pixels,
    }
    return Case("dot_sign", arguments)


def sum_affine(shape: Sums, random: np.random.Generator) -> Case:
    most = 2**31 if shape.fill == "largest" else 2**20  # beyond 2^24 not every integer is a float
    acc = random.integers(-most, most, (shape.pixels, 8), np.int32)
    mul, add = random.standard_normal((2, 8)).astype(np.float32)
    want = acc.astype(np.float32) * mul + add
    out, out_step = rows_of(np.zeros_like(want), shape.gap, random)
    return Case(
        "sum_affine",
        {
            "out": Buffer(out, put_rows(out, want, out_step)),
            "acc": Buffer(acc, align=16),
            "mul": Buffer(mul),
            "add": Buffer(add),
            "pixels": shape.pixels,
            "out_step": out_step,
        },
    )
