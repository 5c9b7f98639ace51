# SPDX-License-Identifier: BSD-3-Clause
"""Bounded proofs hold, and fail where the library has a defect. `nox -s prove` tries them all."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ci.paths import ROOT, cache_dir
from ci.prove.proof import FOLDER, Proof, holds, plant, proofs

QUICK = [proof for proof in proofs() if proof.file == "sizes"]


def name_of(proof: Proof) -> str:
    return proof.name


@pytest.mark.parametrize("proof", QUICK, ids=name_of)
def test_proof(proof: Proof, tmp_path: Path) -> None:
    if not (shutil.which("cbmc") or (cache_dir() / "cbmc" / "bin" / "cbmc").is_file()):
        pytest.skip("no cbmc: nox -s prove installs it where it can")
    assert holds(proof) == (True, [])
    held, broken = holds(proof, plant(proof, tmp_path))
    assert not held
    assert broken


@pytest.mark.parametrize("proof", proofs(), ids=name_of)
def test_row(proof: Proof) -> None:
    """The function is there, and the line that is broken, once."""
    harness = (FOLDER / "harness" / f"{proof.file}.c").read_text(encoding="utf-8")
    assert re.search(rf"^void {proof.name}\(void\)$", harness, re.MULTILINE)
    source = (ROOT / "libbnn" / "src" / proof.source).read_text(encoding="utf-8")
    assert source.count(proof.line) == 1


def test_all_functions_are_proofs() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (FOLDER / "harness").glob("*.c"))
    assert set(re.findall(r"^void (\w+)\(void\)$", text, re.MULTILINE)) == {
        proof.name for proof in proofs()
    }
