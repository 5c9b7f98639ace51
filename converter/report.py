# SPDX-License-Identifier: BSD-3-Clause
"""What became of each convolution and dense layer, and why."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

BINARY, BINARY_WEIGHT, FLOAT = "binary", "binary-weight", "float"


@dataclass
class Row:
    """One convolution or dense layer of the source model.

    `kind`: "binary" (one-bit input and weight), "binary-weight" (float input, one-bit weight) or "float". `border`: value of
    the padding around a binary convolution (-1, 0, +1; None: no padding). `taps`: terms of each dot product (K).
    `inserted_sign`: x -> (x >= 0 ? +1 : -1) was inserted directly in front of the source model's layer (behind a Pad node).
    `forced`: the weight was replaced by its sign (0 counts as +1). `fused`: names of other source nodes that this layer does.
    """

    node: str
    output: str
    op: str
    kind: str = FLOAT
    reason: str = ""
    border: int | None = None
    taps: int = 0
    outputs: int = 0
    inserted_sign: bool = False
    forced: bool = False
    fused: list[str] = field(default_factory=list)
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass
class Report:
    """All rows in the order of the graph, and what the user should know. `zeros`: see `decided_zero`."""

    mode: str = ""
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    zeros: list[str] = field(default_factory=list)

    def decided_zero(self, sources: list[str]) -> None:
        """Note nodes of the source model whose Sign gives 0 for 0, where the result gives a sign."""
        self.zeros += [name for name in sources if name not in self.zeros]

    def warn(self, text: str) -> None:
        """Add a warning (once)."""
        if text not in self.warnings:
            self.warnings.append(text)

    @property
    def changed(self) -> bool:
        """Whether the result is by intent not the source model's: signs were inserted or weights forced."""
        return any(row.inserted_sign or row.forced for row in self.rows)

    def count(self, kind: str) -> int:
        """Number of layers of one kind."""
        return sum(row.kind == kind for row in self.rows)

    def totals(self) -> dict[str, Any]:
        """Layers by kind, weight bytes in the source model (float32) and in the result."""
        return {
            **{kind: self.count(kind) for kind in (BINARY, BINARY_WEIGHT, FLOAT)},
            "weight_bytes_before": sum(row.bytes_before for row in self.rows),
            "weight_bytes_after": sum(row.bytes_after for row in self.rows),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "mode": self.mode,
            "layers": [asdict(row) for row in self.rows],
            "warnings": list(self.warnings),
            "totals": self.totals(),
        }

    def to_json(self) -> str:
        """Everything as JSON text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def __str__(self) -> str:
        """A table for people, warnings and totals below it."""
        lines = _table(
            ("layer", "kind", "border", "K", "weights", "why"),
            [
                (
                    row.node,
                    row.kind,
                    "-" if row.border is None else f"{row.border:+d}" if row.border else "0",
                    str(row.taps),
                    f"{_size(row.bytes_before)} -> {_size(row.bytes_after)}",
                    row.reason,
                )
                for row in self.rows
            ],
        )
        totals = self.totals()
        lines.append(
            f"{len(self.rows)} layers ({self.mode}): {totals[BINARY]} binary, "
            f"{totals[BINARY_WEIGHT]} binary-weight, {totals[FLOAT]} float; weights "
            f"{_size(totals['weight_bytes_before'])} -> {_size(totals['weight_bytes_after'])}"
        )
        lines += [f"warning: {text}" for text in self.warnings]
        return "\n".join(lines)


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 10_000_000 else f"{count / 1e6:.1f} MB"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell; the last one is free."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    return [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]])
        for row in (head, *rows)
    ]
