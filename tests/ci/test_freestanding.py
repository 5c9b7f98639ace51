# SPDX-License-Identifier: BSD-3-Clause
"""The library links without a C library, has no writable data and exports bnn_ names only; and the check would see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.freestanding import TARGETS, link, problems, sources


@pytest.mark.parametrize("name", TARGETS)
def test_library(name: str, tmp_path: Path) -> None:
    link(name, sources(), tmp_path / "bnn.o")
    assert problems(tmp_path / "bnn.o") == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("void *malloc(__SIZE_TYPE__); void *bnn_x(void) { return malloc(1); }", "needs malloc"),
        ("int bnn_x; int bnn_y(void) { return bnn_x++; }", "writable data"),
        ("int other(void) { return 1; }", "exports other"),
    ],
)
def test_check_bites(code: str, problem: str, tmp_path: Path) -> None:
    source = tmp_path / "planted.c"
    source.write_text(code, encoding="utf-8")
    link("aarch64", [source], tmp_path / "planted.o")
    assert len(problems(tmp_path / "planted.o")) == 1
    assert problem in problems(tmp_path / "planted.o")[0]
