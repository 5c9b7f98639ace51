# SPDX-License-Identifier: BSD-3-Clause
"""Proof that the library needs no C library, owns no writable memory and exports bnn_ names only.

Everything in libbnn/src is compiled without a C library and linked into one relocatable object, whose symbols are then read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ci import toolchain
from ci.paths import ROOT

# (triple, compiler options): one per instruction set; thumb is Cortex-M firmware
TARGETS = {
    "aarch64": ("aarch64-freestanding", ()),
    "arm": ("arm-freestanding-eabi", ("-mcpu=generic+v7a",)),
    "thumb": ("thumb-freestanding-eabi", ("-mcpu=cortex_m4",)),
    "x86_64": ("x86_64-freestanding", ()),
}
OPTIONS = (
    "-std=c11",
    "-ffreestanding",
    "-nostdlib",
    "-ffp-contract=off",
    "-DBNN_CONFIG_FREESTANDING=1",
)
PORT = {
    "memcpy",
    "memset",
    "memcmp",
    "memmove",
}  # what port.h names, and what a compiler may call by itself
RUNTIME = "__aeabi_"  # the compiler's own arithmetic on processors that lack it

SHF_WRITE = 1


def sources() -> list[Path]:
    """Return every C and assembly file of the library."""
    return sorted(
        path for path in (ROOT / "libbnn" / "src").rglob("*") if path.suffix in {".c", ".S"}
    )


def link(name: str, files: Sequence[Path], output: Path) -> None:
    """Compile files for one of TARGETS and link them into one relocatable object."""
    triple, options = TARGETS[name]
    includes = [f"-I{ROOT / 'libbnn' / part}" for part in ("include", "src")]
    command = [*toolchain.zig_cc(triple, options), *OPTIONS, *includes, "-r", "-o", str(output)]
    toolchain.run([*command, *map(str, files)])


def problems(image: Path) -> list[str]:
    """Return what is wrong with a relocatable object, one sentence each."""
    found = []
    with image.open("rb") as stream:
        elf = ELFFile(stream)
        for section in elf.iter_sections():
            if section["sh_flags"] & SHF_WRITE and section["sh_size"]:
                found.append(f"writable data: {section['sh_size']} bytes in {section.name}")
            if isinstance(section, SymbolTableSection):
                found += [text for symbol in section.iter_symbols() if (text := _complaint(symbol))]
    return found


def _complaint(symbol: object) -> str:
    name: str = symbol.name  # type: ignore[attr-defined]
    entry = symbol.entry  # type: ignore[attr-defined]
    if not name or entry["st_info"]["bind"] == "STB_LOCAL":
        return ""
    if entry["st_shndx"] == "SHN_UNDEF":
        known = name in PORT or name.startswith(RUNTIME)
        return "" if known else f"needs {name}, which libbnn/src/port.h does not list"
    return "" if name.startswith("bnn_") else f"exports {name}, which does not begin with bnn_"
