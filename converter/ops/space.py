# SPDX-License-Identifier: BSD-3-Clause
"""DepthToSpace and SpaceToDepth: blocks of pixels to channels and back, as a reshape, a transpose and a reshape."""

from __future__ import annotations

from converter.ops.registry import NodeContext, importer
from converter.ops.window import image_only


@importer("DepthToSpace")
def import_depth_to_space(ctx: NodeContext) -> str:
    """Mode DCR: channels are [block row, block column, C]; CRD (pixel shuffle): [C, block row, block column]."""
    image_only(ctx)
    (n, c, h, w), b = ctx.shape(), ctx.attr("blocksize", 1)
    if b < 1 or c % (b * b):
        raise ctx.error(f"its {c} channels are no blocks of {b} x {b}")
    if ctx.attr("mode", "DCR") == "DCR":
        x = ctx.reshape(ctx.inputs[0], (n, b, b, c // (b * b), h, w))
        x = ctx.transpose(x, (0, 3, 4, 1, 5, 2))
    else:
        x = ctx.reshape(ctx.inputs[0], (n, c // (b * b), b, b, h, w))
        x = ctx.transpose(x, (0, 1, 4, 2, 5, 3))
    return ctx.reshape(x, (n, c // (b * b), h * b, w * b))


@importer("SpaceToDepth")
def import_space_to_depth(ctx: NodeContext) -> str:
    """Channels become [block row, block column, C]."""
    image_only(ctx)
    (n, c, h, w), b = ctx.shape(), ctx.attr("blocksize", 1)
    if b < 1 or h % b or w % b:
        raise ctx.error(f"its image of {h} x {w} is no blocks of {b} x {b}")
    x = ctx.reshape(ctx.inputs[0], (n, c, h // b, b, w // b, b))
    return ctx.reshape(ctx.transpose(x, (0, 3, 5, 1, 2, 4)), (n, c * b * b, h // b, w // b))
