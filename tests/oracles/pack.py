# SPDX-License-Identifier: BSD-3-Clause
"""Cases of pack_sign, pack_threshold and unpack."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oracles.bits import group_bytes, pack_group
from oracles.case import Argument, Array, Buffer, Case, Field, Struct, in_rows, put_rows, rng


class Shape(NamedTuple):
    """gap: floats between the channels of one pixel and the next pixel's."""

    pixels: int
    channels: int
    gap: int = 0
    fill: str = "random"


def random_shape(number: int) -> Shape:
    """One of many shapes that nobody thought of."""
    random = rng("random pack", number)
    pixels, channels, gap = random.integers([1, 1, 0], [30, 129, 20]).tolist()
    return Shape(pixels, channels, gap)


CHANNELS = [1, 3, 8, 9, 15, 16, 17, 31, 63, 64, 65, 72, 100, 112, 127, 128]
FILLS = ["plus", "minus", "zeros", "huge"]
SHAPES = [
    *(Shape(pixels, channels) for channels in CHANNELS for pixels in (1, 3)),
    *(Shape(pixels, channels) for channels in (64, 128) for pixels in (0, 2, 4, 5, 7, 8, 9)),
    *(Shape(pixels, channels) for channels in (2, 4, 12, 24, 48, 100) for pixels in (4, 6, 9)),
    *(Shape(5, channels, gap) for channels in (3, 13, 30, 64, 65, 128) for gap in (1, 4, 7, 200)),
    *(Shape(2, channels, 0, fill) for channels in (64, 100, 128) for fill in FILLS),
    *(random_shape(number) for number in range(20)),
]
# What only a comparing kernel need handle: -0.0 and NaN, infinite thresholds; and denormals.
THRESHOLD_FILLS = ["special", "equal", "denormal"]
SLOTS = {
    "pack_sign": SHAPES,
    "pack_threshold": [
        *SHAPES,
        *(
            Shape(4, channels, 1, fill)
            for channels in (7, 33, 64, 90, 128)
            for fill in THRESHOLD_FILLS
        ),
    ],
    "unpack": [shape for shape in SHAPES if shape.fill == "random"],
}

HUGE = np.array([np.inf, -np.inf, 3.4e38, -3.4e38, 1.2e-38, 0.0], np.float32)
SPECIAL = np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1.0, -1.0, 3.4e38], np.float32)
DENORMAL = np.array([1e-45, -1e-45, 1e-39, -1e-39, 0.0, 1.2e-38, -1.2e-38], np.float32)
CONSTANT = {"plus": 1.5, "minus": -1.5, "zeros": 0.0}


def values(shape: Shape, random: np.random.Generator) -> Array:
    """Float32 [pixels, channels] of the shape's kind."""
    size = (shape.pixels, shape.channels)
    if shape.fill in CONSTANT:
        return np.full(size, CONSTANT[shape.fill], np.float32)
    if shape.fill == "huge":
        return random.choice(HUGE, size)
    if shape.fill == "special":
        return random.choice(SPECIAL, size)
    if shape.fill == "denormal":
        return random.choice(DENORMAL, size)
    return random.standard_normal(size).astype(np.float32)


def thresholds(shape: Shape, x: Array, random: np.random.Generator) -> Array:
    """Float32 [channels]: for "equal" every one occurs in x."""
    if shape.fill == "special":
        return random.choice(SPECIAL[~np.isnan(SPECIAL)], shape.channels)
    if shape.fill == "denormal":
        return random.choice(DENORMAL, shape.channels)
    if shape.fill == "equal":
        return x[random.integers(shape.pixels, size=shape.channels), np.arange(shape.channels)]
    return random.standard_normal(shape.channels).astype(np.float32)


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot."""
    random = rng(slot, shape)
    step = 4 * (shape.channels + shape.gap)
    if slot == "unpack":
        return unpack_case(shape, step, random)
    x = values(shape, random)
    group = group_bytes(shape.channels)
    arguments: dict[str, Argument] = {
        "x": Buffer(in_rows(x, step, random)),
        "pixels": shape.pixels,
        "x_step": step,
        "channels": shape.channels,
    }
    if slot == "pack_sign":
        bits = np.signbit(x)
    else:
        threshold = thresholds(shape, x, random)
        flip = random.integers(2, size=(1, shape.channels)).astype(bool)
        with np.errstate(invalid="ignore"):
            bits = ~(x >= threshold) ^ flip
        fields: dict[str, Field] = {
            "threshold": Buffer(threshold),
            "flip": Buffer(pack_group(flip), align=group),
        }
        arguments["t"] = Struct(fields)
    packed = pack_group(bits)
    junk = random.integers(0, 256, packed.shape, np.uint8)
    out = Buffer(junk, packed, align=group)
    return Case(slot, {"out": out, **arguments}, denormals=shape.fill == "denormal")


def unpack_case(shape: Shape, step: int, random: np.random.Generator) -> Case:
    """Pad bits of the input are junk here: nothing may depend on them."""
    group = group_bytes(shape.channels)
    packed = random.integers(0, 256, (shape.pixels, group), np.uint8)
    channel = np.arange(shape.channels)
    bits = packed[:, channel % group] >> (channel // group).astype(np.uint8) & 1
    before = in_rows(np.zeros((shape.pixels, shape.channels), np.float32), step, random)
    after = put_rows(before, np.where(bits == 1, -1.0, 1.0).astype(np.float32), step)
    arguments: dict[str, Argument] = {
        "out": Buffer(before, after),
        "in": Buffer(packed, align=group),
        "pixels": shape.pixels,
        "out_step": step,
        "channels": shape.channels,
    }
    return Case("unpack", arguments)
