# SPDX-License-Identifier: BSD-3-Clause
"""QEMU with whole boards, for firmware: `python -m ci.qemu.system` installs it into the user's cache and prints where.

With --optional a machine that cannot have it is told so, and the exit code is 0. It comes from the machine's own apt sources,
unpacked without root; only the programs and the libraries they load stay. `ci.qemu.emulator.find` finds it. The boards in use
need none of QEMU's own firmware files.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ci.paths import cache_dir, new_directory
from ci.qemu.apt import AptError, slim, unpack, write_launchers

PACKAGE = "qemu-system-arm"
PROGRAMS = ("qemu-system-aarch64", "qemu-system-arm")
ADVICE = f"install Debian's or Ubuntu's package {PACKAGE}"


class EmulatorError(Exception):
    """No emulator can be had; the text says what was tried."""


def folder() -> Path:
    """Return where the emulator is unpacked, installed or not."""
    return cache_dir() / "qemu-system-apt"


def find(name: str) -> str | None:
    """Return the path of an installed emulator of PROGRAMS, or None. Looks only; never downloads."""
    program = folder() / "bin" / name
    return str(program) if program.is_file() else shutil.which(name)


def install() -> None:
    """Make `find` succeed for every program, or raise EmulatorError."""
    if folder().is_dir():
        return
    try:
        with new_directory(folder()) as work:
            programs = {name: f"usr/bin/{name}" for name in PROGRAMS}
            unpack([PACKAGE], work)
            slim(work, list(programs.values()))
            write_launchers(work, folder(), programs)
        for name in PROGRAMS:
            subprocess.run([find(name) or name, "--version"], capture_output=True, check=True)
    except (AptError, OSError, subprocess.CalledProcessError) as reason:
        shutil.rmtree(folder(), ignore_errors=True)
        missing = [name for name in PROGRAMS if not find(name)]
        if missing:
            raise EmulatorError(f"no {' or '.join(missing)}: {reason}; {ADVICE}") from None


def report(
    install: Callable[[], None], programs: Iterable[str], find: Callable[[str], str | None]
) -> None:
    """Install programs and say where they are; with --optional a machine that cannot have them is told so."""
    try:
        install()
    except EmulatorError as error:
        if "--optional" not in sys.argv:
            raise SystemExit(str(error)) from None
        print(error)
    for name in programs:
        print(f"{name}: {find(name)}")


if __name__ == "__main__":
    report(install, PROGRAMS, find)
