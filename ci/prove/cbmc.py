# SPDX-License-Identifier: BSD-3-Clause
"""CBMC, a bounded model checker of C: the machine's, or the package of its apt sources or of a newer Debian, unpacked."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from ci.paths import cache_dir, new_directory
from ci.qemu.apt import AptError, unpack, write_launchers

OLDEST = 6  # major version: those before check less unless told to
RELEASE = "trixie"  # of Debian, has CBMC 6; the one before has none


class ToolError(Exception):
    """There is no CBMC; the text says why."""


@lru_cache(maxsize=1)
def cbmc() -> str:
    """Return the program, which is installed if it is missing."""
    found = shutil.which("cbmc")
    if found and _is_new(found):
        return found
    folder = cache_dir() / "cbmc"
    program = folder / "bin" / "cbmc"
    if program.is_file():
        return str(program)
    reasons = []
    for release in ("", RELEASE):
        try:
            with new_directory(folder) as work:
                unpack(["cbmc"], work, release=release)
                write_launchers(work, folder, {"cbmc": "usr/bin/cbmc"})
                _slim(work)
            if _is_new(str(program)):
                return str(program)
            shutil.rmtree(folder)
            reasons.append("apt's cbmc is too old")
        except AptError as error:
            reasons.append(str(error))
    raise ToolError("; ".join(reasons))


def _is_new(program: str) -> bool:
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    major = result.stdout.partition(".")[0]
    return result.returncode == 0 and major.isdigit() and int(major) >= OLDEST


def _slim(work: Path) -> None:
    """Remove the compiler that the package depends on: files are preprocessed by ours."""
    for place in ("usr/libexec", "usr/share", "usr/lib/gcc", "etc"):
        shutil.rmtree(work / place, ignore_errors=True)
    for path in (work / "usr" / "bin").iterdir():
        if path.name != "cbmc":
            path.unlink()
