# SPDX-License-Identifier: BSD-3-Clause
"""Cases of acc_start, acc_affine, acc_affine_row and acc_bits: where accumulators start, what becomes of them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from oracles.case import Argument, Array, Buffer, Case, Struct, in_rows, put_rows, rng


class Start(NamedTuple):
    """classes: different starts; 0: none is looked up."""

    pixels: int
    classes: int = 0


class Affine(NamedTuple):
    """gap: floats between the 8 outputs of one pixel and the next."""

    pixels: int
    gap: int = 0
    odd: int = 0
    fill: str = "random"


class Row(NamedTuple):
    """n: outputs of the pixel."""

    n: int
    odd: int = 0
    fill: str = "random"


class Bits(NamedTuple):
    """gap: bytes between the 8 outputs of one pixel and the next."""

    pixels: int
    bit: int
    gap: int = 0
    fill: str = "random"


Shape: TypeAlias = "Start | Affine | Row | Bits"

PIXELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17]
LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 40, 100]
SLOTS: dict[str, list[Start] | list[Affine] | list[Row] | list[Bits]] = {
    "acc_start": [
        *(Start(pixels, classes) for pixels in (*PIXELS, 56, 57) for classes in (0, 9)),
        Start(5, 1),
    ],
    "acc_affine": [
        *(Affine(pixels, 0, pixels % 2) for pixels in PIXELS),
        *(Affine(5, gap) for gap in (1, 2, 8, 120)),
        *(Affine(7, 8, odd, fill) for odd in (0, 1) for fill in ("low", "high", "huge")),
    ],
    "acc_affine_row": [
        *(Row(n, odd) for n in LENGTHS for odd in (0, 1)),
        *(Row(37, odd, fill) for odd in (0, 1) for fill in ("low", "high", "huge")),
    ],
    "acc_bits": [
        *(Bits(pixels, pixels % 8, 120) for pixels in PIXELS),
        *(Bits(7, bit, gap) for bit in range(8) for gap in (0, 8)),
        *(Bits(3, 5, gap) for gap in (1, 3, 24)),
        *(Bits(8, 7, 0, fill) for fill in ("low", "high", "equal")),
    ],
}


def accumulators(shape: tuple[int, ...], odd: int, fill: str, random: np.random.Generator) -> Array:
    """Int16 of all sizes: odd - 2 * acc is at most 65534 either way."""
    low, high = odd - 32767, 32767
    if fill in ("low", "high"):
        return np.full(shape, {"low": low, "high": high}[fill], np.int16)
    return random.integers(low, high + 1, shape).astype(np.int16)


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot."""
    if isinstance(shape, Start):
        return start_case(shape)
    if isinstance(shape, Affine):
        return affine_case(shape)
    if isinstance(shape, Row):
        return row_case(shape)
    return bits_case(shape)


def start_case(shape: Start) -> Case:
    """Starts are anywhere in a table of them."""
    random = rng("acc_start", shape)
    start = random.integers(0, 65536, (max(shape.classes, 1), 8)).astype(np.uint16)
    classes = random.integers(0, max(shape.classes, 1), shape.pixels)
    before = random.integers(0, 65536, (shape.pixels, 8)).astype(np.uint16)
    arguments: dict[str, Argument] = {
        "acc": Buffer(before, start[classes], align=16),
        "start": Buffer(start, align=16),
        "classes": Buffer(classes.astype(np.uint32)) if shape.classes else 0,
        "pixels": shape.pixels,
    }
    return Case("acc_start", arguments)


def affine(acc: Array, odd: int, fill: str, random: np.random.Generator) -> tuple[Array, Struct]:
    """Return outputs of acc [..., n] and the struct; each operation is rounded to float32, as numpy does."""
    n = int(acc.shape[-1])
    mul = (random.standard_normal(n) / 100).astype(np.float32)
    add = random.standard_normal(n).astype(np.float32)
    if fill == "huge":
        mul = random.choice(np.array([3e38, -3e38, 0.0, 1.0], np.float32), n)
        add = random.choice(np.array([3e38, -3e38, 0.0], np.float32), n)
    with np.errstate(over="ignore", invalid="ignore"):
        dots: Array = np.asarray(odd - 2 * acc.astype(np.int32), np.float32)
        result: Array = dots * mul + add
    return result, Struct({"mul": Buffer(mul), "add": Buffer(add), "odd": odd})


def affine_case(shape: Affine) -> Case:
    """Several pixels of 8 outputs."""
    random = rng("acc_affine", shape)
    acc = accumulators((shape.pixels, 8), shape.odd, shape.fill, random)
    result, struct = affine(acc, shape.odd, shape.fill, random)
    step = 4 * (8 + shape.gap)
    before = in_rows(np.zeros_like(result), step, random)
    arguments: dict[str, Argument] = {
        "out": Buffer(before, put_rows(before, result, step)),
        "acc": Buffer(acc, align=16),
        "p": struct,
        "pixels": shape.pixels,
        "out_step": step,
    }
    return Case("acc_affine", arguments)


def row_case(shape: Row) -> Case:
    """One pixel."""
    random = rng("acc_affine_row", shape)
    acc = accumulators((shape.n,), shape.odd, shape.fill, random)
    result, struct = affine(acc, shape.odd, shape.fill, random)
    before = random.standard_normal(shape.n).astype(np.float32)
    arguments: dict[str, Argument] = {
        "out": Buffer(before, result),
        "acc": Buffer(acc, align=16),
        "p": struct,
        "n": shape.n,
    }
    return Case("acc_affine_row", arguments)


def bits_case(shape: Bits) -> Case:
    """The other bits of `out` are junk, as are the gaps: they belong to other blocks."""
    random = rng("acc_bits", shape)
    acc = accumulators((shape.pixels, 8), 0, shape.fill, random)
    limit = random.integers(-32768, 32768, 8).astype(np.int16)
    limit[:2] = -32768, 32767
    if shape.fill == "equal":
        limit = acc[0].copy()
        acc[1:4] = np.minimum(limit, 32766) + 1
        acc[4:] = np.maximum(limit, -32766) - 1
    step = 8 + shape.gap
    others = random.integers(0, 256, (shape.pixels, 8), np.uint8)
    before = in_rows(others, step, random)
    before &= np.uint8(255 - (1 << shape.bit))
    bits = (acc > limit).astype(np.uint8) << np.uint8(shape.bit)
    after = before | put_rows(np.zeros_like(before), bits, step)
    arguments: dict[str, Argument] = {
        "out": Buffer(before, after, align=8 if shape.gap % 8 == 0 else 1),
        "acc": Buffer(acc, align=16),
        "limit": Buffer(limit, align=2),
        "pixels": shape.pixels,
        "out_step": step,
        "bit": shape.bit,
    }
    return Case("acc_bits", arguments)
