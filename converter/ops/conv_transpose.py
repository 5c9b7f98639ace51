# SPDX-License-Identifier: BSD-3-Clause
"""ConvTranspose -> conv over the small image and an interleaving of channels (sub-pixel decomposition).

The full result has Y = i * stride + k * dilation for input pixel i and tap k. Its pixels with equal phase r = Y mod stride
depend on the taps with k * dilation = r + m * stride only: out[q * stride + r] = sum over m of w[k(m)] * x[q - m] is an
ordinary convolution over m, with its taps in reverse order. The phases of both axes are channels of one convolution where they
have equally many taps, else results of one convolution each, so that nothing is multiplied by zeros and binary weights stay
binary. They are interleaved and cut to size.

Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, importer
from converter.ops.window import image_only


@dataclass(frozen=True)
class Phase:
    """Taps [phases, n] of a convolution along one axis (-1: none), with m = reach at the first, m - dilation at the next."""

    taps: Array
    reach: int
    dilation: int


@dataclass(frozen=True)
class Axis:
    """One axis of a transposed convolution: `before` is cut off the full result, `out` elements stay."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    out: int

    @property
    def reach(self) -> int:
        """Largest m."""
        return (self.kernel - 1) * self.dilation // self.stride

    @property
    def first(self) -> int:
        """The first q that is computed."""
        return min(self.before // self.stride, self.reach)

    @property
    def even(self) -> bool:
        """Whether all phases have equally many taps."""
        return bool(np.all(self.taps() >= 0))

    def pads(self, reach: int) -> tuple[int, int]:
        """Of a convolution over the small image whose first tap has m = reach, so that it gives all q that are needed."""
        last = (self.before + self.out - 1) // self.stride
        return reach - self.first, max(last - (self.size - 1), 0)

    def taps(self) -> Array:
        """[stride, reach + 1]: the tap that the convolution has there in each phase, -1 for none."""
        result = np.full((self.stride, self.reach + 1), -1)
        for k in range(self.kernel):
            m, r = divmod(k * self.dilation, self.stride)
            result[r, self.reach - m] = k
        return result

    @property
    def together(self) -> Phase:
        """All phases at once."""
        return Phase(self.taps(), self.reach, 1)

    def phases(self) -> list[Phase]:
        """Each phase by itself, without the empty taps in front (as far as its pads do not become negative) and between."""
        result = []
        for taps in self.taps():
            used = np.flatnonzero(taps >= 0)
            first = used[0] if len(used) else self.reach
            empty = int(min(first, self.reach - self.first))
            apart = np.diff(used)
            regular = (
                len(apart)
                and empty == first
                and used[-1] == self.reach
                and np.all(apart == apart[0])
            )
            dilation = int(apart[0]) if regular else 1
            result.append(Phase(taps[None, empty::dilation], self.reach - empty, dilation))
        return result


@importer("ConvTranspose")
def import_conv_transpose(ctx: NodeContext) -> str:
    """Weight [C, O / group, KH, KW]."""
    image_only(ctx)
    weight, groups = ctx.const(1, "weight"), ctx.attr("group", 1)
    shape = ctx.shape()
    if weight.ndim != 4 or weight.shape[0] != shape[1] or shape[1] % groups:
        raise ctx.error(
            f"its weight {list(weight.shape)} in {groups} group(s) does not fit its input {list(shape)}"
        )
    rows, columns = axes(ctx, (weight.shape[2], weight.shape[3]))
    together = rows.even and columns.even
    y = (one_convolution if together else convolutions)(ctx, weight, rows, columns)
    if ctx.has(2):
        bias, phases = ctx.const(2, "bias"), rows.stride * columns.stride
        bias = np.repeat(bias, phases) if together else np.tile(bias, phases)
        y = ctx.affine(y, np.float32(1), bias)
    if rows.stride * columns.stride > 1:
        y = interleave(ctx, y, rows.stride, columns.stride, together)
    starts = tuple(a.before - a.first * a.stride for a in (rows, columns))
    sizes = (*ctx.graph.shape(y)[:2], rows.out, columns.out)
    if sizes == ctx.graph.shape(y):
        return y
    return ctx.emit("slice", y, shape=sizes, starts=(0, 0, *starts), steps=(1, 1, 1, 1))


def one_convolution(ctx: NodeContext, weight: Array, rows: Axis, columns: Axis) -> str:
    """All phases have equally many taps: channels are [O, row phase, column phase]."""
    return convolve(ctx, weight, (rows, columns), (rows.together, columns.together), "")


def convolutions(ctx: NodeContext, weight: Array, rows: Axis, columns: Axis) -> str:
    """One convolution for each phase, with its taps only: channels are [row phase, column phase, O]."""
    parts = [
        convolve(ctx, weight, (rows, columns), (row, column), f".{r}.{c}")
        for r, row in enumerate(rows.phases())
        for c, column in enumerate(columns.phases())
    ]
    return ctx.emit("concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def convolve(
    ctx: NodeContext,
    weight: Array,
    axes: tuple[Axis, Axis],
    phases: tuple[Phase, Phase],
    suffix: str,
) -> str:
    """A convolution of the small image; the suffix tells layers of one ONNX node apart."""
    (top, bottom), (left, right) = (
        axis.pads(phase.reach) for axis, phase in zip(axes, phases, strict=True)
    )
    groups = ctx.attr("group", 1)
    kernels = taken(weight, phases[0].taps, phases[1].taps, groups)
    return ctx.emit(
        "conv",
        ctx.inputs[0],
        ctx.constant(kernels, f"weight{suffix}"),
        strides=(1, 1),
        dilations=(phases[0].dilation, phases[1].dilation),
        pads=(top, left, bottom, right),
        groups=groups,
        result=ctx.node.output[0] + suffix,
    )


def interleave(ctx: NodeContext, x: str, rows: int, columns: int, inner: bool) -> str:
    """[N, C * rows * columns, H, W] -> [N, C, H * rows, W * columns]; `inner`: phases are the inner part of the channels."""
    n, c, h, w = ctx.graph.shape(x)
    c //= rows * columns
    split = (n, c, rows, columns, h, w) if inner else (n, rows, columns, c, h, w)
    perm = (0, 1, 4, 2, 5, 3) if inner else (0, 3, 4, 1, 5, 2)
    return ctx.reshape(ctx.transpose(ctx.reshape(x, split), perm), (n, c, h * rows, w * columns))


def taken(weight: Array, rows: Array, columns: Array, groups: int) -> Array:
    """[C, O / G, KH, KW] -> [O * phases of rows * of columns, C / G, taps of rows, of columns]; tap -1 is 0."""
    inputs, outputs, kh, kw = weight.shape
    padded = np.zeros((inputs, outputs, kh + 1, kw + 1), np.float32)
    padded[:, :, :kh, :kw] = weight
    chosen = padded[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    split = chosen.reshape(groups, inputs // groups, outputs, *chosen.shape[2:])
    moved = np.moveaxis(split, 1, 4)  # [G, O / G, phases, phases, C / G, taps, taps]
    return np.ascontiguousarray(moved.reshape(-1, *moved.shape[4:]))


def axes(ctx: NodeContext, kernel: tuple[int, int]) -> tuple[Axis, Axis]:
    """Geometry from strides, dilations, pads, output_padding, output_shape and auto_pad."""
    pairs = {
        name: ctx.attr(name, default)
        for name, default in (
            ("strides", [1, 1]),
            ("dilations", [1, 1]),
            ("output_padding", [0, 0]),
            ("kernel_shape", list(kernel)),
        )
    }
    if (
        any(len(values) != 2 for values in pairs.values())
        or min(*pairs["strides"], *pairs["dilations"]) < 1
    ):
        raise ctx.error("its strides, dilations and output_padding must be two numbers each")
    if tuple(pairs["kernel_shape"]) != kernel:
        raise ctx.error(
            f"kernel_shape {pairs['kernel_shape']} does not fit its weight's {list(kernel)}"
        )
    auto, pads = ctx.attr("auto_pad", "NOTSET"), list(ctx.attr("pads", [0, 0, 0, 0]))
    shape = ctx.attr("output_shape")
    result = []
    for i, (size, k) in enumerate(zip(ctx.shape()[2:], kernel, strict=True)):
        stride, dilation, extra = (pairs[n][i] for n in ("strides", "dilations", "output_padding"))
        full = (size - 1) * stride + (k - 1) * dilation + 1 + extra
        before, after = (pads[i], pads[i + 2]) if auto == "NOTSET" else (0, 0)
        out = full - before - after
        if shape or auto.startswith("SAME"):
            cut = max(full - (shape[-2:][i] if shape else size * stride), 0)
            before, out = cut // 2 if auto == "SAME_UPPER" else cut - cut // 2, full - cut
        if out < 1 or before < 0:
            raise ctx.error(f"its pads {pads} leave nothing of axis {i + 2}, or are negative")
        result.append(Axis(size, k, stride, dilation, before, out))
    return result[0], result[1]
