# SPDX-License-Identifier: BSD-3-Clause
"""Tables, as markdown that is also readable as it is."""

from __future__ import annotations

from collections.abc import Sequence

Cell = str | int | float | None


def text(cell: Cell) -> str:
    """Return a cell's text: three decimals, or one from 100 on."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 100 else f"{cell:.1f}"
    return str(cell)


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], left: int = 1) -> str:
    """Return a table; the first `left` columns are aligned left, the others right."""
    cells = [list(head)] + [[text(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    line = ["-" * (width - (i >= left)) + ":" * (i >= left) for i, width in enumerate(widths)]

    def join(row: Sequence[str]) -> str:
        padded = [
            cell.rjust(widths[i]) if i >= left else cell.ljust(widths[i])
            for i, cell in enumerate(row)
        ]
        return f"| {' | '.join(padded)} |"

    return "\n".join(join(row) for row in [cells[0], line, *cells[1:]])
