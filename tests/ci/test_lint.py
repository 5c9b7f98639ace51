# SPDX-License-Identifier: BSD-3-Clause
"""The project's own checks of text see what they are there to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.lint import MAX_LINES, check_assembly, check_text

GOOD = """\
/* SPDX-License-Identifier: BSD-3-Clause
        CAPITALS in a comment */
#include "asm.inc"
x       .req x0
.macro  step a
        eor             \\a, \\a, \\a            // a = 0
.endm
func bnn_f
1:
        ld1             {v0.16b}, [x0], #16
        sqrdmulhlongest v0.8h, v0.8h
        step            x
        b.ne            1b
        ret
endfunc
"""


def test_assembly_in_its_columns() -> None:
    assert list(check_assembly(GOOD)) == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("    add             x0, x0, x0", "add at column 4, not 8"),
        ("        add     x0, x0, x0", "operands at column 16, not 24"),
        ("        add                  x0, x0, x0", "operands at column 29, not 24"),
        ("        ADD             x0, x0, x0", "ADD is not lower case"),
        ("\tadd             x0, x0, x0", "tab"),
    ],
)
def test_assembly_out_of_its_columns(line: str, complaint: str) -> None:
    assert list(check_assembly(f"{GOOD}{line}\n")) == [(GOOD.count("\n") + 1, complaint)]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.md", "see /" + "home/someone/x\n", "absolute path of one machine"),
        ("a.md", "blank \n", "blanks at the end"),
        ("a.md", "text", "no newline at the end"),
        ("a.c", "int x;\n", "SPDX-License-Identifier is missing"),
        (
            "a.py",
            "# SPDX-License-Identifier: BSD-3-Clause\n" * (MAX_LINES + 1),
            "longer than 450 lines: split it",
        ),
    ],
)
def test_text(name: str, text: str, complaint: str) -> None:
    assert [found for _, found in check_text(Path(name), text)] == [complaint]


def test_good_text() -> None:
    assert list(check_text(Path("a.py"), "# SPDX-License-Identifier: BSD-3-Clause\n")) == []
