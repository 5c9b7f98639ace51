# SPDX-License-Identifier: BSD-3-Clause
"""Functions of one value that networks compute: those of converter/functions.py, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from converter import functions
from converter.functions import Function
from converter.graph import Array
from converter.ops.activation import emit_prelu
from converter.ops.elementwise import pair
from converter.ops.registry import NodeContext, importer, operation, same_shape


def _reference(x: Array, *, code: Function, **_: object) -> Array:
    return functions.apply(code, x)


#: Those of the IR that are not in elementwise.py already, by the ONNX operators that are nothing else.
SMOOTH = {"Erf": "erf", "Softplus": "softplus", "HardSwish": "hard_swish", "Mish": "mish"}
for _name in (*SMOOTH.values(), "elu", "swish"):
    operation(_name, same_shape)(partial(_reference, code=Function[_name.upper()]))


@importer(*SMOOTH)
def import_smooth(ctx: NodeContext) -> str:
    """The same function."""
    return ctx.emit(SMOOTH[ctx.node.op_type], ctx.inputs[0])


def scaled(ctx: NodeContext, x: str, factor: float, offset: float = 0.0) -> str:
    """factor * x + offset."""
    return ctx.affine(x, np.float32(factor), np.float32(offset))


@importer("Elu")
def import_elu(ctx: NodeContext) -> str:
    """alpha * (exp(x) - 1) below 0: an elu whose negative side has the slope alpha."""
    return emit_prelu(ctx, ctx.emit("elu", ctx.inputs[0]), np.float32(ctx.attr("alpha", 1.0)))


@importer("Selu")
def import_selu(ctx: NodeContext) -> str:
    """gamma * elu."""
    alpha = ctx.attr("alpha", 1.6732632423543772)
    y = emit_prelu(ctx, ctx.emit("elu", ctx.inputs[0]), np.float32(alpha))
    return scaled(ctx, y, ctx.attr("gamma", 1.0507009873554805))


@importer("Celu")
def import_celu(ctx: NodeContext) -> str:
    """alpha * elu(x / alpha) for alpha > 0."""
    alpha = ctx.attr("alpha", 1.0)
    if alpha <= 0:
        raise ctx.error(f"its alpha {alpha:g} must be positive")
    return scaled(ctx, ctx.emit("elu", scaled(ctx, ctx.inputs[0], 1 / alpha)), alpha)


@importer("Swish")
def import_swish(ctx: NodeContext) -> str:
    """x * sigmoid(alpha * x)."""
    alpha = ctx.attr("alpha", 1.0)
    if alpha == 1:
        return ctx.emit("swish", ctx.inputs[0])
    return pair(ctx, "mul", ctx.inputs[0], ctx.emit("sigmoid", scaled(ctx, ctx.inputs[0], alpha)))


@importer("Gelu")
def import_gelu(ctx: NodeContext) -> str:
    """x * (1 + erf(x / sqrt 2)) / 2, or with tanh(sqrt(2 / pi) * (x + 0.044715 x^3)) for erf."""
    x = ctx.inputs[0]
    if ctx.attr("approximate", "none") == "tanh":
        root = math.sqrt(2 / math.pi)
        factor = scaled(ctx, pair(ctx, "mul", x, x), 0.044715 * root, root)
        inner = ctx.emit("tanh", pair(ctx, "mul", x, factor))
    else:
        inner = ctx.emit("erf", scaled(ctx, x, math.sqrt(0.5)))
    return pair(ctx, "mul", x, scaled(ctx, inner, 0.5, 0.5))


@importer("Softsign")
def import_softsign(ctx: NodeContext) -> str:
    """x / (1 + |x|)."""
    return pair(ctx, "div", ctx.inputs[0], scaled(ctx, ctx.emit("abs", ctx.inputs[0]), 1, 1))


#: x^c by products, quotients and roots, for exponents c that networks have.
POWERS: dict[float, Callable[[NodeContext, str], str]] = {
    -2.0: lambda ctx, x: ctx.emit("reciprocal", pair(ctx, "mul", x, x)),
    -1.0: lambda ctx, x: ctx.emit("reciprocal", x),
    -0.5: lambda ctx, x: ctx.emit("reciprocal", ctx.emit("sqrt", x)),
    0.5: lambda ctx, x: ctx.emit("sqrt", x),
    1.0: lambda ctx, x: x,
    2.0: lambda ctx, x: pair(ctx, "mul", x, x),
    3.0: lambda ctx, x: pair(ctx, "mul", x, pair(ctx, "mul", x, x)),
    4.0: lambda ctx, x: ctx.emit("mul", *[pair(ctx, "mul", x, x)] * 2),
}


@importer("Pow")
def import_pow(ctx: NodeContext) -> str:
    """By a constant number that POWERS has; others may be part of a sign function."""
    exponent = ctx.graph.const(ctx.inputs[1])
    if (
        exponent is not None
        and exponent.size == 1
        and ctx.graph.values[ctx.inputs[0]].dtype == np.float32
    ):
        power = POWERS.get(float(exponent.reshape(())))
        if power is not None:
            return power(ctx, ctx.inputs[0])
    return ctx.emit("pow", *ctx.inputs)
