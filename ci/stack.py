# SPDX-License-Identifier: BSD-3-Clause
"""How much stack the library's functions take at most: `python -m ci.stack` prints a table.

bnn.c is one translation unit, so its call graph is complete: gcc writes it down, before anything is inlined. The compiler of
the target says the size of every frame that is left. The longest way through the graph is the bound. What is called through
pointers is read from the sources' tables.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from elftools.elf.elffile import ELFFile

from ci import amalgamate, toolchain
from ci.paths import ROOT

#: name -> zig's triple, options, and bytes of a return address that no frame has
TARGETS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "Cortex-M0": ("thumb-freestanding-eabi", ("-mcpu=cortex_m0",), 0),
    "Cortex-M4": ("thumb-freestanding-eabihf", ("-mcpu=cortex_m4",), 0),
    "AArch64": ("aarch64-freestanding", (), 0),
    "x86-64": ("x86_64-freestanding", (), 8),
}
FUNCTIONS = ("bnn_model_init", "bnn_model_verify", "bnn_plan_size", "bnn_plan_init", "bnn_run")
OPTIONS = ("-std=c11", "-ffreestanding", "-DBNN_CONFIG_FREESTANDING=1")

FRAME = re.compile(r"stack frame size \((\d+)\) exceeds limit \(0\) in '(\w+)")
EDGE = re.compile(r'^edge: \{ sourcename: "(?:bnn\.c:)?(\w+)" targetname: "(?:bnn\.c:)?(\w+)"')
NODE = re.compile(r'^node: \{ title: "(?:bnn\.c:)?(\w+)" label: "\w+\\nbnn\.c')
INDIRECT = "__indirect_call"
CALLS = {10, 30}  # R_ARM_THM_CALL, R_ARM_THM_JUMP24

Graph = dict[str, set[str]]


class StackError(Exception):
    """No bound can be given; the text says why."""


@lru_cache(maxsize=1)
def source() -> str:
    """Return bnn.c."""
    return amalgamate.library()


def frames(target: str) -> dict[str, int]:
    """Return bytes of each function's frame, with its return address. Inlined functions have none: their caller has it."""
    triple, options, address = TARGETS[target]
    command = [*toolchain.zig_cc(triple, options), *OPTIONS, "-Wframe-larger-than=0"]
    text = _compile(command, "bnn.o")[1]
    return {name: int(size) + address for size, name in FRAME.findall(text)}


def calls() -> Graph:
    """Return who calls whom. Raises StackError where that is not known."""
    gcc = shutil.which("gcc")
    if not gcc:
        raise StackError("this machine has no gcc")
    lines = _compile([gcc, *OPTIONS, "-O0", "-fcallgraph-info"], "bnn.ci")[0].decode().splitlines()
    functions = {found[1] for line in lines if (found := NODE.match(line))}
    graph: Graph = defaultdict(set)
    for line in lines:
        if found := EDGE.match(line):
            graph[found[1]].add(found[2])
    through = pointers(functions)
    known = {name for names in through.values() for name in names}
    forgotten = _addresses_taken() - known
    if forgotten:
        raise StackError(f"called through pointers, but by whom? {', '.join(sorted(forgotten))}")
    for name, called in graph.items():
        if INDIRECT in called:
            called |= through.get(name, through[""])
    return graph


def pointers(functions: set[str]) -> Graph:
    """Return what is called through pointers, by caller; "" is for all that are not named: they call kernels."""
    text = source()
    slots = re.findall(
        r"^BNN_KERNEL\((\w+)", (ROOT / "libbnn/src/kernels.def").read_text("utf-8"), re.MULTILINE
    )
    codes = re.findall(r"^const struct bnn_op_code \w+ = \{([^}]*)\};", text, re.MULTILINE)
    check, bind, run = (set(column) for column in zip(*map(_names, codes), strict=True))
    parts = set(re.findall(r"\bbnn_share\([^,]+, (\w+),", text)) & functions
    return {
        "": {f"bnn_{slot}_c" for slot in slots},
        "check_kind": check,
        "lay_out": bind,
        "bnn_run": run,
        "bnn_model_init": {name for name in functions if name.startswith("bnn_check_")},
        "bnn_share": parts | {"run_part"},
        "run_part": parts,
        "run_slabs": set(re.findall(r"\bbnn_each_slab\([^,]+, (\w+),", text)) & functions,
    }


def _names(row: str) -> list[str]:
    """Return check, bind and run of an op's row."""
    return [re.findall(r"\w+", part)[-1] for part in row.split(",")]


def _addresses_taken() -> set[str]:
    """Return functions whose address is somewhere, in code or in a table: all that linkers put in but for calls."""
    triple, options, _ = TARGETS["Cortex-M4"]
    command = [*toolchain.zig_cc(triple, options), *OPTIONS, "-O0", "-ffunction-sections"]
    elf = ELFFile(io.BytesIO(_compile(command, "bnn.o")[0]))
    symbols = elf.get_section_by_name(".symtab")
    sections = [section.name for section in elf.iter_sections()]
    return {
        sections[index].removeprefix(".text.")
        for section in elf.iter_sections("SHT_REL")
        for relocation in section.iter_relocations()
        if relocation["r_info_type"] not in CALLS
        and isinstance(index := symbols.get_symbol(relocation["r_info_sym"])["st_shndx"], int)
        and sections[index].startswith(".text.")
        and not section.name.startswith((".rel.ARM", ".rel.debug"))
    }


def deepest(graph: Graph, sizes: dict[str, int], start: str) -> tuple[int, list[str]]:
    """Return the most bytes of stack from a function on, and the way there. Raises StackError for recursion."""
    done: dict[str, tuple[int, list[str]]] = {}

    def visit(name: str, above: tuple[str, ...]) -> tuple[int, list[str]]:
        if name in above:
            raise StackError(f"recursion: {' -> '.join([*above, name])}")
        if name not in done:
            ways = [visit(called, (*above, name)) for called in sorted(graph.get(name, ()))]
            size, way = max(ways, key=lambda found: found[0], default=(0, []))
            done[name] = sizes.get(name, 0) + size, [name, *way]
        return done[name]

    return visit(start, ())


def _compile(command: Iterable[str], output: str) -> tuple[bytes, str]:
    """Compile bnn.c; return a file that the compiler left, and what it said."""
    with tempfile.TemporaryDirectory() as work:
        amalgamate.write(Path(work))
        result = subprocess.run(
            [*command, "-c", "bnn.c", "-o", "bnn.o"],
            cwd=work, env=toolchain.zig_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if result.returncode:
            raise StackError(result.stderr)
        return (Path(work) / output).read_bytes(), result.stderr


def main() -> None:
    """Print the bounds, and the deepest way of each function on the first target."""
    graph = calls()
    sizes = {target: frames(target) for target in TARGETS}
    print(f"{'':18}{''.join(f'{target:>12}' for target in TARGETS)}")
    for function in FUNCTIONS:
        row = "".join(f"{deepest(graph, sizes[target], function)[0]:12}" for target in TARGETS)
        print(f"{function:18}{row}")
    for function in FUNCTIONS:
        first = next(iter(TARGETS))
        way = deepest(graph, sizes[first], function)[1]
        steps = [f"{name} {sizes[first][name]}" for name in way if name in sizes[first]]
        print(f"{first}: {' -> '.join(steps)}")


if __name__ == "__main__":
    main()
