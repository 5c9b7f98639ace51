# SPDX-License-Identifier: BSD-3-Clause
"""Counts of instructions on firmware boards, and what they promise."""

from __future__ import annotations

import pytest

from ci.bench import board, figures, report
from ci.qemu.targets import find
from targets import Target

SHAPE = "8,8,512,16,3,1,0"
FEW_TAPS = ("8,8,256,16,1,1,0", "8,8,64,16,3,1,0")  # 8 and 18 words of an output
UNITS = {SHAPE: 6 * 6 * 16 * 9 * 4, FEW_TAPS[0]: 8 * 8 * 16 * 2, FEW_TAPS[1]: 6 * 6 * 16 * 9 // 2}


def cost(name: str, isa: str, shape: str = SHAPE) -> float:
    """Return instructions per unit of the layer."""
    row = report.rows_of(name, board.count_cases(find(name), isa, ["--conv", shape]))[0]
    assert row["units"] == UNITS[shape]
    assert row["per_unit"] == row["instructions"] / row["units"]
    return float(row["per_unit"])


@pytest.mark.parametrize("shape", UNITS)
def test_carry_save_adders_pay(target: Target, shape: str) -> None:
    if target.name not in ("cortex-m3", "cortex-m4", "cortex-m7"):
        pytest.skip("another kind of core")
    if target.name == "cortex-m3" and shape != SHAPE:
        pytest.skip("floats are calls there, which outweigh few taps")
    assert cost(target.name, "c", shape) >= 1.5 * cost(target.name, "thumb", shape)


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


def test_a_missed_goal_that_is_argued_about_has_its_note() -> None:
    case, note = next(iter(figures.of("cortex-m55").argued.items()))
    rows = [{"name": case, "isa": isa, "per_unit": 100.0} for isa in ("c", "mve")]
    found = report.board_table("cortex-m55", ["c", "mve"], rows)
    assert " † " in found.splitlines()[2]
    assert found.endswith(f"† {case}: {note}.")
