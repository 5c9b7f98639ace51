# SPDX-License-Identifier: BSD-3-Clause
"""What the operators of QONNX and FINN-ONNX mean, in numpy from their documentation, and an evaluator that knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from onnx_builder import Array

Meaning = Callable[..., Array]


def bipolar(x: Array, scale: Array) -> Array:
    result: Array = np.where(x >= 0, np.float32(1), np.float32(-1)) * scale
    return result


def quant(
    x: Array, scale: Array, zero: Array, bits: Array, signed: int, narrow: int, rounding_mode: str
) -> Array:
    q = x / scale + zero
    if bits == 1 and signed:
        q = np.where(q >= 0, np.float32(1), np.float32(-1))
    else:
        low = -(2 ** (bits - 1)) + narrow if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
        rounding: dict[str, Callable[[Array], Array]] = {
            "ROUND": np.round,
            "FLOOR": np.floor,
            "CEIL": np.ceil,
            "UP": lambda v: np.sign(v) * np.ceil(np.abs(v)),
            "DOWN": np.fix,
            "HALF_UP": lambda v: np.sign(v) * np.floor(np.abs(v) + 0.5),
            "HALF_DOWN": lambda v: np.sign(v) * np.ceil(np.abs(v) - 0.5),
        }
        q = rounding[rounding_mode](np.minimum(np.maximum(q, low), high))
    result: Array = ((q - zero) * scale).astype(np.float32)
    return result


def levels(x: Array, thresholds: Array, scale: float, bias: float) -> Array:
    """Channels on the last axis."""
    count = np.zeros(x.shape, np.float32)
    for step in thresholds.T:
        count += x >= step
    result: Array = (np.float32(scale) * count + np.float32(bias)).astype(np.float32)
    return result


def multi_threshold(
    x: Array,
    thresholds: Array,
    out_dtype: str,
    out_scale: float = 1,
    out_bias: float = 0,
    data_layout: str = "NCHW",
) -> Array:
    if x.ndim == 4 and data_layout == "NCHW":
        moved = np.moveaxis(x, 1, -1)
        return np.moveaxis(levels(moved, thresholds, out_scale, out_bias), -1, 1)
    return levels(x, thresholds, out_scale, out_bias)


def xnor_popcount(a: Array, b: Array) -> Array:
    equal = a[..., :, None].astype(bool) == b.astype(bool)
    result: Array = equal.sum(-2).astype(np.float32)
    return result


def layer(x: Array, w: Array, thresholds: Array | None = None, **attrs: Any) -> Array:
    types = (attrs["inputDataType"], attrs["weightDataType"])
    if attrs.get("binaryXnorMode"):
        y = xnor_popcount(x, w)
    elif types == ("BIPOLAR", "BIPOLAR"):
        y = xnor_popcount(x > 0, w > 0)
    else:
        y = x @ w
    if attrs.get("noActivation"):
        return y
    assert thresholds is not None
    if attrs["outputDataType"] == "BIPOLAR":
        return levels(y, thresholds, 2, -1)
    return levels(y, thresholds, 1, attrs.get("ActVal", 0))


def thresholding(x: Array, thresholds: Array, **attrs: Any) -> Array:
    return levels(x, thresholds, *((2, -1) if attrs["outputDataType"] == "BIPOLAR" else (1, 0)))


def batch_normalization(
    x: Array, scale: Array, bias: Array, mean: Array, var: Array, epsilon: float = 1e-5, **_: Any
) -> Array:
    """The evaluator's own takes the mean of x before opset 14."""
    scale, bias, mean, var = (c.reshape(-1, *(1,) * (x.ndim - 2)) for c in (scale, bias, mean, var))
    result: Array = (x - mean) / np.sqrt(var + np.float32(epsilon)) * scale + bias
    return result


MEANINGS: dict[str, Meaning] = {
    "BatchNormalization": batch_normalization,
    "BipolarQuant": bipolar,
    "Quant": quant,
    "IntQuant": quant,
    "MultiThreshold": multi_threshold,
    "XnorPopcountMatMul": xnor_popcount,
    "Thresholding_Batch": thresholding,
    "StreamingFCLayer_Batch": layer,
    "MatrixVectorActivation": layer,
    "MVAU_hls": layer,
}


def evaluator(op: str, domain: str) -> type[OpRun]:
    """An operator of the onnx package's evaluator."""

    def run(self: OpRun, *inputs: Array, **_: Any) -> tuple[Array]:
        attrs = {a.name: onnx.helper.get_attribute_value(a) for a in self.onnx_node.attribute}
        texts = {k: v.decode() if isinstance(v, bytes) else v for k, v in attrs.items()}
        return (np.asarray(MEANINGS[op](*inputs, **texts)),)

    return type(op, (OpRun,), {"op_domain": domain, "_run": run})


def dialect(proto: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Array]:
    """The outputs of a model with operators of these dialects."""
    used = {(node.op_type, node.domain) for node in proto.graph.node if node.op_type in MEANINGS}
    full = onnx.ModelProto.FromString(proto.SerializeToString())
    for domain in sorted({domain for _, domain in used} - {""}):
        full.opset_import.append(onnx.helper.make_opsetid(domain, 1))
    session = ReferenceEvaluator(full, new_ops=[evaluator(*key) for key in used])
    return list(session.run(None, dict(inputs)))
