# SPDX-License-Identifier: BSD-3-Clause
"""Larger and smaller images: Upsample and Resize in the forms of their opsets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from generator.exact import Graph, Tensor
from generator.layers import channels_of, turned

MOST = 100  # pixels of a result


def resized(g: Graph, x: Tensor) -> Tensor:
    """With the mean of neighbours in a third of all cases, which is exact with these scales."""
    grain = g.finer(x.grain, 2.0**-4)
    if g.chance(67) or not g.fits(x.bound, grain):
        return nearest(g, x)
    return scaled(g, x, (2, 2), "linear", {"grain": grain})


def nearest(g: Graph, x: Tensor) -> Tensor:
    """Elements are repeated or left out, so that two values stay two values."""
    facts = {"levels": x.levels, "nonzero": x.nonzero}
    smaller = [(0.5, 0.5)] if g.opset >= 10 else []  # Upsample only enlarges
    factors = g.pick((2, 2), (1, 2), (3, 1), *smaller)
    return scaled(g, x, factors, "nearest", facts)


def scaled(
    g: Graph, x: Tensor, factors: tuple[float, float], mode: str, facts: dict[str, Any]
) -> Tensor:
    """One node; the same image where the result would be too large, or of no whole number of pixels."""
    if not x.image:
        return x
    size = [f * d for f, d in zip(factors, x.size, strict=True)]
    if math.prod(size) > MOST or any(d % 1 for d in size):
        return x
    x = turned(g, x, False)
    facts = {**facts, "shape": channels_of((1, 1, int(size[0]), int(size[1])), x, x.channels)}
    numbers = [1.0, 1.0, *(float(f) for f in factors)]
    if g.opset < 9:
        return g.apply("Upsample", x, attrs={"mode": mode, "scales": numbers}, **facts)
    scales = g.constant(np.array(numbers, np.float32))
    if g.opset < 11:
        op = "Upsample" if g.opset == 9 else "Resize"
        return g.apply(op, x, scales, attrs={"mode": mode}, **facts)
    where = g.pick("half_pixel", "asymmetric", "pytorch_half_pixel")
    attrs = {"mode": mode, "coordinate_transformation_mode": where}
    if mode == "nearest":
        attrs["nearest_mode"] = g.pick("floor", "round_prefer_floor", "round_prefer_ceil", "ceil")
    roi = g.constant(np.zeros(0, np.float32)) if g.opset < 13 else ""
    if g.chance(30):
        none = g.constant(np.zeros(0, np.float32)) if g.opset < 13 else ""
        return g.apply("Resize", x, roi, none, g.ints(*facts["shape"]), attrs=attrs, **facts)
    return g.apply("Resize", x, roi, scales, attrs=attrs, **facts)
