# SPDX-License-Identifier: BSD-3-Clause
"""llvm-mca, which models cores: cycles that a loop takes if all its data is in the first-level cache.

A version that the machine does not have comes from its apt sources, unpacked privately into the user's cache.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ci.paths import cache_dir, new_directory
from ci.qemu.apt import AptError, unpack, write_launchers

PROGRAMS = ("llvm-mca", "llvm-mc")
NEWEST, OLDEST = 22, 19  # a model of NEWEST is taken from the next older version that there is
TRIPLES = {"aarch64": "aarch64", "arm": "armv7"}
NEON = "-mattr=+neon"
KNOWN = {"aarch64": f"{NEON},+dotprod,+i8mm", "arm": NEON}  # instructions that are disassembled
ITERATIONS = 100
# The models of 32-bit cores know no ldm and stm of integer registers, nor vld1 to vld4 that write their address back.
SKIP = {"aarch64": [], "arm": ["-skip-unsupported-instructions=lack-sched"]}


class ModelError(Exception):
    """There is no model of a core; the text says why."""


@lru_cache(maxsize=8)
def program(name: str, major: int) -> str:
    """Return a program of one LLVM version (NEWEST: or of a somewhat older one), which is installed if it is missing."""
    reasons = []
    for version in range(major, OLDEST - 1 if major == NEWEST else major - 1, -1):
        found = shutil.which(f"{name}-{version}")
        if found:
            return found
        try:
            return str(_install(version) / "bin" / name)
        except AptError as error:
            reasons.append(f"llvm-{version}: {error}")
    raise ModelError("; ".join(reasons))


def _install(major: int) -> Path:
    folder = cache_dir() / f"llvm-{major}"
    if not folder.is_dir():
        with new_directory(folder) as work:
            unpack([f"llvm-{major}"], work)
            home = f"usr/lib/llvm-{major}"
            write_launchers(work, folder, {name: f"{home}/bin/{name}" for name in PROGRAMS})
            for path in (work / home / "bin").iterdir():
                if path.name not in PROGRAMS:
                    path.unlink()
            for unused in (f"{home}/include", f"{home}/share", "usr/share", "etc"):
                shutil.rmtree(work / unused, ignore_errors=True)
    return folder


def version(major: int) -> str:
    """Return the full version of what stands for a major version."""
    found = re.search(r"version ([\d.]+)", _run([program("llvm-mca", major), "--version"], ""))
    return found[1] if found else str(major)


def cycles(machine: str, code: Sequence[bytes], cpu: str, major: int) -> float | None:
    """Return the cycles of one pass of a loop on a core, None if it lacks instructions; machine is "aarch64" or "arm"."""
    command = [program("llvm-mca", major), f"-mtriple={TRIPLES[machine]}", f"-mcpu={cpu}", NEON]
    command += [f"-iterations={ITERATIONS}", *SKIP[machine]]
    text = _assembly(machine, tuple(code))
    try:
        printed = _run(command, text)
    except ModelError as error:
        if "instruction requires:" in str(error):
            return None
        raise
    total = re.search(r"Total Cycles:\s+(\d+)", printed)
    if not total:
        raise ModelError(f"llvm-mca {major} has no result for {cpu}")
    return int(total[1]) / ITERATIONS


@lru_cache(maxsize=64)
def _assembly(machine: str, code: tuple[bytes, ...]) -> str:
    text = "\n".join(" ".join(f"0x{byte:02x}" for byte in word) for word in code)
    command = [program("llvm-mc", NEWEST), f"-triple={TRIPLES[machine]}", KNOWN[machine]]
    found = _run([*command, "--disassemble"], text)
    if len(re.findall(r"^\t[^.]", found, re.MULTILINE)) != len(code):
        raise ModelError(f"llvm-mc does not know every instruction of a loop:\n{found[-300:]}")
    return found


def _run(command: Sequence[str], text: str) -> str:
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ModelError(f"{Path(command[0]).name} failed: {result.stderr.strip()[:300]}")
    return result.stdout
