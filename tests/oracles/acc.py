# SPDX-License-Identifier: BSD-3-Clause
"""Cases of acc_affine and acc_bits: what becomes of popcounts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.case import Argument, Array, Buffer, Case, Struct, in_rows, put_rows, rng


class Affine(NamedTuple):
    """gap: floats between the 8 outputs of one pixel and the next."""

    pixels: int
    gap: int = 0
    fill: str = "random"


class Bits(NamedTuple):
    """gap: bytes between the 8 outputs of one pixel and the next."""

    pixels: int
    bit: int
    gap: int = 0
    fill: str = "random"


PIXELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17]
SLOTS: dict[str, list[Affine] | list[Bits]] = {
    "acc_affine": [
        *(Affine(pixels) for pixels in PIXELS),
        *(Affine(5, gap) for gap in (1, 2, 8, 120)),
        *(Affine(7, 8, fill) for fill in ("low", "high", "huge")),
    ],
    "acc_bits": [
        *(Bits(pixels, pixels % 8, 120) for pixels in PIXELS),
        *(Bits(7, bit, gap) for bit in range(8) for gap in (0, 8)),
        *(Bits(3, 5, gap) for gap in (1, 3, 24)),
        *(Bits(8, 7, 0, fill) for fill in ("low", "high", "equal")),
    ],
}


def accumulators(pixels: int, fill: str, random: np.random.Generator) -> Array:
    """Uint16 [pixels, 8]."""
    if fill in ("low", "high"):
        return np.full((pixels, 8), {"low": 0, "high": 65535}[fill], np.uint16)
    return random.integers(0, 65536, (pixels, 8)).astype(np.uint16)


def case(slot: str, shape: Affine | Bits) -> Case:
    """One call of the slot."""
    if isinstance(shape, Affine):
        return affine_case(shape)
    return bits_case(shape)


def affine_case(shape: Affine) -> Case:
    """Each operation is rounded to float32, as numpy does."""
    random = rng("acc_affine", shape)
    acc = accumulators(shape.pixels, shape.fill, random)
    base = random.integers(0, 3 * 65535, 8).astype(np.int32)
    mul = (random.standard_normal(8) / 100).astype(np.float32)
    add = random.standard_normal(8).astype(np.float32)
    if shape.fill == "huge":
        mul = random.choice(np.array([3e38, -3e38, 0.0, 1.0], np.float32), 8)
        add = random.choice(np.array([3e38, -3e38, 0.0], np.float32), 8)
    with np.errstate(over="ignore", invalid="ignore"):
        dots = (base - 2 * acc.astype(np.int32)).astype(np.float32)
        result = dots * mul + add
    step = 4 * (8 + shape.gap)
    before = in_rows(np.zeros_like(result), step, random)
    arguments: dict[str, Argument] = {
        "out": Buffer(before, put_rows(before, result, step)),
        "acc": Buffer(acc, align=16),
        "p": Struct({"base": Buffer(base), "mul": Buffer(mul), "add": Buffer(add)}),
        "pixels": shape.pixels,
        "out_step": step,
    }
    return Case("acc_affine", arguments)


def bits_case(shape: Bits) -> Case:
    """The other bits of `out` are junk, as are the gaps: they belong to other blocks."""
    random = rng("acc_bits", shape)
    acc = accumulators(shape.pixels, shape.fill, random)
    limit = random.integers(0, 65536, 8).astype(np.uint16)
    limit[:2] = 0, 65535
    if shape.fill == "equal":
        limit = acc[0].copy()
        acc[1:4] = np.minimum(limit, 65534) + 1
        acc[4:] = np.maximum(limit, 1) - 1
    step = 8 + shape.gap
    others = random.integers(0, 256, (shape.pixels, 8), np.uint8)
    before = in_rows(others, step, random)
    before &= np.uint8(255 - (1 << shape.bit))
    bits = (acc >= limit).astype(np.uint8) << np.uint8(shape.bit)
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
