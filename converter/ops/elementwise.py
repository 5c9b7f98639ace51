# SPDX-License-Identifier: BSD-3-Clause
"""Elementwise operators with ONNX's meaning and broadcasting: what sign functions are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from converter import functions
from converter.functions import Function
from converter.graph import Array
from converter.ops.registry import (
    FLOATS,
    PRIVATE,
    NodeContext,
    Shape,
    importer,
    operation,
    same_shape,
)


def broadcast(*shapes: Shape, **_: Any) -> Shape:
    """Shape rule of numpy's and ONNX's broadcasting."""
    return np.broadcast_shapes(*shapes)


def plain(function: Callable[..., Array]) -> Callable[..., Array]:
    """A numpy function as a reference: result in the inputs' type, attributes ignored."""

    def reference(*inputs: Array, **_: Any) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(*inputs))

    return reference


def function(name: str, general: Callable[..., Array]) -> Callable[..., Array]:
    """A reference that has the library's own bits for floats, numpy's for other types."""
    code = Function[name.upper()]

    def reference(x: Array) -> Array:
        return functions.apply(code, x) if x.dtype == np.float32 else np.asarray(general(x))

    return reference


# ONNX name: (IR name, numpy function, result type: None for that of the input)
UNARY: dict[str, tuple[str, Callable[..., Array], type | None]] = {
    "Sign": ("sign", np.sign, None),
    "Neg": ("neg", np.negative, None),  # of integers; of floats it is an affine
    "Not": ("not", np.logical_not, None),
    **{
        onnx_name: (onnx_name.lower(), function(onnx_name, general), None)
        for onnx_name, general in (
            ("Abs", np.abs),
            ("Round", np.rint),
            ("Floor", np.floor),
            ("Ceil", np.ceil),
            ("Sqrt", np.sqrt),
            ("Reciprocal", np.reciprocal),
            ("Exp", np.exp),
            ("Log", np.log),
            ("Sigmoid", lambda x: 1 / (1 + np.exp(-x))),
            ("Tanh", np.tanh),
        )
    },
}
BINARY: dict[str, tuple[str, Callable[..., Array], type | None]] = {
    "Greater": ("greater", np.greater, np.bool_),
    "GreaterOrEqual": ("greater_equal", np.greater_equal, np.bool_),
    "Less": ("less", np.less, np.bool_),
    "LessOrEqual": ("less_equal", np.less_equal, np.bool_),
    "Equal": ("equal", np.equal, np.bool_),
    "And": ("and", np.logical_and, np.bool_),
    "Or": ("or", np.logical_or, np.bool_),
    "Pow": ("pow", lambda x, y: np.power(x, y).astype(x.dtype), np.float32),
}


def import_plain(ctx: NodeContext) -> str:
    """The same node of the IR."""
    return ctx.emit({**UNARY, **BINARY}[ctx.node.op_type][0], *ctx.inputs)


for _onnx_name, (_name, _function, _dtype) in UNARY.items():
    operation(_name, same_shape, _dtype)(plain(_function))
    importer(_onnx_name)(import_plain)
for _onnx_name, (_name, _function, _dtype) in BINARY.items():
    operation(_name, broadcast, _dtype)(plain(_function))
    if _onnx_name != "Pow":  # function.py
        importer(_onnx_name)(import_plain)
# Imported by affine.py and activation.py, which look at constant operands first.
for _name, _function in (
    ("add", np.add),
    ("sub", np.subtract),
    ("mul", np.multiply),
    ("max", np.maximum),
    ("min", np.minimum),
):
    operation(_name, broadcast, None)(plain(_function))


def pair(ctx: NodeContext, op: str, x: str, y: str) -> str:
    """An operator of two values. Where they are broadcast they get equal ranks, so that axis 1 is the channels of both."""
    graph = ctx.graph
    rank = max(len(graph.shape(name)) for name in (x, y))
    names = [
        name
        if graph.const(name) is not None
        else ctx.reshape(name, (1,) * (rank - len(graph.shape(name))) + graph.shape(name))
        for name in (x, y)
    ]
    return ctx.emit(op, *names)


@importer("Neg")
def import_neg(ctx: NodeContext) -> str:
    """-1 * x + 0 for floats, which never gives -0."""
    if ctx.graph.values[ctx.inputs[0]].dtype == np.float32:
        return ctx.affine(ctx.inputs[0], np.float32(-1), np.float32(0))
    return ctx.emit("neg", *ctx.inputs)


@operation("div", broadcast, None)
def div(x: Array, y: Array, **_: Any) -> Array:
    """Integers divide towards zero, as in ONNX."""
    with np.errstate(all="ignore"):
        quotient = np.asarray(x / y)
    return quotient if x.dtype.kind == "f" else np.trunc(quotient).astype(x.dtype)


@operation("where", broadcast, None)
def where(condition: Array, x: Array, y: Array, **_: Any) -> Array:
    """x where the condition holds, else y."""
    return np.where(condition, x, y)


@importer("Where")
def import_where(ctx: NodeContext) -> str:
    """The same node of the IR."""
    return ctx.emit("where", *ctx.inputs)


@importer("MaskedFill", domains=(PRIVATE,))
def import_masked_fill(ctx: NodeContext) -> str:
    """x with one number in all places where the mask is true (converter/masked.py)."""
    mask, value, x = ctx.inputs
    if ctx.shape(0) != ctx.shape(2):
        raise ctx.error(
            f"its mask {list(ctx.shape(0))} must have the shape of what it assigns to, {list(ctx.shape(2))}; use torch.where"
        )
    if math.prod(ctx.shape(1)) != 1:
        raise ctx.error("it assigns more than one number; use torch.where")
    constants = [ctx.graph.const(name) for name in (mask, x, value)]
    if all(data is not None for data in constants):
        chosen, kept, filled = (np.asarray(data) for data in constants)
        return ctx.constant(np.where(chosen, filled.astype(kept.dtype), kept), "filled")
    return ctx.emit("where", mask, ctx.reshape(value, ()), x)


@operation("cast", same_shape)
def cast(x: Array, *, dtype: str, **_: Any) -> Array:
    """x in another type."""
    return x.astype(dtype)


@importer("Cast", "CastLike")
def import_cast(ctx: NodeContext) -> str:
    """Casts between float types are dropped: all float activations are float32 here."""
    from onnx import helper

    if ctx.node.op_type == "Cast":
        dtype = helper.tensor_dtype_to_np_dtype(ctx.attr("to"))
    else:
        dtype = ctx.graph.values[ctx.inputs[1]].dtype
    target = "float32" if dtype.name in FLOATS else dtype.name
    if ctx.graph.values[ctx.inputs[0]].dtype == np.dtype(target):
        return ctx.inputs[0]
    return ctx.emit("cast", ctx.inputs[0], dtype=target)
