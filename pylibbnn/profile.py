# SPDX-License-Identifier: BSD-3-Clause
"""Where the time of a network goes, op by op, beside what the machine can do: the `profile` command."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pylibbnn import _lib
from pylibbnn._lib import Bound, Step
from pylibbnn.model import Model

_HEAD = ("op", "kind", "ms", "share", "Mmac", "Gmac/s", "bound", "weights K", "activ. K", "nodes")
_NODES_WIDTH = 60


@dataclass(frozen=True)
class Row:
    """An op: its best time, its share of the sum of all, and its multiply-adds per second as a share of the bound."""

    step: Step
    milliseconds: float
    share: float
    rate: float | None
    of_bound: float | None


@dataclass(frozen=True)
class Profile:
    """Rows in the order of execution; `binary_share` is the share of binary convolutions and dense layers in the time."""

    rows: list[Row]
    milliseconds: float
    binary_share: float
    bound: Bound
    threads: int

    def json(self) -> dict[str, Any]:
        """Return plain values: a row's step beside its numbers."""
        plain = asdict(self)
        plain["rows"] = [{**row.pop("step"), **row} for row in plain["rows"]]
        return plain

    def lines(self, by_time: bool = False) -> list[str]:
        """Return a table; by_time: the slowest op first."""
        rows = sorted(self.rows, key=lambda row: -row.milliseconds) if by_time else self.rows
        cells = [_HEAD, *map(_cells, rows)]
        widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD) - 1)]
        table = [
            "  ".join([*map(str.rjust, line[:-1], widths), line[-1]]).rstrip() for line in cells
        ]
        binary = self.binary_share * self.milliseconds
        parts = (
            ("binary", binary, self.binary_share, self.bound.binary),
            ("others", self.milliseconds - binary, 1 - self.binary_share, self.bound.floats),
        )
        return [
            *table,
            "",
            f"all     {self.milliseconds:.3f} ms, {self.threads} thread{'s' * (self.threads > 1)}",
            *(
                f"{name}  {ms:.3f} ms, {100 * share:.1f} %; bound: {bound / 1e9:.0f} Gmac/s"
                for name, ms, share, bound in parts
            ),
        ]


def profile(
    source: str | os.PathLike[str] | bytes,
    isa: str | None = None,
    threads: int = 1,
    repeat: int = 20,
) -> Profile:
    """Run a model `repeat` times on random inputs and take every op's best time; measure the machine's bound.

    Raises what Model raises, and ValueError for a `repeat` below 1.
    """
    if repeat < 1:
        raise ValueError(f"repeat must be at least 1, got {repeat}")
    model = Model(source, isa, threads, profile=True)
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(t.shape).astype(t.dtype) for t in model.inputs]
    for _ in range(repeat):
        model.run(inputs if len(inputs) > 1 else inputs[0])
    times, bound = model.step_milliseconds, _lib.measure_bound(isa, threads)
    total = sum(times)
    rows = [_row(s, ms, total, bound) for s, ms in zip(model.steps, times, strict=True)]
    binary = sum(row.share for row in rows if row.step.binary)
    return Profile(rows, total, binary, bound, threads)


def _row(step: Step, milliseconds: float, total: float, bound: Bound) -> Row:
    rate = step.macs / (milliseconds * 1e-3) if step.macs and milliseconds > 0 else None
    limit = bound.binary if step.binary else bound.floats
    share = milliseconds / total if total > 0 else 0.0
    return Row(step, milliseconds, share, rate, rate / limit if rate and limit else None)


def _cells(row: Row) -> tuple[str, ...]:
    step, name = row.step, row.step.name
    return (
        str(step.op),
        step.kind,
        f"{row.milliseconds:.4f}",
        f"{100 * row.share:.1f} %",
        f"{step.macs / 1e6:.3f}" if step.macs else "",
        f"{row.rate / 1e9:.2f}" if row.rate else "",
        f"{100 * row.of_bound:.1f} %" if row.of_bound else "",
        f"{step.weight_bytes / 1024:.1f}",
        f"{step.activation_bytes / 1024:.1f}",
        name if len(name) <= _NODES_WIDTH else name[: _NODES_WIDTH - 3] + "...",
    )
