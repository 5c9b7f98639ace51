# SPDX-License-Identifier: BSD-3-Clause
"""Contract blocks of assembly sources, as docs/kernels.md describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import yaml

from asm.isa import Isa
from ci.paths import ROOT

SOURCES = ROOT / "libbnn" / "src"
FIELDS = {"name", "slot", "arguments", "buffers", "registers", "saved", "stack", "hazard"}
REQUIRED = FIELDS - {"saved", "hazard"}


class ContractError(Exception):
    """A contract block that is missing, or that says something it cannot."""


@dataclass(frozen=True)
class Region:
    """What a contract says of one buffer; size: a Python expression over the arguments, or "struct"."""

    read: bool
    write: bool
    size: str


@dataclass(frozen=True)
class Hazard:
    """Dependent `ops` are at least `distance` instructions apart, save the last `merge` of each tree."""

    ops: frozenset[str]
    distance: int
    merge: int


@dataclass(frozen=True)
class Contract:
    """One block; registers and saved are units."""

    name: str
    slot: str
    arguments: dict[str, str]
    buffers: dict[str, Region]
    registers: frozenset[str]
    saved: frozenset[str]
    stack: int
    hazard: Hazard | None

    def size(self, path: str, values: Mapping[str, Any]) -> int:
        """Bytes of a buffer for these arguments; structs are SimpleNamespaces, arrays in them lists of such."""
        names = {"__builtins__": {}, "max": max, "min": min, "sum": sum, **values}
        try:
            return int(eval(self.buffers[path].size, names))  # the project's own sources
        except Exception as error:
            raise ContractError(f"{self.name}: bytes of {path}: {error}") from error


def variants(isa: Isa) -> list[tuple[str, str]]:
    """(slot, isa name) of every row of the architecture's variants.def."""
    text = (SOURCES / isa.folder / "variants.def").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.findall(r"^BNN_VARIANT\((\w+), *(\w+)\)", text, flags=re.MULTILINE)


def read_folder(isa: Isa) -> dict[str, Contract]:
    """Contracts of all sources of an architecture, by function name; every function of a source must have one."""
    found: dict[str, Contract] = {}
    for path in sorted((SOURCES / isa.folder).glob("*.S")):
        text = path.read_text(encoding="utf-8")
        contracts = read(text, isa, path.name)
        functions = re.findall(r"^\s*func\s+(\w+)", text, flags=re.MULTILINE)
        bare = sorted(set(functions) - {contract.name for contract in contracts})
        if bare:
            raise ContractError(f"{path.name}: no contract block for {', '.join(bare)}")
        found |= {contract.name: contract for contract in contracts}
    return found


def read(text: str, isa: Isa, where: str) -> list[Contract]:
    """Contracts of one source; one that is `like` another takes from it what it does not say itself."""
    blocks = re.findall(r"^/\*yaml\n(.*?)\*/", text, flags=re.DOTALL | re.MULTILINE)
    tables: dict[str, dict[str, Any]] = {}
    return [_contract(block, tables, isa, where) for block in blocks]


def _contract(block: str, tables: dict[str, dict[str, Any]], isa: Isa, where: str) -> Contract:
    """The contract of a block; `tables` are those before it in the source, by name, and get its own."""
    try:
        table = yaml.safe_load(block)
        model = table.pop("like", None)
        if model is not None and model not in tables:
            raise ContractError(f"like: no block before it has the name {model}")
        table = {**tables.get(model, {}), **table}
        tables[table["name"]] = table
        if not REQUIRED <= table.keys() <= FIELDS:
            wrong = REQUIRED ^ table.keys() & REQUIRED | table.keys() - FIELDS
            raise ContractError(f"missing or unknown: {', '.join(sorted(wrong))}")
        hazard = table.get("hazard")
        contract = Contract(
            name=table["name"],
            slot=table["slot"],
            arguments=dict(table["arguments"]),
            buffers={path: _region(row) for path, row in table["buffers"].items()},
            registers=_units(table["registers"], isa),
            saved=_units(table.get("saved", []), isa),
            stack=int(table["stack"]),
            hazard=Hazard(frozenset(hazard["ops"]), hazard["distance"], hazard["merge"])
            if hazard
            else None,
        )
    except (
        ContractError,
        yaml.YAMLError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise ContractError(f"{where}: contract block: {error}") from error
    _check(contract, isa, where)
    return contract


def _check(contract: Contract, isa: Isa, where: str) -> None:
    """Rules that need no execution."""
    on_stack = (f"stack{i}" for i in range(8))
    places = [*isa.arguments, *on_stack][: len(contract.arguments)]
    problems = []
    if list(contract.arguments.values()) != places:
        problems.append(f"arguments are in {places}, not {list(contract.arguments.values())}")
    if contract.saved - isa.saved:
        problems.append(f"saved: {sorted(contract.saved - isa.saved)} need not be")
    if contract.registers & isa.saved - contract.saved:
        problems.append("callee-saved registers among `registers` must be under `saved`")
    if contract.stack % isa.stack_unit:
        problems.append(f"stack is not a multiple of {isa.stack_unit}")
    if problems:
        raise ContractError(f"{where}: {contract.name}: {'; '.join(problems)}")


def _region(row: Mapping[str, Any]) -> Region:
    access = str(row["access"])
    if not re.fullmatch(r"read|write|read ?write", access):
        raise ContractError(f"access: {access!r} is not read, write or readwrite")
    return Region("read" in access, "write" in access, str(row["bytes"]))


def _units(names: list[str], isa: Isa) -> frozenset[str]:
    units: set[str] = set()
    for name in names:
        first, _, last = str(name).partition("-")
        if not last:
            units |= isa.units_of(first)
            continue
        for number in range(int(first[1:]), int(last[1:]) + 1):
            units |= isa.units_of(f"{first[0]}{number}")
    return frozenset(units)


def values_of(case_arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Integers of a case for size expressions: `pixels`, `p.taps`, `p.rows[0].x`, `classes[0]`."""
    from oracles.case import Buffer, Struct

    values: dict[str, Any] = {}
    for name, argument in case_arguments.items():
        if isinstance(argument, int):
            values[name] = argument
        elif isinstance(argument, Buffer) and argument.before.dtype == "u4":
            values[name] = argument.before.tolist()
        elif isinstance(argument, Struct):
            fields: dict[str, Any] = {}
            for key, value in argument.fields.items():
                if isinstance(value, int):
                    fields[key] = value
                elif key == "rows":
                    fields[key] = [SimpleNamespace(x=int(x), w=int(w)) for x, w in value.before]
                elif value.before.dtype == "u4":
                    fields[key] = value.before.tolist()
            values[name] = SimpleNamespace(**fields)
    return values
