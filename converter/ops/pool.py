# SPDX-License-Identifier: BSD-3-Clause
"""maxpool and avgpool: pooling of all kinds, reductions; bmaxpool, on bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, Shape, importer, operation, per_channel, two_valued
from converter.ops.window import (
    Geometry,
    Pair,
    geometry_of,
    image_only,
    import_geometry,
    output_size,
    windows,
)


def pool_shape(x: Shape, *_others: Shape, kernel: Pair, **attrs: Any) -> Shape:
    """[N, C, OH, OW]; no window may lie in the padding altogether."""
    if len(x) != 4:
        raise ValueError(f"its input {list(x)} is not an image [1, C, H, W]")
    geometry = geometry_of(kernel, attrs)
    for axis in (0, 1):
        pads = geometry.pads[axis], geometry.pads[axis + 2]
        if max(pads) >= geometry.extent(axis):
            raise ValueError(f"its pads {list(geometry.pads)} are not smaller than its window")
    return (*x[:2], *output_size(x[2:], geometry))


@operation("maxpool", pool_shape)
def maxpool(x: Array, *, kernel: Pair, **attrs: Any) -> Array:
    """Maximum over the taps inside x."""
    result: Array = windows(x.astype(np.float32), geometry_of(kernel, attrs), -np.inf).max((4, 5))
    return result


@operation("bmaxpool", pool_shape)
def bmaxpool(x: Array, flip: Array, **attrs: Any) -> Array:
    """Maximum of -1 and +1, negated in channels with flip."""
    maxima = maxpool(two_valued(x), **attrs)
    return np.asarray(np.where(per_channel(flip, x.ndim), -maxima, maxima))


@operation("avgpool", pool_shape)
def avgpool(x: Array, *, kernel: Pair, count_pad: bool, **attrs: Any) -> Array:
    """Summed in float64, rounded once."""
    geometry = geometry_of(kernel, attrs)
    total = windows(x.astype(np.float64), geometry, 0.0).sum((4, 5))
    ones = windows(np.ones_like(x, np.float64), geometry, 1.0 if count_pad else 0.0)
    return np.asarray(total / ones.sum((4, 5)), np.float32)


def import_window(ctx: NodeContext) -> tuple[Geometry, Pair]:
    """Geometry without ceil_mode, and what that adds at the bottom and at the right."""
    image_only(ctx)
    kernel = tuple(ctx.attr("kernel_shape", ()))
    if len(kernel) != 2 or min(kernel) < 1:
        raise ctx.error(f"attribute kernel_shape {list(kernel)} must be two positive numbers")
    geometry = import_geometry(ctx, (kernel[0], kernel[1]))
    extra = [0, 0]
    if ctx.attr("ceil_mode", 0) and ctx.attr("auto_pad", "NOTSET") in ("NOTSET", "VALID"):
        for axis in (0, 1):
            stride, begin = geometry.strides[axis], geometry.pads[axis]
            padded = ctx.shape()[2 + axis] + begin + geometry.pads[axis + 2]
            steps = -(-(padded - geometry.extent(axis)) // stride)
            if steps * stride >= ctx.shape()[2 + axis] + begin:
                steps -= 1  # a window that starts in the padding is dropped
            extra[axis] = max(steps * stride + geometry.extent(axis) - padded, 0)
    return geometry, (extra[0], extra[1])


def extend(geometry: Geometry, extra: Pair) -> Geometry:
    """More padding at the bottom and at the right."""
    top, left, bottom, right = geometry.pads
    return replace(geometry, pads=(top, left, bottom + extra[0], right + extra[1]))


@importer("MaxPool")
def import_maxpool(ctx: NodeContext) -> str:
    """MaxPool without its output of indices."""
    if ctx.uses_output(1):
        raise ctx.error("its output of indices is used; only the maxima are supported")
    geometry = extend(*import_window(ctx))
    return ctx.emit(
        "maxpool",
        ctx.inputs[0],
        kernel=geometry.kernel,
        strides=geometry.strides,
        dilations=geometry.dilations,
        pads=geometry.pads,
    )


@importer("AveragePool")
def import_avgpool(ctx: NodeContext) -> str:
    """What ceil_mode adds does not count; padding that does then needs a pad of its own."""
    geometry, extra = import_window(ctx)
    if geometry.dilations != (1, 1):
        raise ctx.error("dilations other than 1 are not supported")
    x, count = ctx.inputs[0], bool(ctx.attr("count_include_pad", 0))
    if count and extra != (0, 0):
        top, left, bottom, right = geometry.pads
        if any(geometry.pads):
            before, after = (0, 0, top, left), (0, 0, bottom, right)
            x = ctx.emit("pad", x, before=before, after=after, value=0.0)
        geometry, count = replace(geometry, pads=(0, 0, 0, 0)), False
    geometry = extend(geometry, extra)
    return ctx.emit(
        "avgpool",
        x,
        kernel=geometry.kernel,
        strides=geometry.strides,
        pads=geometry.pads,
        count_pad=count and any(geometry.pads),
    )


def reduce_images(ctx: NodeContext, x: str, op: str) -> str:
    """Pool the whole of each image."""
    attrs: dict[str, Any] = {"count_pad": False} if op == "avgpool" else {"dilations": (1, 1)}
    kernel = ctx.graph.shape(x)[2:]
    return ctx.emit(op, x, kernel=kernel, strides=(1, 1), pads=(0, 0, 0, 0), **attrs)


@importer("GlobalAveragePool", "GlobalMaxPool")
def import_global_pool(ctx: NodeContext) -> str:
    """One window over the whole image."""
    image_only(ctx)
    pool = "avgpool" if ctx.node.op_type == "GlobalAveragePool" else "maxpool"
    return reduce_images(ctx, ctx.inputs[0], pool)


#: What becomes of the pooled image, and the number of elements that were reduced to one.
Finish = Callable[[str, int], str]


@importer("ReduceMean", "ReduceMax")
def import_reduce(ctx: NodeContext) -> str:
    """Mean and maximum."""
    pool = "avgpool" if ctx.node.op_type == "ReduceMean" else "maxpool"
    return reduce_axes(ctx, ctx.inputs[0], pool, lambda y, _: y)


def reduce_axes(ctx: NodeContext, x: str, pool: str, finish: Finish) -> str:
    """The reduced axes become the height and width of an image which is pooled as a whole."""
    shape, rank = ctx.shape(), len(ctx.shape())
    axes = ctx.axes(1)
    if not axes:
        if ctx.attr("noop_with_empty_axes", 0):
            return finish(x, 1)
        axes = list(range(rank))
    kept = [i for i in range(rank) if i not in axes]
    reduced = [shape[i] for i in sorted(axes)]
    image = (1, math.prod(shape[i] for i in kept), math.prod(reduced[:-1]), reduced[-1])
    perm = (*kept, *sorted(axes))
    y = reduce_images(ctx, ctx.reshape(ctx.transpose(x, perm), image), pool)
    y = finish(y, math.prod(reduced))
    if ctx.attr("keepdims", 1):
        y = ctx.reshape(y, [*(shape[i] for i in kept), *(1 for _ in axes)])
        return ctx.transpose(y, [perm.index(i) for i in range(rank)])
    return ctx.reshape(y, [shape[i] for i in kept])


@importer("ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
def import_reduce_sum(ctx: NodeContext) -> str:
    """A mean times its number of elements, of a function of x, and a function of that."""
    x, kind = ctx.inputs[0], ctx.node.op_type
    if kind == "ReduceL1":
        x = ctx.emit("abs", x)
    elif kind in ("ReduceL2", "ReduceSumSquare"):
        x = ctx.emit("mul", x, x)
    elif kind == "ReduceLogSumExp":
        x = ctx.emit("exp", x)

    def finish(mean: str, count: int) -> str:
        total = ctx.affine(mean, np.float32(count), np.float32(0))
        if kind == "ReduceL2":
            return ctx.emit("sqrt", total)
        return ctx.emit("log", total) if "Log" in kind else total

    return reduce_axes(ctx, x, "avgpool", finish)


@importer("ReduceMin")
def import_reduce_min(ctx: NodeContext) -> str:
    """-max(-x)."""

    def minus(x: str, _: int = 0) -> str:
        return ctx.affine(x, np.float32(-1), np.float32(0))

    return reduce_axes(ctx, minus(ctx.inputs[0]), "maxpool", minus)
