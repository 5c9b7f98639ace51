# SPDX-License-Identifier: BSD-3-Clause
"""Finding the one place where a two-valued function of one number changes its value.

Floats are taken as points of an ordered line (`ordinal`): neighbours differ by 1, -0.0 and +0.0 are one point. A function is
sampled along the line, around the given landmarks and around zero; the interval in which it changes is then halved until two
neighbours are left, so the threshold is exact. For a function that never falls (or never rises) this proves that it has one
step; a feature of others could hide between the samples, away from all constants of the function.

Infinite arguments are left out, as they make NaN where a factor is 0; a step goes on to infinity as it was before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from converter.graph import Array

Function = Callable[[Array], Array]

SAMPLES = 1024
MOST = 1 << 23  # results looked at in one go; fewer samples where there are very many channels
CACHED = 1 << 15  # results computed in one go
LARGEST = 0x7F7FFFFF
EVERYWHERE = (-np.inf, np.inf)
#: Relative difference up to which two results are the same value: straight-through sums (s - t) + t round.
SAME = 1e-6


@dataclass(frozen=True)
class Step:
    """f(x) = (x >= threshold) != flip ? high : low, each [C]; constant channels have threshold -inf."""

    threshold: Array
    flip: Array
    low: Array
    high: Array

    def widen(self, channels: int) -> Step:
        """For a function that is the same in all channels."""
        parts = (self.threshold, self.flip, self.low, self.high)
        return Step(*(np.broadcast_to(part, (channels,)).copy() for part in parts))


def ordinal(x: Array) -> Array:
    """float32 -> int64, monotonic, neighbours differ by 1."""
    bits = np.asarray(x, np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def from_ordinal(n: Array) -> Array:
    """The inverse of `ordinal`; 0 gives +0.0."""
    bits = np.where(n < 0, -n | 0x80000000, n).astype(np.uint32)
    return bits.view(np.float32)


def float_step(
    function: Function, channels: int, landmarks: Array, bounds: tuple[float, float] = EVERYWHERE
) -> Step | str:
    """The step of a function on float32 rows [n, C], or the reason why it is none.

    Only x between the bounds are looked at; there are no others. Points where the function gives NaN (large x may overflow)
    are ignored at the ends of the line.
    """
    points = _points(int(np.clip(MOST // channels, 64, SAMPLES)), landmarks, bounds)
    results = _results(function, from_ordinal(points), channels)
    points, results = _without_overflow(points, results)
    states, reason = _classify(results)
    if reason or states is None:
        return f"{reason}"
    with np.errstate(invalid="ignore"):
        below = function(_rows(np.array([-0.0], np.float32), channels))
        if np.any((below != results[points == 0]) & ~np.isnan(below)):
            return "it tells -0.0 from +0.0"
    is_high, low, high = states
    scale = np.maximum(np.abs(low), np.abs(high))
    changes = is_high[1:] != is_high[:-1]
    if np.any(changes.sum(0) > 1):
        return "it changes its value more than once"
    where = changes.argmax(0)
    below, above = points[where], points[where + 1]
    rising = ~is_high[0] & changes.any(0)
    moving = changes.any(0)
    while np.any(moving & (above - below > 1)):
        middle = (below + above) // 2
        value = function(from_ordinal(middle)[None, :])[0]
        upper, lower = _is(value, high, scale), _is(value, low, scale)
        if np.any(moving & ~upper & ~lower):
            return _third(value, moving & ~upper & ~lower)
        after = upper == rising
        above, below = np.where(after, middle, above), np.where(after, below, middle)
    threshold = np.where(moving, from_ordinal(above), np.float32(-np.inf)).astype(np.float32)
    flip = np.where(moving, ~rising, ~is_high[0])
    return Step(threshold, flip, low, high)


def _points(samples: int, landmarks: Array, bounds: tuple[float, float]) -> Array:
    """Ordinals between the bounds (at least two, perhaps equal): evenly spread, around landmarks and around 0."""
    with np.errstate(over="ignore"):
        ends = np.clip(ordinal(np.array(bounds, np.float32)), -LARGEST, LARGEST)
    near = ordinal(landmarks)[:, None] + np.arange(-2, 3)
    line = np.linspace(ends[0], ends[1], samples).astype(np.int64)
    points = np.unique(np.clip(np.concatenate([line, near.ravel(), [-1, 0, 1]]), *ends))
    return points if len(points) > 1 else np.repeat(points, 2)


def _without_overflow(points: Array, results: Array) -> tuple[Array, Array]:
    """Without the ends of the line where all channels give NaN."""
    known = np.flatnonzero(~np.isnan(results).all(axis=1))
    if len(known) < 2:
        return points, results
    part = slice(known[0], known[-1] + 1)
    return points[part], results[part]


def _results(function: Function, x: Array, channels: int) -> Array:
    """f for every channel, [len(x), C]; in parts, whose intermediate results stay in the cache."""
    count = max(1, CACHED // channels)
    parts = [x[first : first + count] for first in range(0, len(x), count)]
    return np.concatenate([function(_rows(part, channels)) for part in parts])


def _rows(x: Array, channels: int) -> Array:
    return np.broadcast_to(x[:, None], (len(x), channels))


def _is(value: Array, nominal: Array, scale: Array) -> Array:
    with np.errstate(over="ignore"):
        result: Array = np.abs(value - nominal) <= SAME * scale
    return result


def _third(value: Array, odd: Array) -> str:
    return f"it also takes the value {value[odd][0]:g}"


def _classify(results: Array) -> tuple[tuple[Array, Array, Array] | None, str | None]:
    """Rows of results -> whether they are the upper value, lower values, upper values; or a reason."""
    known = ~np.isnan(results)
    if not np.all(known.any(0)):
        return None, "it gives NaN everywhere"
    low = np.where(known, results, np.inf).min(0)
    high = np.where(known, results, -np.inf).max(0)
    if not np.all(np.isfinite(low) & np.isfinite(high)):
        return None, "it is not bounded"
    scale = np.maximum(np.abs(low), np.abs(high))
    upper, lower = _is(results, high, scale), _is(results, low, scale)
    odd = known & ~upper & ~lower
    if np.any(odd):
        return None, _third(results, odd)
    if not np.all(known):
        _spread(upper, known)
    return (upper, low, high), None


def _spread(states: Array, known: Array) -> None:
    """Where f gives NaN, take the state of the neighbour nearer to the middle of the line."""
    middle = len(states) // 2
    for half, kept in ((states[middle:], known[middle:]), (states[middle::-1], known[middle::-1])):
        source = np.where(kept, np.arange(len(half))[:, None], 0)
        half[:] = np.take_along_axis(half, np.maximum.accumulate(source), axis=0)
