# SPDX-License-Identifier: BSD-3-Clause
"""8-bit numbers of a value's own range in each run: DynamicQuantizeLinear (docs/dab-format.md, 5.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter import int8
from converter.graph import Array
from converter.ops.registry import NodeContext, Shape, importer, operation, same_shape


def _one(_x: Shape, **_: Any) -> Shape:
    return (1,)


@operation("own_range", same_shape)
def own_range(x: Array, **_: Any) -> Array:
    """x rounded to 8-bit numbers of its own range."""
    numbers, scale, _zero = int8.own_range(x)
    result: Array = numbers.astype(np.float32) * scale
    return result


@operation("own_numbers", same_shape)
def own_numbers(x: Array, **_: Any) -> Array:
    """The numbers less their zero point."""
    return int8.own_range(x)[0].astype(np.float32)


@operation("own_scale", _one)
def own_scale(x: Array, **_: Any) -> Array:
    """What one of them stands for."""
    return np.array([int8.own_range(x)[1]])


@operation("own_zero", _one)
def own_zero(x: Array, **_: Any) -> Array:
    """Their zero point, as uint8."""
    return np.array([int8.own_range(x)[2] - int8.LOWEST], np.float32)


@importer("DynamicQuantizeLinear")
def import_dynamic_quantize(ctx: NodeContext) -> tuple[str, ...]:
    """Three values of one input; passes/own_scale.py brings them together again behind a layer."""
    return tuple(ctx.emit(op, ctx.inputs[0]) for op in ("own_numbers", "own_scale", "own_zero"))
