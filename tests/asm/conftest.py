# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the instruction-level checks; the counts end in build/asm-counts.json and in a table after the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from asm.build import link
from asm.contract import SOURCES
from asm.isa import ISAS
from asm.machine import Machine, Program
from ci.paths import BUILD
from oracles import acc, chain, copy, gemm, int8, pack, pool, steps, xnor

Counts = dict[str, dict[str, int]]  # "folder slot isa": shape: executed instructions
COUNTS = pytest.StashKey[Counts]()

# A typical shape of each slot: how much work it is, in which unit.
TYPICAL: dict[str, tuple[object, int, str]] = {
    "pack_sign": (pack.Shape(9, 128), 9, "128 floats"),
    "pack_threshold": (pack.Shape(9, 128), 9, "128 floats"),
    "unpack": (pack.Shape(9, 128), 9, "128 floats"),
    "bconv128": (xnor.Conv(21, 3, 3), 21 * 9 * 8, "128 products"),
    "bconv64": (xnor.Conv(21, 3, 3), 21 * 9 * 4, "128 products"),
    "bconv64x2": (xnor.Conv(21, 3, 3), 21 * 9 * 4, "128 products"),
    "bdense128": (xnor.Dense(64, 2), 64 * 16, "128 products"),
    "bdense64": (xnor.Dense(64, 2), 64 * 8, "128 products"),
    "chain_panel": (chain.Panel(9, 9, 3, 8, 5), 3 * 14, "vector"),
    "bchain": (chain.Product(18, 4), 4 * 18 * 8, "128 products"),
    "chain_panel64": (chain.Panel(0, 9, 8, 8, 5), 8 * 9, "tap"),
    "bchain64": (chain.Product(9, 4), 4 * 9 * 4, "128 products"),
    "acc_start": (acc.Start(16, 9), 16, "8 outputs"),
    "acc_affine": (acc.Affine(16), 16, "8 outputs"),
    "acc_affine_row": (acc.Row(32), 4, "8 outputs"),
    "acc_bits": (acc.Bits(17, 1, 120), 17, "8 outputs"),
    **{slot: (steps.Shape(3, 128), 3 * 128, "float") for slot in steps.SLOTS},
    "panel_f32": (gemm.Panel(7, 21, 16, 4), 7 * 21 * 16, "float"),
    "gemm_f32": (gemm.Product(147, 13, 1), 147 * 13 * 8, "product"),
    "dense_f32": (gemm.Dense(257), 257 * 8, "product"),
    "dense_sign": (gemm.Dense(257), 257 * 8, "product"),
    "sign_weights": (gemm.Weights(33), 33, "8 weights"),
    "depthwise_f32": (gemm.Depthwise(128), 3 * 9 * 128, "product"),
    "dot_s8": (int8.Dot(64), 64 * 3 * 8, "16 products"),
    "dot_sign": (int8.Dot(1024, 1), 64 * 8, "16 products"),
    "pack_i8": (int8.Tile(3, 128), 3 * 128, "float"),
    "limits_f32": (int8.Limits(1000), 1000, "float"),
    "sum_affine": (int8.Sums(17), 17, "8 outputs"),
    "copy_f32": (copy.Shape(3, 32), 3 * 32, "float"),
    "copy_i8": (copy.Shape(3, 33), 3 * 33, "byte"),
    "transpose_f32": (copy.Shape(17, 3), 17 * 3, "float"),
    "pool_max": (pool.Shape(64), 3 * 9 * 64, "tap"),
    "pool_average": (pool.Shape(64), 3 * 9 * 64, "tap"),
    "max_bits": (pool.Row(1000), 1000, "byte"),
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    """All assembly of each architecture, linked, by folder name."""
    folder = tmp_path_factory.mktemp("asm")
    return {
        name: link(isa, sorted((SOURCES / name).glob("*.S")), folder / name)
        for name, isa in ISAS.items()
        if any((SOURCES / name).glob("*.S"))
    }


@pytest.fixture(scope="session")
def machines(programs: dict[str, Program]) -> Callable[[str, bool], Machine]:
    """Emulated cpus by folder name, with or without a trace of instructions; each is made once."""
    made: dict[tuple[str, bool], Machine] = {}

    def machine(folder: str, trace: bool) -> Machine:
        key = (folder, trace)
        if key not in made:
            made[key] = Machine(ISAS[folder], programs[folder], trace=trace)
        return made[key]

    return machine


@pytest.fixture
def counts(pytestconfig: pytest.Config) -> Counts:
    """Executed instructions, filled by the tests."""
    return pytestconfig.stash.setdefault(COUNTS, {})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker gives what it counted to the process that started it."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["counts"] = config.stash.get(COUNTS, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker counted."""
    table = node.config.stash.setdefault(COUNTS, {})
    table.update(getattr(node, "workeroutput", {}).get("counts", {}))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    table = config.stash.get(COUNTS, {})
    if not table:
        return
    terminalreporter.section("executed instructions (all cases: build/asm-counts.json)")
    for name, cases in sorted(table.items()):
        shape, work, unit = TYPICAL[name.split()[1]]
        count = cases[repr(shape)]
        terminalreporter.write_line(f"{name:30} {count / work:8.2f} per {unit:13} {shape}")
    BUILD.mkdir(exist_ok=True)
    text = json.dumps(table, indent=1, sort_keys=True) + "\n"
    (BUILD / "asm-counts.json").write_text(text, encoding="utf-8")
