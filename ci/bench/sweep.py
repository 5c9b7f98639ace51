# SPDX-License-Identifier: BSD-3-Clause
"""Costs between the usual shapes: no number of channels, outputs or pixels may cost much more than its neighbours.

A line of shapes differs in one number. A point's expected cost is that of the straight line through its two neighbours (at an
end: through the next two), over units of the real convolution: padded channels are no work. A point is a cliff if it takes more
than FACTOR times that; no constant is allowed for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FACTOR = 1.6

SIZES = (*range(8, 161, 8), *range(192, 513, 32))
ODD = (8, 9, 11, 12, 15, 17, 20, 31, 33, 47, 63, 65, 66, 90, 100, 127, 129, 130, 191, 193, 250, 300)
WIDTHS = tuple(range(1, 58))
H, W, C, O, K, STRIDE, PAD = range(7)  # noqa: E741


@dataclass(frozen=True)
class Line:
    """Convolutions H, W, C, O, kernel, stride, pad, of which one number takes several values."""

    name: str
    base: tuple[int, ...]
    varied: int
    values: tuple[int, ...]

    def shapes(self) -> list[str]:
        """Return what bnn-bench's --conv takes, one per value."""
        return [
            ",".join(str(value if i == self.varied else n) for i, n in enumerate(self.base))
            for value in self.values
        ]


LINES = (
    Line("channels", (7, 7, 0, 32, 3, 1, 1), C, SIZES),
    Line("channels, odd", (7, 7, 0, 32, 3, 1, 1), C, ODD),
    Line("channels, 1x1", (7, 7, 0, 64, 1, 1, 0), C, SIZES),
    Line("channels, stride 2", (14, 14, 0, 32, 3, 2, 1), C, SIZES),
    Line("outputs", (7, 7, 128, 0, 3, 1, 1), O, SIZES),
    Line("outputs, odd", (7, 7, 64, 0, 3, 1, 1), O, ODD),
    Line("outputs, 1x1", (7, 7, 256, 0, 1, 1, 0), O, SIZES),
    Line("widths, 64 channels", (7, 0, 64, 32, 3, 1, 1), W, WIDTHS),
    Line("widths, 128 channels", (7, 0, 128, 32, 3, 1, 1), W, WIDTHS),
    Line("widths, 200 channels", (7, 0, 200, 24, 3, 1, 1), W, WIDTHS),
    Line("widths, 1x1", (7, 0, 128, 32, 1, 1, 0), W, WIDTHS),
    Line("widths, 5x5", (5, 0, 64, 16, 5, 1, 2), W, WIDTHS),
    Line("widths, stride 2", (14, 0, 128, 32, 3, 2, 1), W, WIDTHS),
    Line("widths, stride 3, 2x2", (14, 0, 64, 32, 2, 3, 1), W, WIDTHS),
)


@dataclass(frozen=True)
class Point:
    """A shape's cost; expected: on the line through its neighbours."""

    value: int
    units: float
    instructions: int
    expected: float

    @property
    def ratio(self) -> float:
        """Return the cost as a multiple of the expected one."""
        return self.instructions / self.expected

    @property
    def cliff(self) -> bool:
        """Whether it costs too much."""
        return self.ratio > FACTOR


Found = Sequence[tuple[Line, Sequence[Point]]]  # a sweep


def cliffs(found: Found) -> list[str]:
    """Return the shapes that are cliffs."""
    shapes = [zip(line.shapes(), points, strict=True) for line, points in found]
    return [shape for line in shapes for shape, point in line if point.cliff]


def verdict(found: Found) -> str:
    """Return what a sweep found, in a sentence."""
    number = sum(len(points) for _, points in found)
    bad = cliffs(found)
    if bad:
        return f"{len(bad)} of {number} points are cliffs: {'; '.join(bad)}"
    return f"None of {number} points is a cliff"


def points(
    values: Sequence[int], units: Sequence[float], instructions: Sequence[int]
) -> list[Point]:
    """Return the points of a line of at least 3 values."""
    result = []
    last = len(values) - 1
    for i, value in enumerate(values):
        a, b = (1, 2) if i == 0 else (last - 2, last - 1) if i == last else (i - 1, i + 1)
        expected = _line(units[a], instructions[a], units[b], instructions[b], units[i])
        result.append(Point(value, units[i], instructions[i], expected))
    return result


def _line(x0: float, y0: float, x1: float, y1: float, x: float) -> float:
    """Return y at x on the line through two points; where x does not change (stride), their mean. Never below 1."""
    y = (y0 + y1) / 2 if x0 == x1 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return max(y, 1.0)
