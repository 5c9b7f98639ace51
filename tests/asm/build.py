# SPDX-License-Identifier: BSD-3-Clause
"""Assembles and links sources for the checks, with the project's cross compiler."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from asm.isa import Isa
from asm.machine import Program
from ci import toolchain
from ci.paths import ROOT
from ci.qemu.targets import find


def link(isa: Isa, sources: Sequence[Path], output: Path) -> Program:
    """Build a static program of nothing but the sources."""
    target = find(isa.target)
    include = [
        f"-I{ROOT / 'libbnn' / folder}" for folder in ("include", "src", f"src/{isa.folder}")
    ]
    # -g: without it the compiler strips the symbols.
    options = ["-g", "-nostdlib", "-static", "-Wl,-e,0", "-Wl,--no-gc-sections", "-o", str(output)]
    command = [*toolchain.zig_cc(target.zig, target.options), *include, *options]
    result = subprocess.run(
        [*command, *map(str, sources)],
        env=toolchain.zig_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"{isa.folder}: assembling failed:\n{result.stderr}")
    return Program.load(output)
