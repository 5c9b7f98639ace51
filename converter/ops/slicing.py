# SPDX-License-Identifier: BSD-3-Clause
"""Slice, Split and Gather of one element -> slice."""

from __future__ import annotations

import numpy as np

from converter.graph import Array
from converter.ops.layout import given_shape
from converter.ops.registry import NodeContext, Shape, importer, operation


@operation("slice", given_shape, None)
def take(x: Array, *, starts: Shape, steps: Shape, shape: Shape, **_: object) -> Array:
    """Element j along an axis is element start + j * step of x."""
    axes = [
        start + step * np.arange(n) for start, step, n in zip(starts, steps, shape, strict=True)
    ]
    return x[np.ix_(*axes)]


def emit_slice(ctx: NodeContext, axis: int, start: int, size: int) -> str:
    """`size` elements of input 0 along one axis."""
    shape = ctx.shape()
    starts = tuple(start if i == axis else 0 for i in range(len(shape)))
    sizes = [size if i == axis else d for i, d in enumerate(shape)]
    if sizes == list(shape):
        return ctx.inputs[0]
    return ctx.emit("slice", ctx.inputs[0], shape=sizes, starts=starts, steps=(1,) * len(shape))


@importer("Slice")
def import_slice(ctx: NodeContext) -> str:
    """Starts, ends and axes are attributes before opset 10, inputs (and steps) since."""
    shape = ctx.shape()
    rank = len(shape)
    begins = ctx.attr("starts") or ctx.ints(1, "starts")
    ends = ctx.attr("ends") or ctx.ints(2, "ends")
    axes = ctx.axes(3, range(len(begins))) or []
    strides = ctx.ints(4, "steps") if ctx.has(4) else [1] * len(begins)
    starts, steps, sizes = [0] * rank, [1] * rank, list(shape)
    for axis, begin, end, step in zip(axes, begins, ends, strides, strict=True):
        if step < 1:
            raise ctx.error(f"its step {step} is not positive")
        taken = range(*slice(begin, end, step).indices(shape[axis]))
        if not taken:
            raise ctx.error(f"nothing is left of axis {axis} of {list(shape)}")
        starts[axis], steps[axis], sizes[axis] = taken.start, step, len(taken)
    if tuple(sizes) == shape:
        return ctx.inputs[0]
    return ctx.emit("slice", ctx.inputs[0], shape=sizes, starts=tuple(starts), steps=tuple(steps))


@importer("Split")
def import_split(ctx: NodeContext) -> tuple[str, ...]:
    """Sizes: an attribute before opset 13, an input since, or equal parts (the last smaller)."""
    axis = ctx.axis(ctx.attr("axis", 0))
    total, parts = ctx.shape()[axis], len(ctx.node.output)
    sizes = ctx.ints(1, "sizes") if ctx.has(1) else list(ctx.attr("split", ()))
    if not sizes:
        size = -(-total // parts)
        sizes = [size] * (parts - 1) + [total - size * (parts - 1)]
    if sum(sizes) != total or len(sizes) != parts or min(sizes) < 1:
        raise ctx.error(f"axis {axis} of {list(ctx.shape())} cannot be split into {sizes}")
    starts = [sum(sizes[:i]) for i in range(parts)]
    return tuple(emit_slice(ctx, axis, a, n) for a, n in zip(starts, sizes, strict=True))


@importer("Gather")
def import_gather(ctx: NodeContext) -> str:
    """One element, or neighbouring ones in order."""
    axis = ctx.axis(ctx.attr("axis", 0))
    shape = ctx.shape()
    indices = [i % shape[axis] for i in ctx.ints(1, "indices")]
    if not indices or indices != list(range(indices[0], indices[0] + len(indices))):
        raise ctx.error("only neighbouring elements in their order can be gathered; use Slice")
    y = emit_slice(ctx, axis, indices[0], len(indices))
    return ctx.reshape(y, (*shape[:axis], *ctx.shape(1), *shape[axis + 1 :]))
