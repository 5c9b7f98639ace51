# SPDX-License-Identifier: BSD-3-Clause
"""Conv -> conv (and an affine for the bias); bconv, its binary form."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, Shape, importer, operation, two_valued
from converter.ops.window import geometry_of, image_only, import_geometry, output_size, windows


def conv_shape(x: Shape, w: Shape, *, groups: int, **attrs: Any) -> Shape:
    """[N, groups * O, OH, OW]."""
    if len(x) != 4 or len(w) != 4 or x[1] != w[1] * groups or w[0] % groups:
        raise ValueError(
            f"its weight {list(w)} in {groups} group(s) does not fit its input {list(x)}"
        )
    return (x[0], w[0], *output_size(x[2:], geometry_of(w[2:], attrs)))


def convolve(x: Array, w: Array, *, groups: int, border: float, **attrs: Any) -> Array:
    """Convolution summed in float64: exact for integers, else rounded once."""
    view = windows(x.astype(np.float64), geometry_of(w.shape[2:], attrs), border)
    inputs, outputs = w.shape[1], w.shape[0] // groups
    parts = []
    for g in range(groups):
        taps = view[:, g * inputs : (g + 1) * inputs]
        kernels = w[g * outputs : (g + 1) * outputs].astype(np.float64)
        parts.append(np.tensordot(taps, kernels, axes=((1, 4, 5), (1, 2, 3))))
    return np.moveaxis(np.concatenate(parts, axis=-1), -1, 1).astype(np.float32)


@operation("conv", conv_shape)
def conv(x: Array, w: Array, **attrs: Any) -> Array:
    """Convolution with zero padding."""
    return convolve(x, w, border=0.0, **attrs)


@operation("bconv", conv_shape)
def bconv(x: Array, w: Array, *, border: int, **attrs: Any) -> Array:
    """The sum is an integer of at most 65534, which a float32 holds exactly."""
    return convolve(two_valued(x), w, border=border, **attrs)


@importer("Conv")
def import_conv(ctx: NodeContext) -> str:
    """Conv: the bias becomes an affine behind it."""
    image_only(ctx)
    weight = ctx.weight(1, "weight")
    kernel = ctx.graph.shape(weight)[2:]
    declared = tuple(ctx.attr("kernel_shape", kernel))
    if len(kernel) != 2 or declared != kernel:
        raise ctx.error(f"kernel_shape {list(declared)} does not fit its weight's {list(kernel)}")
    geometry = import_geometry(ctx, (kernel[0], kernel[1]))
    y = ctx.emit(
        "conv",
        ctx.inputs[0],
        weight,
        strides=geometry.strides,
        dilations=geometry.dilations,
        pads=geometry.pads,
        groups=ctx.attr("group", 1),
        result=ctx.node.output[0],
    )
    return ctx.affine(y, np.float32(1), ctx.const(2, "bias")) if ctx.has(2) else y
