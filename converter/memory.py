# SPDX-License-Identifier: BSD-3-Clause
"""Places of activations in the arena: intervals of time and sizes in, offsets out.

Two activations that are live at the same time never overlap; the arena cannot be smaller than the largest sum of sizes that
are live at once. Each is put into the lowest gap that fits, in several orders; the best order wins. On real networks the
result is within 1.1 of that lower bound (tests/model/test_memory.py); in theory first fit in any order of sizes has no
constant bound below a small multiple, so callers read the size from the result instead of relying on one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALIGNMENT = 64


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
    best: tuple[list[int], int] | None = None
    bound = lower_bound(intervals)
    for order in _ORDERS:
        offsets, total = _first_fit(intervals, order)
        if best is None or total < best[1]:
            best = offsets, total
        if total == bound:
            break
    assert best is not None
    return best


def _first_fit(
    intervals: Sequence[Interval], order: Callable[[Interval], tuple[int, ...]]
) -> tuple[list[int], int]:
    offsets = [0] * len(intervals)
    placed: list[int] = []
    for index in sorted(range(len(intervals)), key=lambda i: order(intervals[i])):
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
