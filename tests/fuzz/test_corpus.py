# SPDX-License-Identifier: BSD-3-Clause
"""The files that fuzzing starts from, and those it found: both readers say the same, and no machine is harmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci.fuzz.corpus import SEEDS, models
from converter import dab
from converter.dab_model import Kind, Step
from format.verdict import by_library, by_reader
from targets import Target

FILES = sorted(SEEDS.glob("*.dab"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file(target: Target, isa: str | None, path: Path) -> None:
    """Bytes and arena lie between inaccessible pages; two runs give the same bits."""
    data = path.read_bytes()
    assert by_library(target, data, isa, runs=2) == by_reader(data)


def test_start_is_complete() -> None:
    """There is a file of every op kind and every step."""
    assert set(models()) <= {path.stem for path in FILES}, "run python -m ci.fuzz.corpus"
    ops = [op for data in models().values() for op in dab.read(data).ops]
    assert {op.kind for op in ops} == set(Kind)
    assert {step for op in ops for step in op.steps} == set(Step) - {Step.END}
