# SPDX-License-Identifier: BSD-3-Clause
"""The firmware of examples/firmware on every board of boards.toml: built, run under emulation, measured."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile

from ci import toolchain
from ci.paths import BUILD, ROOT
from ci.qemu import system

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SOURCE = ROOT / "examples" / "firmware"
WORK = BUILD / "firmware"
DATA = WORK / "data"
SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")
QUIET = ("-nodefaults", "-display", "none", "-monitor", "none", "-serial", "none")
SECONDS = 600  # after which a program is taken to hang


class FirmwareError(Exception):
    """A program could not be run; the text says why."""


@dataclass(frozen=True)
class Board:
    """One table of boards.toml; its comments describe the fields."""

    name: str
    zig: str
    options: tuple[str, ...]
    start: str
    network: str
    machine: tuple[str, ...]
    ns: float
    arena: int = 0
    flash: int = 0

    @property
    def build(self) -> Path:
        """Folder of the board's build."""
        return WORK / self.name

    @property
    def program(self) -> Path:
        """The linked image."""
        return self.build / "digits.elf"


@lru_cache(maxsize=1)
def boards() -> dict[str, Board]:
    """Return all boards by name."""
    text = (Path(__file__).parent / "boards.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    return {name: _board(name, row) for name, row in rows.items()}


def _board(name: str, row: dict[str, object]) -> Board:
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Board(name=name, **fields)  # type: ignore[arg-type]


def write_data() -> None:
    """Convert the network and pack the images."""
    toolchain.run([sys.executable, "-m", "examples.firmware.data", str(DATA)])


def build(board: Board, *settings: str) -> None:
    """Configure and build as a user would, with `zig cc` as the bare-metal compiler."""
    tools = board.build / "toolchain"
    toolchain.write_tools(tools, board.zig, board.options)
    configure = ["-S", str(SOURCE), "-B", str(board.build), "-G", "Ninja"]
    values = {
        "CMAKE_MAKE_PROGRAM": toolchain.tool("ninja"),
        "CMAKE_TOOLCHAIN_FILE": SOURCE / "toolchain.cmake",
        "CMAKE_BUILD_TYPE": "MinSizeRel",
        "FIRMWARE_CC": tools / "cc",
        "CMAKE_AR": tools / "ar",
        "CMAKE_RANLIB": tools / "ranlib",
        "BOARD": board.name,
        "START": board.start,
        "DATA": DATA,
        "NETWORK": board.network,
        "ARENA_BYTES": board.arena,
    }
    definitions = [*(f"-D{name}={value}" for name, value in values.items()), *settings]
    stamp = board.build / "configured"
    wanted = "\n".join(definitions)
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        toolchain.run([toolchain.tool("cmake"), *configure, *definitions])
        stamp.write_text(wanted, encoding="utf-8")
    toolchain.run([toolchain.tool("cmake"), "--build", str(board.build), "--", "--quiet"])


def sections(program: Path) -> dict[str, int]:
    """Return the sizes of an image's sections in bytes."""
    with program.open("rb") as stream:
        return {section.name: section["sh_size"] for section in ELFFile(stream).iter_sections()}


def run(board: Board, options: Sequence[str] = ()) -> tuple[int, str]:
    """Run the board's image to its end; return its exit code and what it printed."""
    emulator = system.find(board.machine[0])
    if emulator is None:
        raise FirmwareError(f"no {board.machine[0]}: {system.ADVICE}")
    command = [emulator, *board.machine[1:], *QUIET, *SEMIHOSTING, *options]
    try:
        result = subprocess.run(
            [*command, "-kernel", str(board.program)],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise FirmwareError(f"{board.name}: did not end within {SECONDS} seconds") from None
    return result.returncode, result.stdout + result.stderr


def numbers(printed: str) -> dict[str, int]:
    """Return what a program said about itself: its lines `label: number`."""
    pairs = (line.rpartition(": ") for line in printed.splitlines())
    return {label: int(number) for label, _, number in pairs if label and number.isdigit()}
