# SPDX-License-Identifier: BSD-3-Clause
"""Exact numbers of executed instructions, by the plugin of ci/qemu/counter or by unicorn."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from ci import toolchain
from ci.bench import unicorn_counter
from ci.bench.region import CountError, Region
from ci.paths import BUILD, ROOT
from ci.qemu import emulator
from ci.qemu.targets import Target

SOURCE = ROOT / "ci" / "qemu" / "counter" / "counter.c"
PLUGIN = BUILD / "counter.so"


def build_plugin() -> Path:
    """Compile the plugin for this machine's QEMU if its source is newer, one process at a time."""
    PLUGIN.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(PLUGIN.with_suffix(".lock")):
        if not PLUGIN.is_file() or PLUGIN.stat().st_mtime < SOURCE.stat().st_mtime:
            options = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion"]
            command = [*toolchain.native_cc(), *options, "-Werror", "-shared", "-fPIC"]
            toolchain.run([*command, "-o", str(PLUGIN), str(SOURCE)])
    return PLUGIN


def count(
    target: Target, cpu: str, program: Path, arguments: Sequence[str]
) -> tuple[str, list[Region]]:
    """Run a program of the target on an emulated cpu; return what it printed and its regions in order.

    Where QEMU is missing or has no plugins, unicorn counts the same, on one cpu that has everything.
    """
    qemu = _qemu(target)
    if qemu is None:
        return unicorn_counter.count(target.emulator.removeprefix("qemu-"), program, arguments)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        plugin = ["-plugin", f"{build_plugin()},out={out}"]
        command = [qemu, "-cpu", cpu, *plugin, str(program), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise CountError(f"{program.name} failed: {result.stderr.strip()}")
        return result.stdout, read(out.read_text(encoding="ascii"))


@lru_cache(maxsize=4)
def _qemu(target: Target) -> str | None:
    """Return the target's emulator if it has plugins."""
    qemu = emulator.find(target.emulator)
    if qemu is None:
        return None
    result = subprocess.run([qemu, "-help"], capture_output=True, text=True, check=False)
    return qemu if "-plugin" in result.stdout else None


def how(target: Target) -> str:
    """Return who counts, for captions."""
    return (
        "unicorn" if _qemu(target) is None else emulator.version(target.emulator).partition(" (")[0]
    )


def read(text: str) -> list[Region]:
    """Read the plugin's file."""
    regions: list[Region] = []
    for line in text.splitlines():
        region, address, code, executions = line.split()
        while len(regions) <= int(region):
            regions.append(Region())
        regions[int(region)].add(int(address, 16), bytes.fromhex(code), int(executions))
    return regions


def count_cases(
    target: Target, cpu: str, arguments: Sequence[str]
) -> list[tuple[dict[str, Any], Region]]:
    """Run bnn-bench on an emulated cpu; return its description of every case with what it executed."""
    printed, regions = count(target, cpu, target.build / "bnn-bench", ["--mark", *arguments])
    return list(zip(json.loads(printed), regions, strict=True))
