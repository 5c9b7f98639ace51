# SPDX-License-Identifier: BSD-3-Clause
"""What became of each convolution and dense layer, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from converter import text_table

BINARY, BINARY_WEIGHT, INT8, FLOAT = "binary", "binary-weight", "int8", "float"
SCHEMA = 1  # grows when a field of the JSON file gets another meaning or goes away


@dataclass
class Row:
    """One convolution or dense layer of the source model; docs/conversion.md describes the fields."""

    node: str
    output: str
    op: str
    kind: str = FLOAT
    reason: str = ""
    advice: str = ""
    input: list[str] = field(default_factory=list)
    weight: str = ""
    alpha: tuple[float, float] | None = None
    border: float | None = None
    taps: int = 0
    outputs: int = 0
    multiply_adds: int = 0
    inserted_sign: bool = False
    forced: bool = False
    on_bits: bool | None = None
    fused: list[str] = field(default_factory=list)
    bytes_before: int = 0
    bytes_after: int = 0


@dataclass(frozen=True)
class Lowered:
    """What lowering made of a layer: the source nodes that its op does, bytes of its weight, whether a binary op does it."""

    sources: list[str]
    weight_bytes: int
    on_bits: bool


@dataclass
class Report:
    """All rows in the order of the graph, and what the user should know. `zeros`: see `decided_zero`.

    `file_bytes` and `arena_bytes` are known after lowering (None before). `int8`: what 8 bits changed, if they were asked for.
    """

    mode: str = ""
    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    zeros: list[str] = field(default_factory=list)
    file_bytes: int | None = None
    arena_bytes: int | None = None
    int8: dict[str, Any] | None = None

    def decided_zero(self, sources: list[str]) -> None:
        """Note nodes of the source model whose Sign gives 0 for 0, where the result gives a sign."""
        self.zeros += [name for name in sources if name not in self.zeros]

    def warn(self, text: str) -> None:
        """Add a warning (once)."""
        if text not in self.warnings:
            self.warnings.append(text)

    def lowered(self, file_bytes: int, arena_bytes: int, layers: Mapping[str, Lowered]) -> None:
        """Note the sizes of the file, and by output what became of each layer."""
        self.file_bytes, self.arena_bytes = file_bytes, arena_bytes
        for row in self.rows:
            if row.output not in layers:
                continue
            layer = layers[row.output]
            names = dict.fromkeys([*row.fused, *layer.sources])
            row.fused = [name for name in names if name != row.node]
            row.bytes_after, row.on_bits = layer.weight_bytes, layer.on_bits
            if row.kind == BINARY and not row.on_bits:
                row.reason += "; computed on floats, as exactly: its groups have few channels"

    @property
    def changed(self) -> bool:
        """Whether the result is by intent not the source model's: signs were inserted or weights forced."""
        return any(row.inserted_sign or row.forced for row in self.rows)

    def count(self, kind: str) -> int:
        """Number of layers of one kind."""
        return sum(row.kind == kind for row in self.rows)

    def totals(self) -> dict[str, Any]:
        """Layers by kind, bytes (weights of the source model counted as float32), multiply-adds."""
        binary = sum(
            row.multiply_adds
            for row in self.rows
            if row.kind == BINARY and row.on_bits is not False
        )
        every = sum(row.multiply_adds for row in self.rows)
        return {
            **{kind: self.count(kind) for kind in (BINARY, BINARY_WEIGHT, INT8, FLOAT)},
            "multiply_adds": every,
            "binary_multiply_adds": binary,
            "binary_share": binary / every if every else 0.0,
            "weight_bytes_before": sum(row.bytes_before for row in self.rows),
            "weight_bytes_after": sum(row.bytes_after for row in self.rows),
            "file_bytes": self.file_bytes,
            "arena_bytes": self.arena_bytes,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "schema": SCHEMA,
            "mode": self.mode,
            "layers": [asdict(row) for row in self.rows],
            "warnings": list(self.warnings),
            "int8": self.int8,
            "totals": self.totals(),
        }

    def to_json(self) -> str:
        """Everything as JSON text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    def __str__(self) -> str:
        return self.table()

    def table(self, width: int | None = None) -> str:
        """A table for people, warnings and totals below it; wrapped to `width` columns if given."""
        head = ("layer", "kind", "border", "K", "mul-adds", "weights", "fused", "why")
        cells = [
            (
                row.node,
                row.kind,
                border_text(row.border),
                str(row.taps),
                count_text(row.multiply_adds),
                f"{size_text(row.bytes_before)} -> {size_text(row.bytes_after)}",
                str(len(row.fused)),
                row.reason,
            )
            for row in self.rows
        ]
        lines = text_table.table(head, cells, width)
        lines += text_table.wrap(self._summary(), width)
        for text in self.warnings:
            lines += text_table.wrap(f"warning: {text}", width)
        return "\n".join(lines)

    def _summary(self) -> str:
        totals = self.totals()
        int8 = f"{totals[INT8]} int8, " if totals[INT8] else ""
        parts = [
            f"{len(self.rows)} layers ({self.mode}): {totals[BINARY]} binary, "
            f"{totals[BINARY_WEIGHT]} binary-weight, {int8}{totals[FLOAT]} float",
            f"{100 * totals['binary_share']:.1f} % of {count_text(totals['multiply_adds'])} multiply-adds are binary",
            f"weights {size_text(totals['weight_bytes_before'])} -> {size_text(totals['weight_bytes_after'])}",
        ]
        if self.file_bytes is not None and self.arena_bytes is not None:
            parts.append(f"file {size_text(self.file_bytes)}")
            parts.append(f"activations {size_text(self.arena_bytes)}")
        return "; ".join(parts)


def border_text(border: float | None) -> str:
    """-1, 0, +1; a dash without padding."""
    return "-" if border is None else f"{border:+g}" if border else "0"


def size_text(count: int) -> str:
    """Bytes for people."""
    if count < 10_000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 10_000_000 else f"{count / 1e6:.1f} MB"


def count_text(count: int) -> str:
    """A large number for people."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 10 * unit:
            return f"{count / unit:.0f} {name}"
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return str(count)
