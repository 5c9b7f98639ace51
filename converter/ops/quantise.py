# SPDX-License-Identifier: BSD-3-Clause
"""quantise and threshold, which recognition creates."""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.graph import Array
from converter.ops.registry import operation, per_channel, same_shape


def signs(positive: Array) -> Array:
    """+1.0 where positive, else -1.0."""
    result: Array = np.where(positive, np.float32(1), np.float32(-1))
    return result


@operation("quantise", same_shape)
def quantise(x: Array, threshold: Array, flip: Array, **_: Any) -> Array:
    """(x >= threshold) != flip ? +1 : -1 per channel."""
    return signs((x >= per_channel(threshold, x.ndim)) != per_channel(flip, x.ndim))


@operation("threshold", same_shape)
def threshold(x: Array, threshold: Array, **_: Any) -> Array:
    """x >= threshold ? +1 : -1 per channel, for integer x."""
    return signs(x >= per_channel(threshold, x.ndim))
