# SPDX-License-Identifier: BSD-3-Clause
"""Names of functions in a program that was linked without symbols: the library's object files are searched in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from pathlib import Path

from elftools.elf.elffile import ELFFile

from ci.bench.region import Region
from ci.qemu.targets import Target

ELSEWHERE = "others"  # the C library, above all


class Symbols:
    """Functions of the library in a target's bnn-bench."""

    def __init__(self, target: Target) -> None:
        self.functions: list[tuple[int, int, str]] = []  # begin, end, name
        code = _code(target.build / "bnn-bench")
        for path in (target.build / "cmake" / "libbnn").rglob("*.o"):
            with path.open("rb") as stream:
                self.functions += _functions(ELFFile(stream), code)
        self.functions.sort()

    def name(self, address: int) -> str:
        """Return the function at an address."""
        index = bisect_right(self.functions, (address, 1 << 64, "")) - 1
        if index >= 0 and address < self.functions[index][1]:
            return self.functions[index][2]
        return ELSEWHERE

    def shares(self, region: Region) -> Counter[str]:
        """Return executed instructions by function."""
        shares: Counter[str] = Counter()
        for address, executions in region.executions.items():
            shares[self.name(address)] += executions
        return shares


def _code(program: Path) -> list[tuple[int, bytes]]:
    """Return address and content of the executable segments."""
    with program.open("rb") as stream:
        segments = [s for s in ELFFile(stream).iter_segments("PT_LOAD") if s["p_flags"] & 1]
        return [(segment["p_vaddr"], segment.data()) for segment in segments]


def _functions(elf: ELFFile, code: list[tuple[int, bytes]]) -> list[tuple[int, int, str]]:
    """Return the functions of an object file that is part of the program."""
    text, symbols = elf.get_section_by_name(".text"), elf.get_section_by_name(".symtab")
    if text is None or symbols is None or not text["sh_size"]:
        return []
    # The linker has filled in the words that are named by relocations.
    open_words = {
        entry["r_offset"] // 4
        for kind in (".rela.text", ".rel.text")
        if (section := elf.get_section_by_name(kind)) is not None
        for entry in section.iter_relocations()
    }
    data = text.data()
    words = [data[at : at + 4] for at in range(0, len(data), 4)]
    pattern = b"".join(
        b"." * len(word) if index in open_words else re.escape(word)
        for index, word in enumerate(words)
    )
    for address, content in code:
        found = re.search(pattern, content, re.DOTALL)
        if found:
            base = address + found.start()
            return [
                (base + symbol["st_value"], base + symbol["st_value"] + symbol["st_size"], name)
                for symbol in symbols.iter_symbols()
                if symbol["st_info"]["type"] == "STT_FUNC"
                and elf.get_section(symbol["st_shndx"]).name == ".text"
                and (name := symbol.name.removeprefix("bnn_"))
            ]
    return []
