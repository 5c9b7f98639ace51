# SPDX-License-Identifier: BSD-3-Clause
"""All C compiles without a warning, by gcc and by clang, for this machine and the others."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ci import toolchain
from ci.paths import ROOT
from ci.qemu.targets import targets

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O2"]
LIBRARY = ("libbnn/src", "libbnn/profile", "libbnn/threads")  # linked into one object
PROGRAMS = ("libbnn/tools", "tests/probe")  # file by file: each program has a main
FIRMWARE = ["-nostdlib", "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1"]
QUICK = "clang"  # the others see little more: nox builds with gcc and the same options
COMPILERS = [
    pytest.param(name, marks=() if name == QUICK else pytest.mark.long)
    for name in ("gcc", QUICK, *(name for name, target in targets().items() if target.zig))
]


def command(compiler: str) -> list[str]:
    if compiler in targets():
        return toolchain.zig_cc(targets()[compiler].zig, targets()[compiler].options)
    if compiler == "clang":
        return toolchain.zig_cc("x86_64-linux-musl")
    found = shutil.which(compiler)
    if not found:
        pytest.skip(f"this machine has no {compiler}")
    return [found]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_warnings(compiler: str, tmp_path: Path) -> None:
    includes = [f"-I{ROOT / 'libbnn' / part}" for part in ("include", "src", "threads", "profile")]
    firmware = compiler in targets() and targets()[compiler].board
    options = [*STRICT, *includes, *(FIRMWARE if firmware else [])]
    alone = [] if firmware else c_files(*PROGRAMS)
    for sources in [c_files(*LIBRARY[: 1 if firmware else None]), *([path] for path in alone)]:
        files = [*map(str, sources), "-o", str(tmp_path / "object.o")]
        result = subprocess.run(
            [*command(compiler), *options, "-r", *files],
            env=toolchain.zig_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr


def c_files(*folders: str) -> list[Path]:
    """All C files below folders."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.c"))]


def test_a_warning_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "planted.c"
    source.write_text("short bnn_f(int x);\nshort bnn_f(int x) { return x; }\n", encoding="utf-8")
    result = subprocess.run(
        [*command("clang"), *STRICT, "-c", str(source), "-o", str(tmp_path / "planted.o")],
        env=toolchain.zig_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "implicit-int-conversion" in result.stderr
