# SPDX-License-Identifier: BSD-3-Clause
"""Reads targets.toml."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ci.paths import BUILD

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Python:
    """The target's own Python, which tests the binding."""

    debian: str  # architecture of the packages
    zig: str  # triple to build the extension module with


@dataclass(frozen=True)
class Board:
    """A board without an operating system, whose large memory is shared with the tests."""

    machine: str  # as QEMU calls it
    script: str  # linker script: examples/firmware/boards/SCRIPT.ld
    memory: int  # address of the memory
    ram: int  # its bytes
    guards: bool  # whether the core can protect parts of it

    def command(self, program: str, file: str) -> list[str]:
        """Return QEMU's arguments; file: where the memory is."""
        backend = f"memory-backend-file,id=ram,share=on,mem-path={file},size={self.ram}"
        machine = ["-machine", f"{self.machine},memory-backend=ram", "-m", f"{self.ram}b"]
        silent = ["-display", "none", "-monitor", "none", "-serial", "none"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        return [*machine, "-object", backend, *silent, *semihosting, "-kernel", program]


@dataclass(frozen=True)
class Target:
    """One table of targets.toml; its comments describe the fields."""

    name: str
    cpus: tuple[str, ...]
    zig: str = ""
    options: tuple[str, ...] = ()
    processor: str = ""
    emulator: str = ""
    without: tuple[str, ...] = ()
    python: Python | None = None
    board: Board | None = None

    @property
    def build(self) -> Path:
        """Folder of the target's programs."""
        return BUILD / self.name

    def command(self, qemu: str, cpu: str, program: str, file: str) -> list[str]:
        """Return how the call server `program` is started; file: the memory it shares."""
        if self.board:
            return [qemu, *self.board.command(program, file)]
        return [*([qemu, "-cpu", cpu] if self.emulator else []), program, file]


@lru_cache(maxsize=1)
def targets() -> dict[str, Target]:
    """Return all targets by name."""
    table = tomllib.loads((Path(__file__).parent / "targets.toml").read_text(encoding="utf-8"))
    return {name: _target(name, row) for name, row in table.items()}


def find(name: str) -> Target:
    """Return the target of that name, or end the program with the names there are."""
    if name not in targets():
        raise SystemExit(f"unknown target {name!r}: there are {', '.join(targets())}")
    return targets()[name]


def _target(name: str, row: dict[str, object]) -> Target:
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    python = fields.pop("python", None)
    if isinstance(python, dict):
        fields["python"] = Python(**python)
    board = fields.pop("board", None)
    if isinstance(board, dict):
        fields["board"] = Board(**board)
    return Target(name=name, **fields)  # type: ignore[arg-type]
