# SPDX-License-Identifier: BSD-3-Clause
"""Pad with a constant -> pad (and a slice where a pad is negative)."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.quantise_linear import UNSIGNED, number_source
from converter.ops.registry import NodeContext, Shape, importer, operation


def pad_shape(x: Shape, *, before: Shape, after: Shape, **_: Any) -> Shape:
    """Sizes grown by the pads."""
    if len(before) != len(x) or len(after) != len(x):
        raise ValueError(f"it needs two pads for each axis of {list(x)}")
    return tuple(b + d + a for b, d, a in zip(before, x, after, strict=True))


@operation("pad", pad_shape, None)
def pad(x: Array, *, before: Shape, after: Shape, value: float, **_: Any) -> Array:
    """x with a border of `value`."""
    return np.pad(x, list(zip(before, after, strict=True)), constant_values=value)


def _value(ctx: NodeContext) -> float:
    """What is padded with; quantised numbers of uint8 are 128 less in the graph."""
    source = number_source(ctx.graph, ctx.inputs[0])
    shift = UNSIGNED if source is not None and source.attrs["unsigned"] else 0
    if not ctx.has(2):
        return float(ctx.attr("value", 0.0)) - shift
    data = ctx.graph.const(ctx.inputs[2]) if source is not None else ctx.const(2, "value")
    if data is None or data.size != 1:
        raise ctx.error("its value must be one number")
    return float(data.reshape(())) - shift


@importer("Pad")
def import_pad(ctx: NodeContext) -> str:
    """Opset 2: attributes; 11: pads and value are inputs; 18: axes too."""
    shape = ctx.shape()
    rank = len(shape)
    mode = ctx.attr("mode", "constant")
    if mode != "constant":
        raise ctx.error(f"mode '{mode}' is not supported; pad with a constant")
    given = ctx.attr("pads") or ctx.ints(1, "pads")
    axes = [ctx.axis(a) for a in ctx.ints(3, "axes")] if ctx.has(3) else list(range(rank))
    if len(given) != 2 * len(axes):
        raise ctx.error(f"its pads {list(given)} must be two numbers for each of {len(axes)} axes")
    value = _value(ctx)
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = given[i], given[i + len(axes)]
    x = ctx.inputs[0]
    if min(before + after) < 0:
        sizes = [d + min(b, 0) + min(a, 0) for d, b, a in zip(shape, before, after, strict=True)]
        if min(sizes) < 1:
            raise ctx.error(f"its pads {list(given)} leave nothing of {list(shape)}")
        starts = tuple(max(-b, 0) for b in before)
        x = ctx.emit("slice", x, shape=sizes, starts=starts, steps=(1,) * rank)
        before, after = [max(b, 0) for b in before], [max(a, 0) for a in after]
    if not any(before + after):
        return x
    return ctx.emit("pad", x, before=tuple(before), after=tuple(after), value=value)
