# SPDX-License-Identifier: BSD-3-Clause
"""Counts of instructions on firmware boards, and what they promise."""

from __future__ import annotations

import pytest

from ci.bench import board, report
from ci.qemu.targets import find
from targets import Target

SHAPE = "8,8,512,16,3,1,0"


def cost(name: str, isa: str) -> float:
    """Return instructions per unit of the layer."""
    row = report.rows_of(name, board.count_cases(find(name), isa, ["--conv", SHAPE]))[0]
    assert row["units"] == 6 * 6 * 16 * 9 * 4
    assert row["per_unit"] == row["instructions"] / row["units"]
    return float(row["per_unit"])


def test_carry_save_adders_pay(target: Target) -> None:
    if target.name not in ("cortex-m3", "cortex-m4", "cortex-m7"):
        pytest.skip("another kind of core")
    assert cost(target.name, "c") >= 1.5 * cost(target.name, "thumb")


def test_vectors_pay(target: Target) -> None:
    if "mve" not in target.isas:
        pytest.skip("no vectors")
    if not (find("cortex-m4").build / "probe").is_file():
        pytest.skip("build/cortex-m4/probe is missing: nox -s build -- cortex-m4")
    assert cost("cortex-m4", "thumb") >= 3 * cost(target.name, "mve")


def test_the_table_says_what_the_last_set_gains() -> None:
    rows = [{"name": "a", "isa": isa, "per_unit": n} for isa, n in (("c", 6.0), ("thumb", 4.0))]
    lines = report.board_table("no-such-board", ["c", "thumb"], rows).splitlines()
    assert lines[2].split("|")[1:5] == [" a ", " 6.000 ", " 4.000 ", "      1.50 "]
