# SPDX-License-Identifier: BSD-3-Clause
"""The table of recognised patterns in docs/conversion.md, made from the docstrings of converter/passes.

`python -m ci.patterns` says whether the page is current, `--fix` renews it; `nox -s lint` does the same. In a pass's docstring
a line with an arrow that is indented by 4 and has columns (3 blanks or more apart) is a pattern: what stands in the graph, what
it becomes, and perhaps a remark.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from ci.paths import ROOT

PAGE = ROOT / "docs" / "conversion.md"
BEGIN, END = "<!-- patterns: made by ci/patterns.py -->", "<!-- end of patterns -->"


def docstrings() -> Iterator[tuple[str, str]]:
    """File name and docstring of every pass, in the order in which they first run."""
    from converter.passes import PASSES

    for name in dict.fromkeys(rule.__module__ for rule in PASSES):
        yield f"{name.rpartition('.')[2]}.py", sys.modules[name].__doc__ or ""


def rows(file: str, doc: str) -> Iterator[str]:
    """Lines of the table for one docstring."""
    head = doc.partition("\n")[0].rstrip(".")
    for line in doc.splitlines():
        if not line.startswith("    ") or "->" not in line:
            continue
        before, *after = re.split(r" {3,}", line.strip())
        if not after:
            raise ValueError(
                f"converter/passes/{file}: a pattern needs a column for what it becomes: {before}"
            )
        remark = f" ({', '.join(after[1:])})" if after[1:] else ""
        cells = (head, f"`{before}`", f"`{after[0]}`{remark}", file)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        head = ""


def table() -> str:
    """The whole table."""
    lines = ["| rewrite | pattern | becomes | converter/passes |", "|---|---|---|---|"]
    for file, doc in docstrings():
        lines += rows(file, doc)
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    """The page with the present table between its marks."""
    before, _, rest = page.partition(f"{BEGIN}\n")
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name} lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}{mark}{after}"


def check(fix: bool) -> bool:
    """Whether the page is (or has been made) current; says what to do if not."""
    page = PAGE.read_text(encoding="utf-8")
    new = renewed(page)
    if new != page and fix:
        PAGE.write_text(new, encoding="utf-8")
    elif new != page:
        print(f"docs/{PAGE.name}: patterns changed: run python -m ci.patterns --fix")
    return fix or new == page


if __name__ == "__main__":
    sys.exit(0 if check("--fix" in sys.argv[1:]) else 1)
