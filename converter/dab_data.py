# SPDX-License-Identifier: BSD-3-Clause
"""Rules of docs/dab-format.md on memory and on the content of constants: sections 2.6, 1 and 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from converter import layout
from converter.dab_model import DabError, Model, Place, Status, Tensor, Type


def check_memory(model: Model) -> None:
    """Section 2.6: lifetimes cover all uses, and what lives together does not overlap."""
    last_use = dict.fromkeys(model.inputs, 0)
    for index, op in enumerate(model.ops):
        last_use.update(dict.fromkeys(op.inputs, index))
    last_use.update(dict.fromkeys(model.outputs, len(model.ops) - 1))
    for index, use in sorted(last_use.items()):
        row = model.tensors[index]
        what = ""
        if not row.constant and row.last < use:
            what = "last is before the last use"
        if index in model.inputs and row.first != 0:
            what = "first of a model input is not 0"
        if what:
            raise DabError(Status.FORMAT, Place.TENSOR, index, what)

    active = [(i, t) for i, t in enumerate(model.tensors) if not t.constant]
    rows = np.array([(t.offset, t.offset + t.bytes, t.first, t.last) for _, t in active], np.int64)
    for at, (index, tensor) in enumerate(active):
        start, end, first, last = rows[:at].T
        space = (start < tensor.offset + tensor.bytes) & (end > tensor.offset)
        time = (first <= tensor.last) & (last >= tensor.first)
        if bool((space & time).any()):
            what = "overlaps an activation that is live at the same time"
            raise DabError(Status.FORMAT, Place.TENSOR, index, what)


_PACKING: dict[Type, tuple[Callable[..., Any], Callable[[Any], layout.Bytes]]] = {
    Type.BITS: (layout.unpack_bits, layout.pack_bits),
    Type.W_XNOR: (layout.unpack_xnor, layout.pack_xnor),
    Type.W_SIGN: (layout.unpack_sign, layout.pack_sign),
    Type.W_S8: (layout.unpack_s8, layout.pack_s8),
}


def check_data(model: Model) -> None:
    """Sections 1 and 3: pad bits are zero, flips 0 or 1, floats normal and not -0.0."""
    for index, tensor in enumerate(model.tensors):
        what = _fault(tensor) if tensor.constant else ""
        if what:
            raise DabError(Status.FORMAT, Place.DATA, index, what)


def _fault(tensor: Tensor) -> str:
    """What is wrong with the data of a constant, or ""."""
    assert tensor.data is not None
    if tensor.type in _PACKING:
        unpack, pack = _PACKING[tensor.type]
        same = np.array_equal(pack(unpack(tensor.data, tensor.dims)), tensor.data)
        if tensor.type == Type.W_S8 and np.any(tensor.data == 0x80):
            return "an 8-bit weight is -128"
        return "" if same else "padding is not zero"
    if tensor.type == Type.U8:
        return "" if tensor.data.max() <= 1 else "a flip is not 0 or 1"
    if tensor.type not in (Type.F32, Type.W_F32):
        return ""
    values = np.frombuffer(tensor.data.tobytes(), "<f4")
    if tensor.type == Type.W_F32:
        return "" if np.isfinite(values).all() else "a weight is not finite"
    return "" if all_normal(values) else "a value is NaN, -0.0 or denormal"


def all_normal(values: npt.NDArray[np.float32]) -> bool:
    """No NaN, -0.0 or denormal; infinities pass."""
    tiny = np.abs(values) < np.finfo(np.float32).tiny
    return not bool((np.isnan(values) | (tiny & (values.view(np.uint32) != 0))).any())
