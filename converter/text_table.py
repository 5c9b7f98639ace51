# SPDX-License-Identifier: BSD-3-Clause
"""Tables and paragraphs of plain text that fit a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

NARROWEST = 32  # columns that wrapped text needs to be readable
GAP = "  "


def wrap(text: str, width: int | None, indent: str = "  ", first: str = "") -> list[str]:
    """Lines of a paragraph, all but the first one indented; one line without a width. Names are never broken."""
    if width is None:
        return [first + text]
    return textwrap.wrap(
        text,
        max(width, len(indent) + NARROWEST),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Columns as wide as their widest cell. The last one is free: it wraps at `width`, below the row if nothing is left."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head) - 1)]
    left = sum(widths) + len(GAP) * len(widths)
    below = width is not None and width - left < NARROWEST
    lines: list[str] = []
    for row in (head, *rows):
        start = "".join(cell.ljust(w) + GAP for cell, w in zip(row, widths, strict=False))
        if not below:
            lines += wrap(row[-1], width, " " * left, start)
            continue
        lines.append(start.rstrip())
        if row is not head:
            lines += wrap(row[-1], width, " " * 6, " " * 4)
    return [line.rstrip() for line in lines]
