# SPDX-License-Identifier: BSD-3-Clause
"""A real CPython with numpy, cffi and pytest of a foreign machine: `python -m ci.qemu.sysroot TARGET...` installs it.

It comes from the machine's own apt sources, unpacked into the user's cache without root, and runs under the emulator.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ci.paths import cache_dir, new_directory
from ci.qemu import emulator, system
from ci.qemu.apt import AptError, unpack
from ci.qemu.targets import Target, find

PACKAGES = ("python3-minimal", "python3-numpy", "python3-cffi", "python3-pytest", "libpython3-dev")


class SysrootError(Exception):
    """No foreign Python can be had; the text says why."""


def folder(target: Target) -> Path:
    """Return the root folder of the target's system, installed or not."""
    if target.python is None:
        raise SysrootError(f"targets.toml gives {target.name} no python")
    return cache_dir() / f"sysroot-{target.python.debian}"


def install(target: Target) -> None:
    """Make `folder(target)` a usable system, or raise SysrootError."""
    root = folder(target)
    if root.is_dir() or target.python is None:
        return
    try:
        with new_directory(root) as work:
            unpack(PACKAGES, work, target.python.debian)
            _finish(work)
    except (AptError, OSError) as reason:
        raise SysrootError(f"no Python for {target.name}: {reason}") from None


def python(target: Target) -> Path:
    """Return the target's interpreter, a program of the foreign machine."""
    return next((folder(target) / "usr" / "bin").glob("python3.[0-9]*[0-9]"))


def headers(target: Target) -> list[str]:
    """Return compiler options to find the target's Python headers."""
    include = folder(target) / "usr" / "include"
    return ["-isystem", str(include / python(target).name), "-idirafter", str(include)]


def write_launcher(target: Target) -> Path:
    """Write build/TARGET/python3, a script that runs the foreign interpreter, and return it.

    The script tells Python its own path, which the tests use to start further interpreters: the machine's kernel could not
    start the foreign program itself. The oldest cpu model has no pointer authentication, which slows the emulator down
    six times.
    """
    launcher = target.build / "python3"
    qemu = emulator.find(target.emulator)
    if qemu is None:
        raise SysrootError(f"no {target.emulator}: {emulator.ADVICE}")
    root = folder(target)
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(
        "#!/bin/sh\n"
        "unset PYTHONDONTWRITEBYTECODE PYTHONPATH\n"
        f"export LIBBNN_PYTHON='{launcher}' PYTHONHOME='{root}/usr' PYTHONPYCACHEPREFIX='{root}/pycache'\n"
        f"exec '{qemu}' -cpu '{target.cpus[0]}' -L '{root}' '{python(target)}' \"$@\"\n",
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    return launcher


def _finish(root: Path) -> None:
    """Do what the packages' own scripts would have done, and make links stay inside the root."""
    for name in (
        "lib",
        "bin",
        "sbin",
        "lib64",
    ):  # merged /usr: Debian 13 packages rely on these links
        if not (root / name).exists() and (root / "usr" / name).is_dir():
            (root / name).symlink_to(f"usr/{name}")
    for library in ("blas", "lapack"):  # update-alternatives
        for path in root.glob(f"usr/lib/*/{library}/lib{library}.so.3"):
            link = path.parents[1] / path.name
            if not link.exists():
                link.symlink_to(path.relative_to(link.parent))
    for path in root.rglob("*"):
        if path.is_symlink() and os.path.isabs(os.readlink(path)):
            goal = root / os.readlink(path).lstrip("/")
            path.unlink()
            path.symlink_to(os.path.relpath(goal, path.parent))
    shutil.rmtree(root / "usr" / "share" / "doc", ignore_errors=True)


def main(names: list[str]) -> None:
    """Install for each named target and report."""
    try:
        emulator.install()
        for target in [find(name) for name in names]:
            install(target)
            print(f"{python(target)}, started by {write_launcher(target)}")
    except (SysrootError, system.EmulatorError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(sys.argv[1:])
