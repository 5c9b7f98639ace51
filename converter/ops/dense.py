# SPDX-License-Identifier: BSD-3-Clause
"""MatMul and Gemm with a constant weight -> dense (and an affine); bdense, its binary form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, Shape, importer, operation, two_valued


def dense_shape(x: Shape, w: Shape, **_: Any) -> Shape:
    """[M, O]."""
    if len(x) != 2 or len(w) != 2 or x[1] != w[1]:
        raise ValueError(f"its weight [O, K] {list(w)} does not fit its input [M, K] {list(x)}")
    return (x[0], w[0])


@operation("dense", dense_shape)
def dense(x: Array, w: Array, **_: Any) -> Array:
    """Summed in float64: exact for integers, else rounded once."""
    product: Array = x.astype(np.float64) @ w.astype(np.float64).T
    return product.astype(np.float32)


@operation("bdense", dense_shape)
def bdense(x: Array, w: Array, **_: Any) -> Array:
    """The sum is an integer, which a float32 holds exactly."""
    return dense(two_valued(x), w)


def transposed(ctx: NodeContext, name: str) -> str:
    """A constant matrix, transposed (once for all its readers)."""
    data = ctx.graph.const(name)
    assert data is not None
    copy = f"{name} (transposed)"
    if copy not in ctx.graph.values:
        value = ctx.graph.add_value(copy, data.T.shape)
        grid = ctx.graph.values[name].grid
        value.const = np.ascontiguousarray(data.T)
        value.grid = None if grid is None else grid.transposed()
    return copy


@importer("MatMul")
def import_matmul(ctx: NodeContext) -> str:
    """MatMul with a weight [K, N] on the right; x may have any rank."""
    if not ctx.is_const(1):
        raise ctx.error(
            "its second input must be a constant weight [K, N]; products of two "
            "activations (or with the weight on the left) are not supported"
        )
    return product(ctx, ctx.inputs[0], ctx.weight(1, "weight"))


def product(ctx: NodeContext, x: str, weight: str) -> str:
    """x [.., K] @ a constant weight [K, N]."""
    shape = ctx.graph.shape(x)
    if len(ctx.graph.shape(weight)) != 2:
        raise ctx.error(f"its weight {list(ctx.graph.shape(weight))} must be a matrix [K, N]")
    if not shape or shape[-1] != ctx.graph.shape(weight)[0]:
        raise ctx.error(
            f"its weight [K, N] {list(ctx.graph.shape(weight))} does not fit its input "
            f"{list(shape)}"
        )
    rows = ctx.reshape(x, (math.prod(shape[:-1]), shape[-1]))
    y = ctx.emit("dense", rows, transposed(ctx, weight), result=ctx.node.output[0])
    return ctx.reshape(y, (*shape[:-1], ctx.graph.shape(y)[1]))


@importer("Gemm")
def import_gemm(ctx: NodeContext) -> str:
    """y = alpha * x @ w + beta * c, where x and w may be transposed."""
    weight = ctx.weight(1, "weight")
    if not ctx.attr("transB", 0):
        weight = transposed(ctx, weight)
    x = ctx.transpose(ctx.inputs[0], (1, 0)) if ctx.attr("transA", 0) else ctx.inputs[0]
    y = ctx.emit("dense", x, weight, result=ctx.node.output[0])
    alpha, beta = ctx.attr("alpha", 1.0), ctx.attr("beta", 1.0)
    outputs = ctx.graph.shape(y)[1]
    bias = np.zeros(1, np.float32)
    if ctx.has(2) and beta != 0:
        bias = ctx.const(2, "bias")
        if bias.size not in (1, outputs) or bias.shape[-1:] not in ((), (bias.size,)):
            raise ctx.error(f"its bias {list(bias.shape)} must be one number per output")
        bias = np.float32(beta) * bias
    if alpha == 1 and not np.any(bias):
        return y
    return ctx.affine(y, np.float32(alpha), bias)
