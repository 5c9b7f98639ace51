# SPDX-License-Identifier: BSD-3-Clause
"""How cost and arena of a network grow with its width, depth, image and batch: a table, and a picture of straight lines.

Multiply-adds of a convolution grow with the square of the channels, and with the number of pixels; so cost stands over the
square of the width, and over the square of the image's side. Memory of activations is proportional to channels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ci.bench.networks import costs, prepare
from ci.bench.table import Cell, table
from ci.qemu.targets import Target
from pylibbnn import zoo

NETWORK = "bireal18"
WANTED = 0.05  # largest distance from the straight line, as a share of the largest value


@dataclass(frozen=True)
class Series:
    """What is varied; cost and arena are expected to lie on straight lines over these powers of it."""

    name: str
    values: tuple[float, ...]
    cost_power: int = 1
    arena_power: int = 1

    def point(self, value: float) -> tuple[zoo.Scale, int]:
        """Return the network's scale and the number of images."""
        if self.name == "batch":
            return zoo.Scale(), int(value)
        return zoo.Scale(**{self.name: value}), 1


SERIES = (
    Series("width", (0.5, 1.0, 1.5, 2.0), cost_power=2),
    Series("depth", (0.5, 1.0, 1.5, 2.0, 3.0)),
    Series("image", (3 / 7, 5 / 7, 1.0, 9 / 7, 11 / 7), cost_power=2, arena_power=2),
    Series("batch", (1, 2, 3, 4)),
)


@dataclass(frozen=True)
class Line:
    """Measured points over x, and the straight line nearest to them."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    @property
    def fit(self) -> tuple[float, float]:
        """Return slope and value at 0 (least squares)."""
        slope, start = np.polyfit(self.x, self.y, 1)
        return float(slope), float(start)

    @property
    def distance(self) -> float:
        """Return the largest distance from the straight line, as a share of the largest value."""
        slope, start = self.fit
        line = slope * np.array(self.x) + start
        return float(np.max(np.abs(line - self.y)) / max(self.y))


@dataclass(frozen=True)
class Grown:
    """The lines of a series."""

    series: Series
    cost: Line
    arena: Line


def label(name: str, power: int) -> str:
    """Return the name of an axis."""
    return name if power == 1 else f"{name}, squared"


def unit(target: Target) -> str:
    """Return what cost is counted in."""
    return "million instructions" if target.emulator else "milliseconds"


def measure(target: Target, isa: str | None) -> list[Grown]:
    """Measure the cost of every point; arenas (kB) are read from the files.

    Time is that of one image, so images are not varied where it is measured.
    """
    found = []
    scale_of_cost = 1e6 if target.emulator else 1
    for series in SERIES if target.emulator else [s for s in SERIES if s.name != "batch"]:
        cost, arena = [], []
        for value in series.values:
            scale, samples = series.point(value)
            with tempfile.TemporaryDirectory() as folder:
                network = prepare(NETWORK, scale, Path(folder), samples)
                cost.append(sum(costs(target, isa, network)) / scale_of_cost)
                arena.append(network.model.activation_bytes / 1e3)
        found.append(Grown(series, _line(series, cost, True), _line(series, arena, False)))
    return found


def _line(series: Series, y: Sequence[float], cost: bool) -> Line:
    power = series.cost_power if cost else series.arena_power
    x = tuple(value**power for value in series.values)
    return Line(label(series.name, power), x, tuple(y))


def growth_table(found: Sequence[Grown], cost_unit: str) -> str:
    """Return each line's slope, start and distance."""
    lines: list[list[Cell]] = []
    for grown in found:
        for what, line in ((cost_unit, grown.cost), ("kB of arena", grown.arena)):
            slope, start = line.fit
            values = " ".join(f"{value:.3g}" for value in grown.series.values)
            verdict = "ok" if line.distance <= WANTED else f"more than {WANTED:.0%}"
            cells = [f"{_number(start)} + {_number(slope)} x", f"{line.distance:.1%}", verdict]
            lines.append([f"{what} over {line.label}", values, *cells])
    return table(["", f"factors on {NETWORK}", "straight line", "off it by", ""], lines, left=2)


def _number(value: float) -> str:
    """Return one decimal, without the sign of a 0."""
    return f"{round(value, 1) + 0.0:.1f}"


def pyplot() -> Any:
    """Return matplotlib's. Raises SystemExit where it is not installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise SystemExit(
            "--growth draws with matplotlib: python -m pip install --group plot, in .nox/tools"
        ) from None
    mpl.use("Agg")
    from matplotlib import pyplot as drawing

    return drawing


def plot(drawing: Any, found: Sequence[Grown], path: Path, title: str, cost_unit: str) -> None:
    """Draw all lines into a PNG, by `pyplot`."""
    figure: Any
    figure, axes = drawing.subplots(2, len(found), figsize=(3.2 * len(found), 6), squeeze=False)
    for column, grown in enumerate(found):
        for axis, line, what in (
            (axes[0][column], grown.cost, cost_unit),
            (axes[1][column], grown.arena, "kB of activations"),
        ):
            slope, start = line.fit
            ends = np.array([0, max(line.x)])
            axis.plot(ends, slope * ends + start, color="0.7")
            axis.plot(line.x, line.y, "o")
            axis.set_xlabel(line.label)
            axis.set_ylabel(what if column == 0 else "")
            axis.set_xlim(left=0)
            axis.set_ylim(0, 1.1 * max(line.y))
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=100, metadata={"Software": None})
    drawing.close(figure)
