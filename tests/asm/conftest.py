# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the instruction-level checks; the counts end in build/asm-counts.json and in a table after the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from asm.build import link
from asm.contract import SOURCES
from asm.isa import ISAS
from asm.machine import Machine, Program
from ci.paths import BUILD

Counts = dict[str, dict[str, int]]  # function: case: executed instructions
COUNTS = pytest.StashKey[Counts]()


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


@pytest.fixture(scope="session")
def counts(pytestconfig: pytest.Config) -> Iterator[Counts]:
    """Executed instructions, filled by the tests."""
    table: Counts = {}
    pytestconfig.stash[COUNTS] = table
    yield table
    BUILD.mkdir(exist_ok=True)
    (BUILD / "asm-counts.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    table = config.stash.get(COUNTS, {})
    for function, cases in table.items():
        case, count = max(cases.items(), key=lambda item: item[1])
        terminalreporter.write_line(f"{function}: {count} instructions for {case}")
