# SPDX-License-Identifier: BSD-3-Clause
"""Compilers: `zig cc` of the pinned ziglang wheel for every foreign target, the machine's own compiler for native."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ci.paths import ROOT, cache_dir, new_directory

WHEEL = "ziglang==0.17.1"  # pinned: another version is another compiler, and builds its C libraries anew
TOOLCHAIN_FILE = ROOT / "ci" / "toolchain" / "zig.cmake"


@lru_cache(maxsize=1)
def zig() -> Path:
    """Return the zig program, which is fetched into the user's cache if it is not there yet.

    One copy for all clones: it takes 400 MB, and the C libraries it builds are only found again by the same path.
    """
    folder = cache_dir() / WHEEL.replace("==", "-")
    if not folder.is_dir():
        print(f"fetching {WHEEL}", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        with new_directory(folder) as work:
            if subprocess.run([*pip, str(work), WHEEL], check=False).returncode:
                raise SystemExit(f"pip could not fetch the cross compiler {WHEEL}")
    return folder / "ziglang" / "zig"


def zig_environment() -> dict[str, str]:
    """Return the environment with zig's caches in the user's cache folder (built C libraries, 40 MB per target)."""
    folder = str(cache_dir() / "zig")
    return {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder, **os.environ}


def zig_cc(triple: str, options: Sequence[str] = ()) -> list[str]:
    """Return the command that compiles C and assembly for a target; run it with `zig_environment()`.

    The last three options are always there: without -O zig switches on its undefined-behaviour traps (a later -O overrides
    it), and with and without -s it builds two C libraries, which takes it most of a minute each.
    """
    return [str(zig()), "cc", "-target", triple, *options, "-O2", "-g0", "-s"]


def write_tools(folder: Path, triple: str, options: Sequence[str]) -> None:
    """Write cc, ar and ranlib scripts for one target: CMake wants programs, not commands."""
    write_script(folder / "cc", zig_cc(triple, options))
    write_archivers(folder)


def write_archivers(folder: Path) -> None:
    """Write ar and ranlib scripts, which serve every target."""
    for name in ("ar", "ranlib"):
        write_script(folder / name, [str(zig()), name])


def write_script(script: Path, command: Sequence[str]) -> None:
    """Write a shell script that runs a command; an unchanged one is left alone, so that nothing is rebuilt."""
    cache = shlex.quote(str(cache_dir() / "zig"))
    text = (
        "#!/bin/sh\n"
        f': "${{ZIG_GLOBAL_CACHE_DIR:={cache}}}" "${{ZIG_LOCAL_CACHE_DIR:={cache}}}"\n'
        "export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR\n"
        f'exec {shlex.join(command)} "$@"\n'
    )
    if not script.is_file() or script.read_text(encoding="utf-8") != text:
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)


def native_cc() -> list[str]:
    """Return this machine's C compiler as a command: $CC, cc, gcc or clang, else zig's."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        if path:
            return [path]
    return [str(zig()), "cc", "-O2", "-g0", "-s"]


def export_native_cc() -> None:
    """Set CC to this machine's compiler, for programs that would look for one themselves and not find zig."""
    os.environ["CC"] = shlex.join(native_cc())


def tool(name: str) -> str:
    """Return a program (cmake, ninja, clang-format, ...) of the running Python's environment, else of the machine."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if not found:
        raise SystemExit(f"{name} is missing: run this through nox, or `pip install {name}`")
    return found


def run(command: Sequence[str], *, cwd: Path = ROOT) -> None:
    """Run a build command with zig's environment; a failure shows the command and ends the program with its code."""
    result = subprocess.run(command, cwd=cwd, env=zig_environment(), check=False)
    if result.returncode:
        raise SystemExit(f"failed ({result.returncode}): {shlex.join(command)}")
