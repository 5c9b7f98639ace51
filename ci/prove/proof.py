# SPDX-License-Identifier: BSD-3-Clause
"""Proofs (proofs.toml) and how one is tried."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ci import toolchain
from ci.paths import ROOT
from ci.prove.cbmc import ToolError, cbmc

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
SOURCES = ROOT / "libbnn"
# Array bounds, pointers, divisions, shifts, signed overflow, and that loops end within `unwind` are always checked.
CHECKS = ["--unsigned-overflow-check", "--pointer-overflow-check"]
ENGINE = ["--c11", "--slice-formula", "--drop-unused-functions", "--object-bits", "12"]
PORTABLE = ["-std=c11", "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1"]
PORTABLE += ["-DBNN_CONFIG_GENERIC_ONLY=1", "-DBNN_CONFIG_TEXT=0"]
PATIENCE = 600  # seconds


@dataclass(frozen=True)
class Proof:
    """A row of proofs.toml, whose first comment describes the fields."""

    name: str
    file: str
    says: str
    bound: str
    unwind: int
    source: str
    line: str
    planted: str


@lru_cache(maxsize=1)
def proofs() -> tuple[Proof, ...]:
    """Return all proofs."""
    rows = tomllib.loads((FOLDER / "proofs.toml").read_text(encoding="utf-8"))["proof"]
    return tuple(Proof(**row) for row in rows)


def plant(proof: Proof, folder: Path) -> Path:
    """Copy the library's sources into a folder, with the proof's defect; return the copy."""
    copy = folder / "libbnn"
    for part in ("include", "src"):
        shutil.copytree(SOURCES / part, copy / part)
    path = copy / "src" / proof.source
    text = path.read_text(encoding="utf-8")
    if text.count(proof.line) != 1:
        raise SystemExit(f"{proof.name}: {proof.source} has not one line {proof.line!r}")
    path.write_text(text.replace(proof.line, proof.planted), encoding="utf-8")
    return copy


def holds(proof: Proof, sources: Path = SOURCES) -> tuple[bool, list[str]]:
    """Try a proof; return whether it holds, and the properties that do not. Raises ToolError where there is no result."""
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / f"{proof.file}.i"
        includes = [f"-I{sources / part}" for part in ("include", "src", "src/ops")]
        harness = FOLDER / "harness" / f"{proof.file}.c"
        compiler = toolchain.zig_cc("x86_64-freestanding", [*PORTABLE, *includes])
        toolchain.run([*compiler, "-E", "-P", str(harness), "-o", str(file)])
        command = [cbmc(), *ENGINE, *CHECKS, "--function", proof.name]
        command += ["--unwind", str(proof.unwind), str(file)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=PATIENCE
            )
        except subprocess.TimeoutExpired:
            raise ToolError(f"{proof.name}: no result in {PATIENCE} seconds") from None
    if "VERIFICATION SUCCESSFUL" in result.stdout:
        return True, []
    if "VERIFICATION FAILED" in result.stdout:
        return False, re.findall(r"^(.*): FAILURE$", result.stdout, re.MULTILINE)
    raise ToolError(f"{proof.name}: {(result.stdout + result.stderr).strip()[-500:]}")
