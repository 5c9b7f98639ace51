# SPDX-License-Identifier: BSD-3-Clause
"""Proof that the library needs no C library, owns no writable memory and exports bnn_ names only.

Everything in libbnn/src is compiled without a C library, and for ARM's Linux with one, and linked into one relocatable object,
whose symbols are then read.
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
    "aarch64-linux": ("aarch64-linux-musl", ()),
    "arm-linux": ("arm-linux-musleabihf", ("-mcpu=generic+v7a",)),
}
OPTIONS = ("-std=c11", "-ffp-contract=off")
FREESTANDING = ("-nostdlib", "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1")
PORT = {"memcpy", "memset", "memcmp"}  # what port.h names, and what a compiler may call by itself
SYSTEM = {"getauxval"}  # of Linux, which knows what an ARM core can do
RUNTIME = (
    "__aeabi_",
    "bcmp",
)  # the compiler's own: arithmetic that a processor lacks, a faster memcmp

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
    hosted = () if "linux" in triple else FREESTANDING
    toolchain.run([*command, *hosted, *map(str, files)])


def needed(image: Path) -> set[str]:
    """Return the names that a relocatable object takes from others, but for the compiler's own."""
    with image.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab").iter_symbols()
        names = {symbol.name for symbol in symbols if symbol["st_shndx"] == "SHN_UNDEF"}
    return {name for name in names if name and not name.startswith(RUNTIME)}


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
    unknown = sorted(needed(image) - PORT - SYSTEM)
    return found + [f"needs {name}, which libbnn/src/port.h does not list" for name in unknown]


def _complaint(symbol: object) -> str:
    name: str = symbol.name  # type: ignore[attr-defined]
    entry = symbol.entry  # type: ignore[attr-defined]
    if not name or entry["st_info"]["bind"] == "STB_LOCAL" or entry["st_shndx"] == "SHN_UNDEF":
        return ""
    return "" if name.startswith("bnn_") else f"exports {name}, which does not begin with bnn_"
