# SPDX-License-Identifier: BSD-3-Clause
"""The FINN dialect of ONNX: matrix products that count equal bits, and their thresholds (github.com/Xilinx/finn)."""

from __future__ import annotations

import numpy as np

from converter.graph import Array
from converter.ops.dense import product
from converter.ops.qonnx import DOMAINS, multi_threshold
from converter.ops.registry import NodeContext, importer

HARDWARE = (
    "finn",
    "finn.custom_op.fpgadataflow",
    "finn.custom_op.fpgadataflow.hls",
    "finn.custom_op.fpgadataflow.rtl",
)
#: The same layer under the names of the versions.
LAYERS = (
    *("StreamingFCLayer_Batch", "MatrixVectorActivation", "MatrixVectorActivation_rtl"),
    *("MVAU", "MVAU_hls", "MVAU_rtl"),
)
THRESHOLDS = ("Thresholding_Batch", "Thresholding", "Thresholding_hls", "Thresholding_rtl")


def count_equal(ctx: NodeContext, x: str, weight: Array) -> str:
    """How many of the K bits of x [.., K] and of each column of the weight [K, N] are equal; all of them 0 or 1."""
    if not np.all((weight == 0) | (weight == 1)):
        raise ctx.error(f"its weights must be 0 or 1, not {np.unique(weight)[:4].tolist()}")
    signs = ctx.constant((2 * weight - 1).astype(np.float32), "weight")
    y = product(ctx, ctx.affine(x, np.float32(2), np.float32(-1)), signs)
    return ctx.affine(y, np.float32(0.5), np.float32(len(weight) / 2))


@importer("XnorPopcountMatMul", domains=DOMAINS)
def import_xnor_popcount(ctx: NodeContext) -> str:
    """x [.., K] and a constant weight [K, N] of bits 0 and 1 -> counts of equal bits."""
    return count_equal(ctx, ctx.inputs[0], ctx.const(1, "weight"))


@importer(*LAYERS, domains=HARDWARE)
def import_layer(ctx: NodeContext) -> str:
    """x [.., MW] times a weight [MW, MH]: sums, or counts where both have one bit; then thresholds, unless noActivation."""
    x, weight = ctx.inputs[0], ctx.const(1, "weight")
    if weight.ndim != 2:
        raise ctx.error(f"its weight {list(weight.shape)} must be a matrix [MW, MH]")
    if ctx.attr("binaryXnorMode", 0):
        y = count_equal(ctx, x, weight)
    else:
        y = product(ctx, x, ctx.weight(1, "weight"))
        if ctx.attr("inputDataType", "") == ctx.attr("weightDataType", "") == "BIPOLAR":
            y = ctx.affine(y, np.float32(0.5), np.float32(len(weight) / 2))
    return y if ctx.attr("noActivation", 0) else _activate(ctx, y, 2)


@importer(*THRESHOLDS, domains=HARDWARE)
def import_thresholding(ctx: NodeContext) -> str:
    """Thresholds of their own, channels last."""
    return _activate(ctx, ctx.inputs[0], 1)


def _activate(ctx: NodeContext, y: str, index: int) -> str:
    """Thresholds [channels, steps] of input `index`: -1 and +1 for BIPOLAR, else ActVal + count."""
    bipolar = ctx.attr("outputDataType", "") == "BIPOLAR"
    scale, bias = (2, -1) if bipolar else (1, ctx.attr("ActVal", 0))
    thresholds = ctx.const(index, "thresholds")
    return multi_threshold(ctx, y, thresholds, np.float32(scale), np.float32(bias), True)
