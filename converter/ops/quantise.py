# SPDX-License-Identifier: BSD-3-Clause
"""quantise and threshold, which recognition creates; BipolarQuant of the QONNX dialect."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, importer, operation, per_channel, same_shape


def signs(positive: Array) -> Array:
    """+1.0 where positive, else -1.0."""
    result: Array = np.where(positive, np.float32(1), np.float32(-1))
    return result


@operation("quantise", same_shape)
def quantise(x: Array, threshold: Array, flip: Array, **_: Any) -> Array:
    """(x >= threshold) != flip ? +1 : -1 per channel."""
    return signs((x >= per_channel(threshold, x.ndim)) != per_channel(flip, x.ndim))


@operation("threshold", same_shape)
def threshold(x: Array, threshold: Array, **_: Any) -> Array:
    """x >= threshold ? +1 : -1 per channel, for integer x."""
    return signs(x >= per_channel(threshold, x.ndim))


@importer("BipolarQuant", domains=("onnx.brevitas", "qonnx.custom_op.general"))
def import_bipolar_quant(ctx: NodeContext) -> str:
    """+scale where x >= 0, else -scale; on weights too (they are not folded by the ONNX tools)."""
    scale = ctx.const(1, "scale")
    data = ctx.graph.const(ctx.inputs[0])
    if data is not None:
        return ctx.constant((signs(data >= 0) * scale).astype(np.float32), "weight")
    positive = ctx.emit("greater_equal", ctx.inputs[0], ctx.constant(np.float32(0), "zero"))
    return ctx.emit("where", positive, ctx.constant(scale), ctx.constant(-scale))
