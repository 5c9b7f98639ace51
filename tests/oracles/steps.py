# SPDX-License-Identifier: BSD-3-Clause
"""Cases of the step_* slots, docs/dab-format.md, section 4."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from converter import functions
from converter.functions import Function
from oracles.case import Array, Buffer, Case, Field, Struct, in_rows, put_rows, rng

# What a step makes of x, and its operands.
Result: TypeAlias = "tuple[Array, dict[str, Field]]"


class Shape(NamedTuple):
    """Gaps in floats, after each pixel of x and of out; in_place: out is x."""

    pixels: int
    channels: int
    x_gap: int = 0
    out_gap: int = 0
    fill: str = "random"
    in_place: bool = False


SHAPES = [
    *(Shape(pixels, 8) for pixels in (0, 1, 2, 3, 7, 8, 9)),
    *(Shape(3, channels) for channels in (1, 2, 3, 4, 5, 7, 9, 15, 16, 17, 63, 64, 65, 100, 128)),
    *(Shape(4, channels, 1, 3) for channels in (1, 8, 19)),
    *(Shape(4, channels, 2, 2, in_place=True) for channels in (1, 8, 19)),
    *(Shape(3, channels, 0, 1, "special") for channels in (5, 18, 64)),
]
OF_TWO: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "mul": np.multiply,
    "sub": np.subtract,
    "div": np.divide,
    "max": lambda v, w: np.where(w > v, w, v),
    "min": lambda v, w: np.where(w < v, w, v),
}
#: Gaps say which function it is: each of them meets several sizes, and special values.
FUNCTIONS = [
    Shape(pixels, channels, x_gap=int(function), fill=fill)
    for function in Function
    for pixels, channels, fill in ((0, 3, "random"), (2, 100, "random"), (5, 64, "special"))
]
SLOTS = {
    **{f"step_{name}": SHAPES for name in ("affine", "clip", "prelu", "add", "sign")},
    **{f"step_{name}": SHAPES for name in ("mul", "sub", "div", "max", "min")},
    "step_function": FUNCTIONS,
}

# ReLU6, ReLU, and others; the special values meet ReLU and two others that contain zero.
LIMITS = np.array(
    [(0.0, 6.0), (0.0, np.inf), (-np.inf, 0.5), (-1.0, 1.0), (0.25, 0.25)], np.float32
)
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 3e38, -3e38], np.float32)


def values(shape: Shape, random: np.random.Generator) -> Array:
    """Float32 [pixels, channels]."""
    size = (shape.pixels, shape.channels)
    if shape.fill == "special":
        return random.choice(SPECIAL, size)
    return random.standard_normal(size).astype(np.float32)


def constants(shape: Shape, random: np.random.Generator) -> Array:
    """Float32 [channels] that are never -0.0, NaN or infinite."""
    values = random.standard_normal(shape.channels)
    values[random.random(shape.channels) < 0.1] = 0
    return values.astype(np.float32)


def step_affine(shape: Shape, x: Array, random: np.random.Generator) -> Result:
    mul, add = constants(shape, random), constants(shape, random)
    return x * mul + add, {"mul": Buffer(mul), "add": Buffer(add)}


def step_clip(shape: Shape, x: Array, random: np.random.Generator) -> Result:
    limits = LIMITS[(shape.pixels + shape.channels) % len(LIMITS)]
    clipped = np.minimum(np.maximum(x, limits[0]), limits[1])
    return clipped + np.float32(0), {"limits": Buffer(limits)}


def step_prelu(shape: Shape, x: Array, random: np.random.Generator) -> Result:
    slope = constants(shape, random)
    return np.where(x >= 0, x, x * slope) + np.float32(0), {"slope": Buffer(slope)}


def step_of_two(slot: str, shape: Shape, x: Array, random: np.random.Generator) -> Result:
    other = values(shape, random)
    if slot == "step_div":  # no quotient is a denormal, which 32-bit ARM may take for 0
        other = np.where(np.isfinite(other), np.clip(other, -2e37, 2e37), other)
    step = 4 * (shape.channels + shape.x_gap + 1)
    fields: dict[str, Field] = {"other": Buffer(in_rows(other, step, random)), "other_step": step}
    return OF_TWO[slot.removeprefix("step_")](x, other) + np.float32(0), fields


def step_function(shape: Shape, x: Array, random: np.random.Generator) -> Result:
    """Whatever the scale: functions change where x is about 1, and end where it is about 90."""
    x *= random.choice(np.array([0.1, 1, 10, 60], np.float32), x.shape)
    return functions.apply(Function(shape.x_gap), x), {"function": shape.x_gap}


def step_sign(shape: Shape, x: Array, random: np.random.Generator) -> Result:
    threshold = constants(shape, random)
    if shape.fill == "special":
        threshold = random.choice(np.array([0, np.inf, -np.inf, 1], np.float32), shape.channels)
    flip = random.integers(0, 2, shape.channels).astype(np.uint8)
    result = np.where((x >= threshold) != (flip == 1), np.float32(1), np.float32(-1))
    return result, {"threshold": Buffer(threshold), "flip": Buffer(flip, align=1)}


STEPS: dict[str, Callable[[Shape, Array, np.random.Generator], Result]] = {
    **{f.__name__: f for f in (step_affine, step_clip, step_prelu, step_sign, step_function)},
    **{f"step_{name}": partial(step_of_two, f"step_{name}") for name in OF_TWO},
}


def case(slot: str, shape: Shape) -> Case:
    """One call of the slot. -0.0 goes in and never comes out."""
    random = rng(slot, shape)
    x = values(shape, random)
    with np.errstate(all="ignore"):
        result, operands = STEPS[slot](shape, x, random)
    x_step = 4 * (shape.channels + shape.x_gap)
    out_step = 4 * (shape.channels + shape.out_gap)
    source = Buffer(in_rows(x, x_step, random))
    if shape.in_place:
        source.after = put_rows(source.before, result, x_step)
        out = source
    else:
        before = in_rows(np.zeros_like(x), out_step, random)
        out = Buffer(before, put_rows(before, result, out_step))
    tile = Struct(
        {
            "pixels": shape.pixels,
            "channels": shape.channels,
            "out_step": out_step,
            "x_step": x_step,
        }
    )
    return Case(slot, {"out": out, "x": source, "tile": tile, **operands})
