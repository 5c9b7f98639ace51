# SPDX-License-Identifier: BSD-3-Clause
"""8-bit numbers, as the EMIT_I8 step makes them (docs/dab-format.md, section 4): x stands for (q - zero) * scale."""

from __future__ import annotations

import numpy as np

from converter.graph import Array, Grid

LOWEST, HIGHEST = -128, 127


def to_int8(x: Array, scale: Array | float, zero: Array | int) -> Array:
    """The nearest int8 to x / scale (rounded to float32; of two the even one), plus zero, limited; NaN gives -128."""
    with np.errstate(over="ignore", invalid="ignore"):
        nearest = np.rint(np.asarray(x, np.float32) / np.float32(scale)) + np.float32(zero)
        limited = np.clip(nearest, LOWEST, HIGHEST)
    return np.where(np.isnan(limited), LOWEST, limited).astype(np.int8)


def own_range(x: Array) -> tuple[Array, np.float32, int]:
    """Numbers less their zero point (int32), their scale, and the zero point, by x's own range: docs/dab-format.md, 5.1."""
    counted = x[~np.isnan(x)]
    low, high = (np.float32(f(counted, initial=0)) for f in (np.min, np.max))
    limits = np.finfo(np.float32)
    low, high = (np.float32(0) if abs(end) < limits.tiny else end for end in (low, high))
    with np.errstate(over="ignore"):
        scale = min(np.float32((high - low) / np.float32(255)), limits.max)
        scale = np.float32(1) if scale < limits.tiny else scale
        zero = int(np.rint(min((np.float32(0) - low) / scale, np.float32(255)))) + LOWEST
    return to_int8(x, scale, zero).astype(np.int32) - zero, scale, zero


def grid(numbers: Array, scale: Array, zero: Array, axis: int) -> Grid | None:
    """The grid of a weight (numbers - zero) * scale of 8-bit numbers; scale and zero: one, or one along `axis`. None where they
    are something else."""
    if numbers.dtype not in (np.int8, np.uint8):
        return None
    shape = [-1 if i == axis % numbers.ndim else 1 for i in range(numbers.ndim)]
    if any(part.size not in (1, numbers.shape[axis]) or part.ndim > 1 for part in (scale, zero)):
        return None
    centred = numbers.astype(np.int16) - zero.astype(np.int16).reshape(shape)
    return Grid(centred, scale.astype(np.float32).reshape(shape))


def parts(numbers: Array) -> list[Array]:
    """Numbers as a sum of int8 of -127..127: one array, or more where zero points have moved them beyond."""
    found: list[Array] = []
    while not found or numbers.any():
        found.append(np.clip(numbers, -HIGHEST, HIGHEST).astype(np.int8))
        numbers = numbers - found[-1]
    return found


def quantise_weight(weight: Array) -> Grid:
    """The nearest symmetric grid of a float weight [O, ...], with one scale per output."""
    largest = np.abs(weight).reshape(len(weight), -1).max(1)
    scale = np.where(largest > 0, largest / HIGHEST, 1).astype(np.float32)
    scale = scale.reshape(-1, *(1,) * (weight.ndim - 1))
    return Grid(np.clip(np.rint(weight / scale), -HIGHEST, HIGHEST).astype(np.int8), scale)


def parameters(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point such that low..high and 0 are in -128..127, and 0 is one of the numbers."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32((high - low) / (HIGHEST - LOWEST)))
    if scale < np.finfo(np.float32).tiny:
        return 1.0, 0
    return scale, int(np.clip(np.rint(LOWEST - low / scale), LOWEST, HIGHEST))
