# SPDX-License-Identifier: BSD-3-Clause
"""The QONNX dialect: BipolarQuant, Quant, MultiThreshold (github.com/fastmachinelearning/qonnx, docs/qonnx-custom-ops).

On constants they are computed here, because ONNX's own evaluator does not know them. On activations they are taken apart into
comparisons and choices, so that recognition sees them as any other spelling of a sign.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converter.graph import Array
from converter.ops.quantise import signs
from converter.ops.registry import NodeContext, importer

#: Older FINN versions have the same operators in domains of their own.
DOMAINS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general", "finn")


def _away(rule: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A rule for magnitudes."""
    return lambda x: np.sign(x) * rule(np.abs(x))


ROUNDING: dict[str, Callable[[Array], Array]] = {
    "ROUND": np.rint,
    "HALF_EVEN": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": _away(np.ceil),
    "DOWN": np.trunc,
    "HALF_UP": _away(lambda x: np.floor(x + 0.5)),
    "HALF_DOWN": _away(lambda x: np.ceil(x - 0.5)),
}
#: The same for activations in [0, 1]: an offset, then an operator of the graph.
UNIT_ROUNDING = {
    "ROUND": (0.0, "round"),
    "HALF_EVEN": (0.0, "round"),
    "CEIL": (0.0, "ceil"),
    "UP": (0.0, "ceil"),
    "FLOOR": (0.0, "floor"),
    "DOWN": (0.0, "floor"),
    "HALF_UP": (0.5, "floor"),
    "HALF_DOWN": (-0.5, "ceil"),
}


def choose(ctx: NodeContext, x: str, limit: Array, low: Array, high: Array) -> str:
    """x >= limit ? high : low, with constants that broadcast into the shape of x."""
    above = ctx.emit("greater_equal", x, ctx.constant(np.asarray(limit, np.float32), "limit"))
    levels = [ctx.constant(np.asarray(level, np.float32), "level") for level in (high, low)]
    return ctx.emit("where", above, *levels)


@importer("BipolarQuant", domains=DOMAINS)
def import_bipolar_quant(ctx: NodeContext) -> str:
    """+scale where x >= 0, else -scale; the scale is one number or broadcasts."""
    scale = ctx.const(1, "scale")
    data = ctx.graph.const(ctx.inputs[0])
    if data is not None:
        return ctx.constant((signs(data >= 0) * scale).astype(np.float32), "weight")
    return choose(ctx, ctx.inputs[0], np.float32(0), -scale, scale)


@importer("Quant", "IntQuant", domains=DOMAINS)
def import_quant(ctx: NodeContext) -> str:
    """(q - zero point) * scale, where q is x / scale + zero point: its sign with one signed bit, else clipped and rounded."""
    scale, zero, bits = (
        ctx.const(i + 1, what) for i, what in enumerate(("scale", "zero point", "bit width"))
    )
    if bits.size != 1 or bits.reshape(-1)[0] < 1 or bits.reshape(-1)[0] % 1:
        raise ctx.error(f"its bit width {bits.reshape(-1).tolist()} must be one whole number")
    if np.any(scale == 0):
        raise ctx.error("its scale is 0")
    width, signed = int(bits.reshape(-1)[0]), bool(ctx.attr("signed", 1))
    mode = str(ctx.attr("rounding_mode", "ROUND")).upper()
    if mode not in ROUNDING:
        raise ctx.error(f"rounding_mode '{mode}' is not one of {', '.join(ROUNDING)}")
    data = ctx.graph.const(ctx.inputs[0])
    if data is not None:
        q = data.astype(np.float32) / scale + zero
        if width == 1 and signed:
            q = signs(q >= 0)
        else:
            q = ROUNDING[mode](np.clip(q, *_range(width, signed, bool(ctx.attr("narrow", 0)))))
        return ctx.constant(((q - zero) * scale).astype(np.float32), "weight")
    if width > 1:
        raise ctx.error(
            f"it gives activations of {width} bits; activations here have one bit or are floats. Train with 1 bit, or take the "
            "node out: where it quantises an input that is on its grid already (pixels of 8 bits) nothing changes"
        )
    return _one_bit(ctx, scale, zero, mode if not signed else "")


def _range(width: int, signed: bool, narrow: bool) -> tuple[float, float]:
    """Smallest and largest integer."""
    if signed:
        return -(2.0 ** (width - 1)) + narrow, 2.0 ** (width - 1) - 1
    return 0.0, 2.0**width - 1 - narrow


def _one_bit(ctx: NodeContext, scale: Array, zero: Array, mode: str) -> str:
    """An activation of one bit: a sign, or (with a rounding mode) 0 or 1."""
    x = ctx.inputs[0]
    if np.any(scale != 1):
        x = ctx.emit("div", x, ctx.constant(scale, "scale"))
    if np.any(zero != 0):
        x = ctx.emit("add", x, ctx.constant(np.broadcast_to(zero, ctx.shape()).copy(), "zero"))
    if not mode:
        return choose(ctx, x, np.float32(0), (-1 - zero) * scale, (1 - zero) * scale)
    offset, op = UNIT_ROUNDING[mode]
    x = ctx.emit("clip", x, low=0.0, high=0.0 if ctx.attr("narrow", 0) else 1.0)
    x = ctx.emit(op, ctx.affine(x, np.float32(1), np.float32(offset)) if offset else x)
    return choose(ctx, x, np.float32(0.5), -zero * scale, (1 - zero) * scale)


@importer("MultiThreshold", domains=DOMAINS)
def import_multi_threshold(ctx: NodeContext) -> str:
    """How many of the channel's thresholds x reaches, times out_scale, plus out_bias."""
    channels_last = ctx.attr("data_layout", "NCHW") == "NHWC" or len(ctx.shape()) not in (2, 4)
    return multi_threshold(
        ctx,
        ctx.inputs[0],
        ctx.const(1, "thresholds"),
        np.float32(ctx.attr("out_scale", 1.0)),
        np.float32(ctx.attr("out_bias", 0.0)),
        channels_last,
    )


def multi_threshold(
    ctx: NodeContext,
    x: str,
    thresholds: Array,
    scale: np.float32,
    bias: np.float32,
    channels_last: bool,
) -> str:
    """MultiThreshold of a value; `thresholds` [C or 1, T]. Only two levels are possible on activations."""
    shape = ctx.graph.shape(x)
    rank = len(shape)
    axis = rank - 1 if channels_last else min(1, rank - 1)
    if thresholds.ndim != 2 or thresholds.shape[0] not in (1, shape[axis]) or not thresholds.size:
        raise ctx.error(
            f"its thresholds {list(thresholds.shape)} must be [channels, steps] or [1, steps] for "
            f"{shape[axis]} channels"
        )
    steps = [
        column.reshape([-1 if i == axis else 1 for i in range(rank)]) for column in thresholds.T
    ]
    data = ctx.graph.const(x)
    if data is not None:
        count = sum((data >= step).astype(np.float32) for step in steps)
        return ctx.constant((scale * count + bias).astype(np.float32), "levels")
    if any(not np.array_equal(step, steps[0]) for step in steps):
        raise ctx.error(
            f"it has {len(steps)} thresholds a channel, which give {len(steps) + 1} levels; activations here have two levels "
            "(one threshold) or are floats: train with 1 bit"
        )
    return choose(ctx, x, steps[0], np.asarray(bias), np.asarray(len(steps) * scale + bias))
