# SPDX-License-Identifier: BSD-3-Clause
"""Resize and Upsample -> gather2d (nearest) and resize2d (linear, cubic), with a table for the rows and one for the columns.

All that ONNX says about coordinates and rounding is worked out here, in float32 as onnxruntime does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, Shape, importer, operation

F32 = np.float32
Table = tuple[tuple[int, ...], ...]
Weights = tuple[tuple[float, ...], ...]


def gather_shape(x: Shape, *, rows: Shape, columns: Shape, **_: Any) -> Shape:
    """[N, C, rows, columns]."""
    if len(x) != 4:
        raise ValueError(f"its input {list(x)} is not an image [1, C, H, W]")
    return (*x[:2], len(rows), len(columns))


@operation("gather2d", gather_shape)
def gather2d(x: Array, *, rows: Shape, columns: Shape, **_: Any) -> Array:
    """Pixel (y, x) of the result is pixel (rows[y], columns[x])."""
    return x[:, :, list(rows)][..., list(columns)]


@operation("resize2d", gather_shape)
def resize2d(
    x: Array,
    *,
    rows: Table,
    columns: Table,
    row_weights: Weights,
    column_weights: Weights,
    **_: Any,
) -> Array:
    """Weighted sums of columns, then of rows, from left to right, in float32."""
    for axis, table, weights in ((3, columns, column_weights), (2, rows, row_weights)):
        total: Array | None = None
        for taps, factors in zip(zip(*table, strict=True), zip(*weights, strict=True), strict=True):
            factor = np.array(factors, F32).reshape((-1,) + (1,) * (3 - axis))
            part = np.take(x, list(taps), axis) * factor
            total = part if total is None else total + part
        assert total is not None
        x = total
    return x


@dataclass(frozen=True)
class Axis:
    """An axis that is resized: `size` elements become `out`."""

    size: int
    out: int
    scale: float


def _align_corners(i: Array, axis: Axis) -> Array:
    return np.asarray(i * F32(axis.size - 1) / F32(max(axis.out - 1, 1)))


def _half_pixel(i: Array, axis: Axis) -> Array:
    return np.asarray((i + F32(0.5)) / F32(axis.scale) - F32(0.5))


def _symmetric(i: Array, axis: Axis) -> Array:
    adjustment = F32(axis.out) / (F32(axis.scale) * F32(axis.size))
    return np.asarray(F32(axis.size) / 2 * (1 - adjustment) + _half_pixel(i, axis))


def _asymmetric(i: Array, axis: Axis) -> Array:
    """By the sizes where they say the same as the scale: ties between two elements are then exact."""
    if F32(axis.size) * F32(axis.scale) == axis.out:
        return np.asarray(i * F32(axis.size) / F32(axis.out))
    return np.asarray(i / F32(axis.scale))


#: Where output elements i lie between the input's elements.
COORDINATES: dict[str, Callable[[Array, Axis], Array]] = {
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": _symmetric,
    "pytorch_half_pixel": lambda i, axis: _half_pixel(i, axis) if axis.out > 1 else 0 * i,
    "align_corners": _align_corners,
    "asymmetric": _asymmetric,
    "tf_half_pixel_for_nn": lambda i, axis: (i + F32(0.5)) / F32(axis.scale),
}
NEAREST: dict[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - F32(0.5)),
    "round_prefer_ceil": lambda x: np.floor(x + F32(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _cubic(t: Array, a: float) -> Array:
    """Keys' kernel with parameter a at distances t."""
    t = np.abs(t)
    near = ((a + 2) * t - (a + 3)) * t * t + 1
    far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def taps(ctx: NodeContext, mode: str, x: Array, size: int) -> tuple[Table, Weights]:
    """Elements and their weights around the coordinates x."""
    if mode == "linear":
        x = np.clip(x, 0, size - 1)
        first, reach = np.floor(x), np.arange(2)
        index = first[:, None] + reach
        weight = np.stack([1 - (x - first), x - first], axis=1)
    else:
        index = np.floor(x)[:, None] + np.arange(-1, 3)
        weight = _cubic(x[:, None] - index, ctx.attr("cubic_coeff_a", -0.75))
    if mode == "cubic" and ctx.attr("exclude_outside", 0):
        weight = np.where((index >= 0) & (index < size), weight, 0)
        weight = weight / weight.sum(1, keepdims=True)
    index = np.clip(index, 0, size - 1).astype(int)
    return (
        tuple(tuple(row) for row in index.tolist()),
        tuple(tuple(float(F32(w)) for w in row) for row in weight.tolist()),
    )


@importer("Resize", "Upsample")
def import_resize(ctx: NodeContext) -> str:
    """Height and width of an image [1, C, H, W], or [1, H, W, C]."""
    shape = ctx.shape()
    axes = resized_axes(ctx)
    changed = [i for i, axis in enumerate(axes) if axis.scale != 1 or axis.out != axis.size]
    if not changed:
        return ctx.inputs[0]
    if len(shape) == 4 and min(changed) >= 2:
        return resize_image(ctx, ctx.inputs[0], axes[2:])
    if len(shape) == 4 and set(changed) <= {1, 2}:
        x = ctx.transpose(ctx.inputs[0], (0, 3, 1, 2))
        return ctx.transpose(resize_image(ctx, x, axes[1:3]), (0, 2, 3, 1))
    if len(shape) == 3 and changed == [2]:
        x = ctx.reshape(ctx.inputs[0], (*shape[:2], 1, shape[2]))
        y = resize_image(ctx, x, [Axis(1, 1, 1.0), axes[2]])
        return ctx.reshape(y, (*shape[:2], axes[2].out))
    raise ctx.error(
        f"it resizes axes {changed} of {list(shape)}; only height and width of an image can be"
    )


def resize_image(ctx: NodeContext, x: str, axes: list[Axis]) -> str:
    """Work out the tables."""
    old = ctx.node.op_type == "Upsample" or ctx.opset < 11
    mode = ctx.attr("mode", "nearest")
    where = "asymmetric" if old else ctx.attr("coordinate_transformation_mode", "half_pixel")
    rounding = "floor" if old else ctx.attr("nearest_mode", "round_prefer_floor")
    if where not in COORDINATES or rounding not in NEAREST:
        raise ctx.error(
            f"coordinate_transformation_mode '{where}' with nearest_mode '{rounding}' is not supported; "
            f"there are {', '.join(COORDINATES)}"
        )
    if ctx.attr("antialias", 0) and any(axis.scale < 1 for axis in axes):
        raise ctx.error("antialias is not supported; leave it out, or pool before it")
    places = [COORDINATES[where](np.arange(axis.out, dtype=F32), axis) for axis in axes]
    if mode == "nearest":
        # Old versions round up where they make an image smaller, as onnxruntime does.
        rounded = [
            NEAREST["ceil" if old and axis.scale < 1 else rounding](p)
            for p, axis in zip(places, axes, strict=True)
        ]
        rows, columns = (
            tuple(np.clip(r, 0, axis.size - 1).astype(int).tolist())
            for r, axis in zip(rounded, axes, strict=True)
        )
        return ctx.emit("gather2d", x, rows=rows, columns=columns)
    mode = "linear" if mode == "bilinear" else mode
    if mode not in ("linear", "cubic"):
        raise ctx.error(f"mode '{mode}' is not known")
    (rows, row_weights), (columns, column_weights) = (
        taps(ctx, mode, p, axis.size) for p, axis in zip(places, axes, strict=True)
    )
    return ctx.emit(
        "resize2d",
        x,
        rows=rows,
        columns=columns,
        row_weights=row_weights,
        column_weights=column_weights,
    )


def resized_axes(ctx: NodeContext) -> list[Axis]:
    """Scales and sizes of all axes: Upsample 7 has an attribute, 9 and Resize 10 an input, Resize 11 either of two."""
    shape = ctx.shape()
    scales_at = 2 if ctx.node.op_type == "Resize" and ctx.opset >= 11 else 1
    chosen = ctx.attr("axes")
    axes = [ctx.axis(a) for a in chosen] if chosen is not None else list(range(len(shape)))
    result = [Axis(d, d, 1.0) for d in shape]
    if ctx.has(3) and ctx.graph.shape(ctx.inputs[3]) != (0,):
        if ctx.attr("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise ctx.error("keep_aspect_ratio_policy is not supported; give the sizes that result")
        numbers: list[float] = [*ctx.ints(3, "sizes")]
        found = [Axis(shape[a], int(n), n / shape[a]) for a, n in zip(axes, numbers, strict=True)]
    else:
        given = ctx.attr("scales")
        numbers = [*given] if given else ctx.const(scales_at, "scales").reshape(-1).tolist()
        found = [
            Axis(shape[a], int(np.floor(F32(shape[a]) * F32(n))), n)
            for a, n in zip(axes, numbers, strict=True)
        ]
    for a, axis in zip(axes, found, strict=True):
        if axis.out < 1:
            raise ctx.error(f"it leaves nothing of axis {a} of {list(shape)}")
        result[a] = axis
    return result
