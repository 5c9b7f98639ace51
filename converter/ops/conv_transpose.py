# SPDX-License-Identifier: BSD-3-Clause
"""ConvTranspose -> one conv over the small image and an interleaving of its channels (sub-pixel decomposition).

The full result has Y = i * stride + k * dilation for input pixel i and tap k. Its pixels with equal phase r = Y mod stride
depend on the taps with k * dilation = r + m * stride only: out[q * stride + r] = sum over m of w[k(m)] * x[q - m] is an
ordinary convolution over m, with its taps in reverse order. All phases of both axes are computed as channels of one
convolution (phases with fewer taps than others get zeros), then interleaved and cut to size.

Shi et al., Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network, 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Array
from converter.ops.registry import NodeContext, importer
from converter.ops.window import image_only


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
    def pads(self) -> tuple[int, int]:
        """Of the convolution over the small image, so that it gives all q that are needed."""
        last = (self.before + self.out - 1) // self.stride
        return self.reach - self.first, max(last - (self.size - 1), 0)

    def taps(self) -> Array:
        """[stride, reach + 1]: the tap that the convolution has there in each phase, -1 for none."""
        result = np.full((self.stride, self.reach + 1), -1)
        for k in range(self.kernel):
            m, r = divmod(k * self.dilation, self.stride)
            result[r, self.reach - m] = k
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
    (top, bottom), (left, right) = rows.pads, columns.pads
    y = ctx.emit(
        "conv",
        ctx.inputs[0],
        ctx.constant(phases(weight, rows.taps(), columns.taps(), groups), "weight"),
        strides=(1, 1),
        dilations=(1, 1),
        pads=(top, left, bottom, right),
        groups=groups,
        result=ctx.node.output[0],
    )
    if ctx.has(2):
        bias = np.repeat(ctx.const(2, "bias"), rows.stride * columns.stride)
        y = ctx.affine(y, np.float32(1), bias)
    y = interleave(ctx, y, rows.stride, columns.stride)
    starts = tuple(a.before - a.first * a.stride for a in (rows, columns))
    sizes = (*ctx.graph.shape(y)[:2], rows.out, columns.out)
    if sizes == ctx.graph.shape(y):
        return y
    return ctx.emit("slice", y, shape=sizes, starts=(0, 0, *starts), steps=(1, 1, 1, 1))


def interleave(ctx: NodeContext, x: str, rows: int, columns: int) -> str:
    """[N, C * rows * columns, H, W] -> [N, C, H * rows, W * columns]."""
    n, c, h, w = ctx.graph.shape(x)
    c //= rows * columns
    x = ctx.reshape(x, (n, c, rows, columns, h, w))
    return ctx.reshape(ctx.transpose(x, (0, 1, 4, 2, 5, 3)), (n, c, h * rows, w * columns))


def phases(weight: Array, rows: Array, columns: Array, groups: int) -> Array:
    """[C, O / G, KH, KW] -> [O * phases of rows * phases of columns, C / G, taps of rows, taps of columns]."""
    inputs, outputs, kh, kw = weight.shape
    padded = np.zeros((inputs, outputs, kh + 1, kw + 1), np.float32)  # tap -1 is 0
    padded[:, :, :kh, :kw] = weight
    taken = padded[:, :, rows[:, None, :, None], columns[None, :, None, :]]
    split = taken.reshape(groups, inputs // groups, outputs, *taken.shape[2:])
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
