# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions, dense layers and their paddings, as exporters write them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from generator import weights
from generator.exact import Graph, Tensor
from generator.signs import any_sign, row

Pads = tuple[int, int, int, int]


def turned(g: Graph, x: Tensor, last: bool) -> Tensor:
    """The image with its channels on the last axis, or on axis 1."""
    if not x.image or x.last == last:
        return x
    perm = (0, 2, 3, 1) if last else (0, 3, 1, 2)
    name = g.emit("Transpose", [x.name], perm=perm)
    return replace(x, name=name, shape=tuple(x.shape[i] for i in perm), last=last)


def channels_of(shape: tuple[int, ...], x: Tensor, channels: int) -> tuple[int, ...]:
    """A shape [1, C, H, W] with other channels, in the order of x."""
    _, _, height, width = shape
    return (1, height, width, channels) if x.last else (1, channels, height, width)


def is_border(levels: tuple[float, float], value: float) -> bool:
    """Whether padding with a value can be the border -1, 0 or +1 of a tensor with two levels."""
    return value in (*levels, (levels[0] + levels[1]) / 2)


# -- Pad ---------------------------------------------------------------------------------------------
def computed(g: Graph, before: list[int], after: list[int]) -> str:
    """Pads as PyTorch's older exporter computes them from its own order."""
    pairs = [n for pair in zip(before[::-1], after[::-1], strict=True) for n in pair]
    given, rest = pairs[:4], pairs[4:]
    zeros = g.constant(np.array(rest, np.int64))
    if not any(rest) and g.opset >= 9:
        zeros = g.emit("ConstantOfShape", [g.ints(len(rest))])  # of float, as its default is
        zeros = g.emit("Cast", [zeros], to=7)
    both = g.emit("Concat", [g.ints(*given), zeros], axis=0)
    rows = g.emit("Reshape", [both, g.ints(-1, 2)])
    ends = [g.ints(-1), g.ints(-(2**31)), g.ints(0), g.ints(-1)]
    turned_rows = g.emit("Transpose", [g.emit("Slice", [rows, *ends])], perm=[1, 0])
    return g.emit("Cast", [g.emit("Reshape", [turned_rows, g.ints(-1)])], to=7)


def pad(g: Graph, x: Tensor, pads: Pads, value: float) -> Tensor:
    """A Pad node in one of the forms of its opset."""
    top, left, bottom, right = pads
    before, after = [0, 0, top, left], [0, 0, bottom, right]
    if x.last:
        before, after = [0, top, left, 0], [0, bottom, right, 0]
    shape = tuple(b + d + a for b, d, a in zip(before, x.shape, after, strict=True))
    facts: dict[str, Any] = {
        "shape": shape,
        "bound": max(x.bound, abs(value)),
        "grain": min(x.grain, 0.5),
        "nonzero": x.nonzero and value != 0,
        "levels": x.levels if x.levels and value in x.levels else None,
    }
    if g.opset < 11:
        return g.apply("Pad", x, attrs={"pads": before + after, "value": float(value)}, **facts)
    kind = g.pick("all", "computed", "axes")
    names = [computed(g, before, after) if kind == "computed" else g.ints(*before, *after)]
    if kind == "axes" and g.opset >= 18:
        axes = [1, 2] if x.last else [2, 3]
        names = [g.ints(*(before[a] for a in axes), *(after[a] for a in axes))]
    if value or g.chance(50):
        names.append(g.constant(np.array(value, np.float32)))
    if kind == "axes" and g.opset >= 18:
        names += [""] * (2 - len(names)) + [g.ints(*axes)]
    return g.apply("Pad", x, *names, **facts)


# -- convolution -------------------------------------------------------------------------------------
class Window:
    """Kernel, strides, dilations and padding of a convolution that fits its image."""

    def __init__(self, g: Graph, size: tuple[int, int]) -> None:
        self.kernel = [g.pick(3, 1, 2, 3, 1, 5) for _ in size]
        self.strides = [g.pick(1, 1, 2) for _ in size]
        self.dilations = [g.pick(1, 1, 1, 2) for _ in size]
        kind = g.pick("none", "same", "uneven")
        self.pads: Pads = (0, 0, 0, 0)
        if kind == "same":
            self.pads = (self.kernel[0] // 2, self.kernel[1] // 2) * 2
        elif kind == "uneven":
            self.pads = tuple(g.integer(0, 3) for _ in range(4))  # type: ignore[assignment]
        for axis in (0, 1):
            if size[axis] + self.pads[axis] + self.pads[axis + 2] < self.extent(axis):
                self.kernel[axis] = 1

    def extent(self, axis: int) -> int:
        return (self.kernel[axis] - 1) * self.dilations[axis] + 1

    def output(self, size: tuple[int, int]) -> tuple[int, ...]:
        return tuple(
            (size[i] + self.pads[i] + self.pads[i + 2] - self.extent(i)) // self.strides[i] + 1
            for i in (0, 1)
        )

    def attrs(self, g: Graph, size: tuple[int, int]) -> dict[str, Any]:
        """Attributes of a Conv node: auto_pad where it says the same."""
        result: dict[str, Any] = {"strides": self.strides, "dilations": self.dilations}
        if g.chance(50):
            result["kernel_shape"] = self.kernel
        auto = [kind for kind in ("SAME_UPPER", "SAME_LOWER") if self.same(kind, size)]
        if auto and self.dilations == [1, 1] and g.chance(60):
            return {**result, "auto_pad": auto[0]}
        return {**result, "pads": list(self.pads)} if any(self.pads) or g.chance(30) else result

    def same(self, kind: str, size: tuple[int, int]) -> bool:
        """Whether the pads are those of auto_pad."""
        for axis in (0, 1):
            outputs = -(-size[axis] // self.strides[axis])
            total = max((outputs - 1) * self.strides[axis] + self.extent(axis) - size[axis], 0)
            small, large = total // 2, total - total // 2
            wanted = (small, large) if kind == "SAME_UPPER" else (large, small)
            if (self.pads[axis], self.pads[axis + 2]) != wanted:
                return False
        return True


def bias(g: Graph, grain: float, count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Small multiples of a grain."""
    return g.numbers([(grain or 0.25) * n for n in (-3, -2, -1, 0, 1, 2)], (count,))


def convolution(g: Graph, x: Tensor) -> Tensor:
    """A convolution, with a Pad in front or pads of its own; of a sign where sums would not be exact."""
    window = Window(g, x.size)
    groups = 2 if x.channels % 2 == 0 and g.chance(15) else 1
    outputs = g.pick(2, 4, 6, 8, 16, 34) if groups == 2 else g.pick(4, 1, 2, 3, 8, 17, 33)
    if groups == 2 and g.chance(30):
        groups, outputs = x.channels, x.channels * g.pick(1, 2)
    shape = (outputs, x.channels // groups, *window.kernel)
    taps = math.prod(shape[1:])
    if not g.fits(4 * taps * x.bound, x.grain / 4):
        x = any_sign(g, x)
    if not g.fits(4 * taps * x.bound, x.grain / 4):
        return x
    levels, size, pads = x.levels, x.size, window.pads
    if any(pads) and g.chance(50):
        value = g.pick(-1.0, 0.0, 1.0, *(levels or ()))
        x = pad(g, x, pads, value)
        window.pads = (0, 0, 0, 0)
    else:
        value = 0.0
    is_binary = g.chance(80 if levels else 30)
    make = weights.binary if is_binary else weights.other
    weight, largest, grain = make(g, shape)
    x = turned(g, x, False)
    bound, grain = taps * largest * x.bound, g.finer(x.grain, grain)
    names, attrs = [weight], window.attrs(g, x.size)
    if g.chance(30):
        names.append(g.constant(bias(g, grain, outputs)))
        bound += 3 * (grain or 0.25)
    if groups > 1:
        attrs["group"] = groups
    result = (1, outputs, *window.output(x.size if window.pads != pads else size))
    y = g.apply("Conv", x, *names, attrs=attrs, shape=result, bound=bound, grain=grain)
    whole = not g.real or value in (
        -1.0,
        0.0,
        1.0,
    )  # else the value is a level but for its rounding
    if is_binary and levels and (not any(pads) or (whole and is_border(levels, value))):
        g.binary.append(y.name)
    return y


# -- dense -------------------------------------------------------------------------------------------
def flat(g: Graph, x: Tensor) -> Tensor:
    """[1, K], in the order of the image or of its transpose."""
    if not x.image:
        return x
    if g.chance(25):
        x = turned(g, x, not x.last)
    kind = g.pick("Flatten", "constant", "Shape", "Squeeze")
    if kind == "Squeeze" and not x.last and x.size == (1, 1):
        name = g.over("Squeeze", x.name, (2, 3))
    elif kind == "constant":
        name = g.emit("Reshape", [x.name, g.ints(*g.pick((1, -1), (-1, math.prod(x.shape))))])
    elif kind == "Shape":
        first = g.emit("Gather", [g.emit("Shape", [x.name]), g.constant(np.array(0))], axis=0)
        size = g.emit("Concat", [g.over("Unsqueeze", first, (0,)), g.ints(-1)], axis=0)
        name = g.emit("Reshape", [x.name, size])
    else:
        name = g.emit("Flatten", [x.name], axis=1)
    return replace(x, name=name, shape=(1, math.prod(x.shape)), last=False)


def dense(g: Graph, x: Tensor) -> Tensor:
    """MatMul with [K, N] or Gemm."""
    x = flat(g, x)
    taps, outputs = x.channels, g.pick(3, 1, 2, 5, 10, 33)
    if not g.fits(4 * taps * x.bound, x.grain / 4):
        x = any_sign(g, x)
    if not g.fits(4 * taps * x.bound, x.grain / 4):
        return x
    is_binary = g.chance(80 if x.levels else 30)
    make = weights.binary if is_binary else weights.other
    weight, largest, grain = make(g, (outputs, taps))
    bound, grain = taps * largest * x.bound, g.finer(x.grain, grain)
    facts = {"shape": (1, outputs), "bound": bound, "grain": grain}
    if g.chance(50):
        y = g.apply("MatMul", x, g.emit("Transpose", [weight], perm=[1, 0]), **facts)
        bound += 3 * (grain or 0.25)
        product = y
        if g.chance(50):
            y = g.apply("Add", y, row(g, y, bias(g, grain, outputs)), bound=bound)
    else:
        transposed = g.chance(50)
        names = [weight] if transposed else [g.emit("Transpose", [weight], perm=[1, 0])]
        if g.chance(50) or g.opset < 11:
            names.append(g.constant(bias(g, grain, outputs)))
            facts["bound"] = bound + 3 * (grain or 0.25)
        product = y = g.apply("Gemm", x, *names, attrs={"transB": int(transposed)}, **facts)
    if is_binary and x.levels:
        g.binary.append(product.name)
    return y
