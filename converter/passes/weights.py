# SPDX-License-Identifier: BSD-3-Clause
"""Is a weight binary? w[o] = alpha[o] * (+1 or -1), within a relative tolerance, with one alpha for each output channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Array

#: Largest relative distance of |w| from alpha. Weight arithmetic in float32 scatters by 2.4e-7; trained reals by about 1.
TOLERANCE = 0.005


@dataclass(frozen=True)
class BinaryWeight:
    """`signs` int8 (-1, +1) in the weight's shape, `alpha` f32 [O]; `error` is the largest relative distance from +-alpha."""

    signs: Array
    alpha: Array
    error: float

    @property
    def plain(self) -> bool:
        """Whether the weight holds nothing but -1 and +1."""
        return self.error == 0 and bool(np.all(self.alpha == 1))


def signs_of(weight: Array) -> Array:
    """Sign of each element as int8; 0 counts as +1."""
    signs: Array = np.where(weight >= 0, np.int8(1), np.int8(-1))
    return signs


def binary_weight(weight: Array) -> BinaryWeight | str:
    """Signs and factors of a weight whose first axis is the output channel, or why it has none."""
    rows = np.abs(weight.reshape(len(weight), -1).astype(np.float32))
    if not np.all(np.isfinite(rows)):
        return f"its weight holds NaN or infinity ({int(np.sum(~np.isfinite(rows)))} elements)"
    zero = ~rows.any(axis=1)
    if np.any(zero):
        return f"its weight is all zeros in output channel {int(zero.argmax())}"
    low, high = rows.min(axis=1), rows.max(axis=1)
    alpha = np.where(low == high, low, rows.mean(axis=1, dtype=np.float64))
    error = float(np.max(np.maximum(high - alpha, alpha - low) / alpha))
    if error > TOLERANCE:
        return _describe(weight)
    return BinaryWeight(signs_of(weight), alpha.astype(np.float32), error)


def _describe(weight: Array) -> str:
    """Why a weight is not binary, from its values."""
    found = np.unique(weight)
    channels = [len(np.unique(channel)) for channel in weight.reshape(len(weight), -1)]
    if len(found) <= 8:
        listed = ", ".join(f"{v:g}" for v in found)
        more = ", which are not opposite" if len(found) == 2 else ""
        return f"its weight takes {len(found)} values: {listed}{more}"
    if np.any(found == 0) and max(channels) <= 3:
        return "its weight takes 3 values in a channel: -alpha, 0 and +alpha"
    return f"its weight is real-valued ({len(found)} different values)"


def alpha_range(weight: BinaryWeight) -> tuple[float, float]:
    """Smallest and largest alpha of the output channels."""
    return float(weight.alpha.min()), float(weight.alpha.max())


def weight_text(weight: BinaryWeight) -> str:
    """What a binary weight holds, in words."""
    if weight.plain:
        return "holds nothing but -1 and +1"
    low, high = alpha_range(weight)
    many = f"{low:g} in all" if low == high else f"{low:g} to {high:g} over the"
    text = f"is +-alpha, alpha is {many} {len(weight.alpha)} output channels"
    return text if weight.error == 0 else f"{text}; |w| scatters by {weight.error:.1e} of it"
