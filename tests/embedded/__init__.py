# SPDX-License-Identifier: BSD-3-Clause
"""Programs that use the library as firmware does: compiled from source for a test, run on this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ci import toolchain

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")

#: name -> zig's triple and options; thumb is Cortex-M
CROSS = {
    "clang": ("x86_64-linux-musl", ()),
    "cortex-m0": ("thumb-freestanding-eabi", ("-mcpu=cortex_m0",)),
    "cortex-m4": ("thumb-freestanding-eabihf", ("-mcpu=cortex_m4",)),
}
COMPILERS = ("gcc", *CROSS)


def compiler(name: str) -> list[str]:
    """Return the command of one of COMPILERS, or of another program of this machine; skips the test without it."""
    if name in CROSS:
        return toolchain.zig_cc(*CROSS[name])
    found = shutil.which(name)
    if not found:
        pytest.skip(f"this machine has no {name}")
    return [found]


def run(command: Sequence[str | Path], stdin: bytes = b"") -> bytes:
    """Run a program and return what it prints; a failure is the test's."""
    result = subprocess.run(
        command, input=stdin, env=toolchain.zig_environment(), capture_output=True, check=False
    )
    assert result.returncode == 0, (result.stdout + result.stderr).decode(errors="replace")[:4000]
    return result.stdout
