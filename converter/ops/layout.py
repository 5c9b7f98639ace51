# SPDX-License-Identifier: BSD-3-Clause
"""Operators that move elements: reshape and its many ONNX spellings, transpose, concat."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, Shape, importer, operation


def given_shape(_x: Shape, **_: Any) -> Shape:
    """Shape rule of operators whose importer says the shape."""
    raise ValueError("its shape must be given")


@operation("reshape", given_shape, None)
def reshape(x: Array, *, shape: Shape, **_: Any) -> Array:
    """The same elements in another shape."""
    return x.reshape(shape)


@importer("Reshape")
def import_reshape(ctx: NodeContext) -> str:
    """Reshape: 0 keeps a size (but not with allowzero), -1 takes what is left."""
    source, target = ctx.shape(), ctx.ints(1, "target shape")
    if not ctx.attr("allowzero", 0):
        target = [source[i] if d == 0 and i < len(source) else d for i, d in enumerate(target)]
    known = math.prod(d for d in target if d != -1)
    if target.count(-1) == 1 and known:
        target[target.index(-1)] = math.prod(source) // known
    if math.prod(target) != math.prod(source) or any(d < 0 for d in target):
        raise ctx.error(
            f"{list(source)} cannot become {target}; if another batch size was built into the "
            "target shape at export, export with batch size 1"
        )
    return ctx.reshape(ctx.inputs[0], target)


@importer("Flatten")
def import_flatten(ctx: NodeContext) -> str:
    """Flatten: the axes before and from `axis` on become one each."""
    shape = ctx.shape()
    axis = ctx.attr("axis", 1)
    axis = len(shape) if axis == len(shape) else ctx.axis(axis)
    return ctx.reshape(ctx.inputs[0], (math.prod(shape[:axis]), math.prod(shape[axis:])))


@importer("Squeeze")
def import_squeeze(ctx: NodeContext) -> str:
    """Squeeze: drop axes of size 1; axes are an input since opset 13."""
    shape = ctx.shape()
    axes = ctx.axes(1, [i for i, d in enumerate(shape) if d == 1])
    if any(shape[a] != 1 for a in axes or ()):
        raise ctx.error(f"it squeezes axes {axes} of {list(shape)}, which are not all of size 1")
    return ctx.reshape(ctx.inputs[0], [d for i, d in enumerate(shape) if i not in (axes or ())])


@importer("Unsqueeze")
def import_unsqueeze(ctx: NodeContext) -> str:
    """Unsqueeze: add axes of size 1; axes are an input since opset 13."""
    given = ctx.attr("axes") or ctx.ints(1, "axes")
    rank = len(ctx.shape()) + len(given)
    axes = [ctx.axis(a, rank) for a in given]
    if len(set(axes)) != len(axes):
        raise ctx.error(f"its axes {given} name one axis twice")
    rest = iter(ctx.shape())
    return ctx.reshape(ctx.inputs[0], [1 if i in axes else next(rest) for i in range(rank)])


@importer("Identity")
def import_identity(ctx: NodeContext) -> str:
    """Another name for the input."""
    return ctx.inputs[0]


@importer("Dropout")
def import_dropout(ctx: NodeContext) -> str:
    """Dropout does nothing at inference."""
    training = ctx.graph.const(ctx.inputs[2]) if ctx.has(2) else None
    if ctx.has(2) and (training is None or np.any(training)):
        raise ctx.error("it is in training mode; export the network after model.eval()")
    if ctx.uses_output(1):
        raise ctx.error("its mask output is used; export the network after model.eval()")
    return ctx.inputs[0]


@importer("Shape")
def import_shape(ctx: NodeContext) -> str:
    """All shapes are known, so this is a constant."""
    shape = ctx.shape()[slice(ctx.attr("start", 0), ctx.attr("end"))]
    return ctx.constant(np.array(shape, np.int64), "shape")


@importer("Size")
def import_size(ctx: NodeContext) -> str:
    """The number of elements is a constant."""
    return ctx.constant(np.array(math.prod(ctx.shape()), np.int64), "size")


def transpose_shape(x: Shape, *, perm: Shape, **_: Any) -> Shape:
    """Sizes in the order of perm."""
    if sorted(perm) != list(range(len(x))):
        raise ValueError(f"perm {list(perm)} does not permute the axes of {list(x)}")
    return tuple(x[i] for i in perm)


@operation("transpose", transpose_shape, None)
def transpose(x: Array, *, perm: Shape, **_: Any) -> Array:
    """Output axis i is input axis perm[i]."""
    return np.ascontiguousarray(x.transpose(perm))


@importer("Transpose")
def import_transpose(ctx: NodeContext) -> str:
    """Transpose: without perm it reverses the axes."""
    return ctx.transpose(ctx.inputs[0], ctx.attr("perm", range(len(ctx.shape()))[::-1]))


def concat_shape(*shapes: Shape, axis: int, **_: Any) -> Shape:
    """Sizes along the axis add up, the others are equal."""
    first = shapes[0]
    if any((*s[:axis], *s[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]) for s in shapes):
        raise ValueError(f"its inputs {[list(s) for s in shapes]} differ beside axis {axis}")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1 :])


@operation("concat", concat_shape, None)
def concat(*inputs: Array, axis: int, **_: Any) -> Array:
    """The inputs one after the other along an axis."""
    return np.concatenate(inputs, axis)


@importer("Concat")
def import_concat(ctx: NodeContext) -> str:
    """The same node of the IR."""
    if len(ctx.inputs) == 1:
        return ctx.inputs[0]
    return ctx.emit("concat", *ctx.inputs, axis=ctx.axis(ctx.attr("axis", 1)))
