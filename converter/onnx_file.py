# SPDX-License-Identifier: BSD-3-Clause
"""Reading ONNX files that strangers wrote: the model as a whole, and its tensors one by one."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto, numpy_helper

from converter.errors import ConversionError
from converter.graph import Array
from converter.ops.registry import MAX_BYTES, ONNX

OLDEST_OPSET = 7


def read_model(path: Path) -> onnx.ModelProto:
    """The model as it stands in the file; external data stays on disk until `read_tensor`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"cannot be read: {error.strerror}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise ConversionError("is not an ONNX file, or a truncated one") from None
    if not model.opset_import or not model.HasField("graph"):
        raise ConversionError("is not an ONNX file (it has no graph, or names no opset)")
    return model


def inline(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its functions inlined, if it is one that can be imported."""
    if not model.graph.output:
        raise ConversionError("the graph has no outputs")
    opset, newest = opset_version(model), onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise ConversionError(
            f"uses opset {opset}; opsets {OLDEST_OPSET} to {newest} can be read (export with "
            "another opset, or install a newer onnx package)"
        )
    if not model.functions:
        return model
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # the inliner is C++ and raises what its checks raise
        raise ConversionError(f"its functions cannot be inlined: {error}") from error


def opset_version(model: onnx.ModelProto) -> int:
    """The version of the standard operators; that of the newest where a model uses none of them."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ONNX]
    return versions[0] if versions else int(onnx.defs.onnx_opset_version())


def numpy_type(kind: int, what: str) -> np.dtype[Any]:
    """The numpy type of an ONNX element type."""
    dtype: np.dtype[Any] | None
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind))
    except KeyError:
        dtype = None
    if dtype is None or dtype.kind == "O":  # texts
        raise ConversionError(f"{what} has no numeric type (ONNX type {kind})")
    return dtype


def read_tensor(tensor: TensorProto, folder: Path, what: str) -> Array:
    """The data of an initializer or Constant; allocates nothing whose bytes are not there."""
    shape, dtype = list(tensor.dims), numpy_type(tensor.data_type, what)
    count = math.prod(shape)
    if any(d < 0 for d in shape) or count * dtype.itemsize >= MAX_BYTES:
        raise ConversionError(f"{what} declares shape {shape}, which no model can have")
    try:
        if tensor.data_location == TensorProto.EXTERNAL:
            _check_external(tensor, folder, count * dtype.itemsize, what)
        array = np.asarray(numpy_helper.to_array(tensor, str(folder)))
    except (ValueError, TypeError, OSError, onnx.checker.ValidationError) as error:
        raise ConversionError(f"{what} of shape {shape} has damaged data: {error}") from error
    if array.shape != tuple(shape):
        raise ConversionError(f"{what} declares shape {shape} but holds {array.size} values")
    _check_finite(array, what)
    return array


def _check_external(tensor: TensorProto, folder: Path, size: int, what: str) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    file = folder / location
    if not location or os.path.isabs(location) or ".." in Path(location).parts:
        raise ConversionError(f"{what} has its data at '{location}', outside the model's folder")
    if not file.is_file():
        raise ConversionError(
            f"{what} has its data in the file '{location}', which is missing; "
            "put it next to the model"
        )
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    if offset < 0 or length != size or offset + length > file.stat().st_size:
        raise ConversionError(f"{what} needs {size} bytes at {offset} of the file '{location}'")


def _check_finite(array: Array, what: str) -> None:
    """NaN is always wrong; single infinities may be limits of a Clip."""
    if array.dtype.kind not in "fV":  # V: the small types that numpy does not know itself
        return
    values = array.astype(np.float64) if array.dtype.kind == "V" else array
    if np.any(np.isnan(values)) or (array.size > 1 and not np.all(np.isfinite(values))):
        raise ConversionError(
            f"{what} holds NaN or infinite values; train again or repair the file"
        )
