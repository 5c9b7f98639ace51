# SPDX-License-Identifier: BSD-3-Clause
"""Sliding windows: the geometry that convolutions and poolings share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, Shape

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]


@dataclass(frozen=True)
class Geometry:
    """Steps and padding (top, left, bottom, right) of a window over an image."""

    kernel: Pair
    strides: Pair
    dilations: Pair
    pads: Pads

    def extent(self, axis: int) -> int:
        """Pixels from the first to the last tap of a window along axis 0 (height) or 1."""
        return (self.kernel[axis] - 1) * self.dilations[axis] + 1


def output_size(size: Shape, geometry: Geometry) -> Pair:
    """Height and width of what a window gives; ValueError where it does not fit once."""
    result = []
    for axis in (0, 1):
        room = size[axis] + geometry.pads[axis] + geometry.pads[axis + 2] - geometry.extent(axis)
        if room < 0:
            raise ValueError(
                f"its window of {geometry.extent(0)} x {geometry.extent(1)} pixels is larger than "
                f"its padded input of {list(size)} with pads {list(geometry.pads)}"
            )
        result.append(room // geometry.strides[axis] + 1)
    return result[0], result[1]


def import_geometry(ctx: NodeContext, kernel: Pair) -> Geometry:
    """Read strides, dilations, pads and auto_pad of a node whose input 0 is an image."""
    size = ctx.shape()[2:]

    def pair(name: str) -> Pair:
        values = ctx.attr(name, [1, 1])
        if len(values) != 2 or min(values) < 1:
            raise ctx.error(f"attribute {name} {list(values)} must be two positive numbers")
        return values[0], values[1]

    strides, dilations = pair("strides"), pair("dilations")
    auto = ctx.attr("auto_pad", "NOTSET")
    pads = list(ctx.attr("pads", [0, 0, 0, 0])) if auto == "NOTSET" else [0, 0, 0, 0]
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise ctx.error(f"attribute auto_pad '{auto}' is not known")
    if auto.startswith("SAME"):
        for axis in (0, 1):
            extent = (kernel[axis] - 1) * dilations[axis] + 1
            outputs = -(-size[axis] // strides[axis])
            total = max((outputs - 1) * strides[axis] + extent - size[axis], 0)
            before = total // 2 if auto == "SAME_UPPER" else total - total // 2
            pads[axis], pads[axis + 2] = before, total - before
    if len(pads) != 4 or min(pads) < 0:
        raise ctx.error(f"attribute pads {pads} must be four numbers that are not negative")
    return Geometry(kernel, strides, dilations, (pads[0], pads[1], pads[2], pads[3]))


def image_only(ctx: NodeContext) -> None:
    """Refuse 1-D and 3-D variants."""
    if len(ctx.shape()) != 4:
        raise ctx.error(
            f"its input has {len(ctx.shape())} axes {list(ctx.shape())}; only images [1, C, H, W] "
            "are supported (a 1-D network can be exported with height 1)"
        )


def windows(x: Array, geometry: Geometry, border: float) -> Array:
    """All windows of x [N, C, H, W], padded with `border`: a view [N, C, OH, OW, KH, KW]."""
    top, left, bottom, right = geometry.pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=border)
    extent = (geometry.extent(0), geometry.extent(1))
    view = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(2, 3))
    (sh, sw), (dh, dw) = geometry.strides, geometry.dilations
    result: Array = view[:, :, ::sh, ::sw, ::dh, ::dw]
    return result


def geometry_of(kernel: Shape, attrs: dict[str, Any]) -> Geometry:
    """Geometry of an IR node from its attributes."""
    return Geometry(
        (kernel[0], kernel[1]), attrs["strides"], attrs.get("dilations", (1, 1)), attrs["pads"]
    )
