# SPDX-License-Identifier: BSD-3-Clause
"""Places of activations in the arena: intervals of time and sizes in, offsets out.

Two activations that are live at the same time never overlap; the arena cannot be smaller than the largest sum of sizes that
are live at once. Each is put into the lowest gap that fits, in several orders; the best order is then improved by letting the
activation that ends highest choose first. Networks come out within 1.1 of the lower bound (tests/model/test_memory.py). In
theory such a search has no constant bound, so callers read the size from the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALIGNMENT = 64
_WORK = 500_000  # pairs of activations to look at, at most, while improving an order


@dataclass(frozen=True)
class Interval:
    """An activation: live from op `first` to op `last`, inclusive, with `size` bytes."""

    first: int
    last: int
    size: int

    @property
    def aligned(self) -> int:
        """Bytes up to the next aligned offset."""
        return -(-self.size // ALIGNMENT) * ALIGNMENT

    def meets(self, other: Interval) -> bool:
        """Whether both are live at some time."""
        return self.first <= other.last and other.first <= self.last


# Orders of placement; ties fall back on the order of the table, so results do not depend on anything else.
_ORDERS: tuple[Callable[[Interval], tuple[int, ...]], ...] = (
    lambda i: (-i.size, i.first),
    lambda i: (-i.size * (i.last - i.first + 1),),
    lambda i: (i.first - i.last, -i.size),
    lambda i: (i.first, -i.size),
    lambda i: (-i.last, -i.size),
)


def lower_bound(intervals: Sequence[Interval]) -> int:
    """Largest sum of aligned sizes that are live at once."""
    change: dict[int, int] = {}
    for interval in intervals:
        change[interval.first] = change.get(interval.first, 0) + interval.aligned
        change[interval.last + 1] = change.get(interval.last + 1, 0) - interval.aligned
    live = most = 0
    for time in sorted(change):
        live += change[time]
        most = max(most, live)
    return most


def place(intervals: Sequence[Interval]) -> tuple[list[int], int]:
    """Offsets (multiples of 64) of the activations, and the bytes of the arena (a multiple of 64)."""
    everything, bound = range(len(intervals)), lower_bound(intervals)
    orders = [sorted(everything, key=lambda i: key(intervals[i])) for key in _ORDERS]
    tries = max(5, min(200, _WORK // (1 + len(intervals) ** 2)))
    results = [(_first_fit(intervals, order), order) for order in orders]
    best, order = min(results, key=lambda result: result[0][1])
    for _ in range(tries):
        offsets, total = found = _first_fit(intervals, order)
        if total < best[1]:
            best = found
        if best[1] == bound:
            break
        ends = [
            offset + interval.aligned for offset, interval in zip(offsets, intervals, strict=True)
        ]
        highest = ends.index(total)
        if order[0] == highest:
            break
        order = [highest, *(i for i in order if i != highest)]
    return best


def _first_fit(intervals: Sequence[Interval], order: Sequence[int]) -> tuple[list[int], int]:
    """Place one after the other, each as low as it can lie."""
    offsets = [0] * len(intervals)
    placed: list[int] = []
    for index in order:
        new = intervals[index]
        taken = sorted(
            (offsets[i], offsets[i] + intervals[i].aligned)
            for i in placed
            if intervals[i].meets(new)
        )
        at = 0
        for start, end in taken:
            if start - at >= new.aligned:
                break
            at = max(at, end)
        offsets[index] = at
        placed.append(index)
    total = max((o + i.aligned for o, i in zip(offsets, intervals, strict=True)), default=0)
    return offsets, total
