# SPDX-License-Identifier: BSD-3-Clause
"""The library links without a C library, has no writable data and exports bnn_ names only; and the check would see it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ci.freestanding import PORT, SYSTEM, TARGETS, link, needed, problems, sources
from ci.paths import ROOT

QUICK = "thumb"  # firmware, which needs the most of others


@pytest.mark.parametrize(
    "name", [n if n == QUICK else pytest.param(n, marks=pytest.mark.long) for n in TARGETS]
)
def test_library(name: str, tmp_path: Path) -> None:
    link(name, sources(), tmp_path / "bnn.o")
    assert problems(tmp_path / "bnn.o") == []
    names = needed(tmp_path / "bnn.o")
    assert names - PORT == (SYSTEM if "linux" in name else set())
    assert names >= PORT or "linux" in name  # where a compiler calls bcmp instead


def test_page_names_what_is_needed() -> None:
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    named = re.search(r"none needed but ([^;]*);", page)
    assert named
    assert set(re.findall(r"`(\w+)`", named[1])) == PORT | SYSTEM


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
