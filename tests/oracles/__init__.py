# SPDX-License-Identifier: BSD-3-Clause
"""Numpy oracles of the kernels: for every slot of kernels.def, the cases each variant must pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oracles import acc, chain, copy, gemm, int8, pack, pool, steps, xnor
from oracles.case import Case

_FAMILIES: list[tuple[Any, Callable[..., Case]]] = [
    (module.SLOTS, module.case)
    for module in (pack, xnor, chain, acc, steps, gemm, int8, copy, pool)
]

# Shapes by slot; a shape is a NamedTuple, whose text names the test.
SHAPES: dict[str, Sequence[Any]] = {
    slot: shapes for slots, _ in _FAMILIES for slot, shapes in slots.items()
}
_CASES = {slot: case for slots, case in _FAMILIES for slot in slots}


def build(slot: str, shape: Any) -> Case:
    """Make the case of one of the slot's shapes."""
    return _CASES[slot](slot, shape)


def shape_id(shape: Any) -> str:
    """Short text of a shape for a test's id: its values, joined."""
    return "x".join(str(value) for value in shape)
