# SPDX-License-Identifier: BSD-3-Clause
"""The story of a layer: `python -m converter explain model.onnx`."""

from __future__ import annotations

from collections.abc import Sequence

from converter.errors import ConversionError
from converter.report import BINARY, Report, Row, border_text, count_text, size_text
from converter.text_table import wrap

BORDERS: dict[float | None, str] = {
    None: "none: no padding",
    0: "0: padded taps count exactly 0",
    -1: "-1: padded taps count as -1",
    1: "+1: padded taps count as +1",
}


def chosen(report: Report, names: Sequence[str]) -> list[Row]:
    """The rows of layers called by node or output; all rows for no names."""
    if unknown := [n for n in names if not any(n in (r.node, r.output) for r in report.rows)]:
        known = ", ".join(row.node for row in report.rows) or "none"
        raise ConversionError(
            f"--node {unknown[0]}: no convolution or dense layer is called so; there are: {known}"
        )
    return [r for r in report.rows if not names or r.node in names or r.output in names]


def story(row: Row, width: int | None = None) -> str:
    """A paragraph for each thing that is known of a layer."""
    parts: list[tuple[str, str]] = [("why", row.reason)]
    parts += [("input", text) for text in row.input]
    parts.append(("weight", row.weight))
    if row.kind == BINARY:
        parts.append(
            (
                "border",
                BORDERS.get(row.border, f"{border_text(row.border)}: two convolutions are mixed"),
            )
        )
    parts.append(("fused", ", ".join(row.fused) or "nothing"))
    parts.append(
        (
            "size",
            f"{row.outputs} outputs, K = {row.taps}, {count_text(row.multiply_adds)} multiply-adds; "
            f"weights {size_text(row.bytes_before)} -> {size_text(row.bytes_after)}",
        )
    )
    parts.append(("change", row.advice or "nothing is needed"))
    lines = [f"{row.node} ({row.op} writing '{row.output}'): {row.kind}"]
    previous = ""
    for title, text in parts:
        lead = f"  {title + ':':8}" if title != previous else " " * 10
        lines += wrap(text, width, " " * 12, lead)
        previous = title
    return "\n".join(lines)
