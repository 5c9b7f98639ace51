# SPDX-License-Identifier: BSD-3-Clause
"""Slice, Split, Gather, Expand and Tile -> slice. A step of 0 repeats an element, a negative one goes backwards."""

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


def emit_slice(ctx: NodeContext, axis: int, start: int, size: int, step: int = 1) -> str:
    """`size` elements of input 0 along one axis, `step` apart."""
    shape = ctx.shape()
    starts = tuple(start if i == axis else 0 for i in range(len(shape)))
    steps = tuple(step if i == axis else 1 for i in range(len(shape)))
    sizes = [size if i == axis else d for i, d in enumerate(shape)]
    if sizes == list(shape) and (step == 1 or size == 1):
        return ctx.inputs[0]
    return ctx.emit("slice", ctx.inputs[0], shape=sizes, starts=starts, steps=steps)


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
        if step == 0:
            raise ctx.error("its step is 0")
        taken = range(*slice(begin, end, step).indices(shape[axis]))
        if not taken:
            raise ctx.error(f"nothing is left of axis {axis} of {list(shape)}")
        starts[axis], steps[axis], sizes[axis] = taken.start, step, len(taken)
    if tuple(sizes) == shape and min(steps) > 0:
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
    """A slice of each run of indices that are equally far apart, joined."""
    axis = ctx.axis(ctx.attr("axis", 0))
    shape = ctx.shape()
    indices = ctx.ints(1, "indices")
    if not indices or not all(-shape[axis] <= i < shape[axis] for i in indices):
        raise ctx.error(f"its indices {indices} are not those of axis {axis} of {list(shape)}")
    parts = [
        emit_slice(ctx, axis, start, size, step)
        for start, size, step in runs([i % shape[axis] for i in indices])
    ]
    if len(parts) > 64:
        raise ctx.error(f"its indices are in {len(parts)} pieces; more than 64 are not supported")
    y = ctx.emit("concat", *parts, axis=axis) if len(parts) > 1 else parts[0]
    return ctx.reshape(y, (*shape[:axis], *ctx.shape(1), *shape[axis + 1 :]))


def runs(indices: list[int]) -> list[tuple[int, int, int]]:
    """Indices as runs (start, size, step), longest first from the left."""
    found: list[tuple[int, int, int]] = []
    at = 0
    while at < len(indices):
        end = at + 1
        step = indices[end] - indices[at] if end < len(indices) else 1
        while end < len(indices) and indices[end] - indices[end - 1] == step:
            end += 1
        found.append((indices[at], end - at, step))
        at = end
    return found


def repeat(ctx: NodeContext, x: str, target: Shape) -> str:
    """A value repeated along its axes of size 1; numpy's broadcasting."""
    shape = ctx.graph.shape(x)
    x = ctx.reshape(x, (1,) * (len(target) - len(shape)) + shape)
    steps = tuple(int(a == b) for a, b in zip(ctx.graph.shape(x), target, strict=True))
    if all(steps):
        return x
    return ctx.emit("slice", x, shape=target, starts=(0,) * len(target), steps=steps)


@importer("Expand")
def import_expand(ctx: NodeContext) -> str:
    """Broadcasting to a shape."""
    target = np.broadcast_shapes(ctx.shape(), tuple(ctx.ints(1, "target shape")))
    return repeat(ctx, ctx.inputs[0], target)


@importer("Tile")
def import_tile(ctx: NodeContext) -> str:
    """Each axis d becomes [1, d], is repeated to [n, d], and is one axis again."""
    x, repeats = ctx.inputs[0], ctx.ints(1, "repeats")
    for axis, n in enumerate(repeats):
        if n != 1:
            shape = ctx.graph.shape(x)
            before, size, after = shape[:axis], shape[axis], shape[axis + 1 :]
            x = repeat(ctx, ctx.reshape(x, (*before, 1, size, *after)), (*before, n, size, *after))
            x = ctx.reshape(x, (*before, n * size, *after))
    return x
