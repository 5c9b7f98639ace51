# SPDX-License-Identifier: BSD-3-Clause
"""What disassembly tells: the registers that a function writes, and the distances of dependent shift-inserts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import capstone

from asm.contract import Contract, Hazard
from asm.isa import Isa
from asm.machine import Program

# Instructions that shift one register into another and so read what they write.
SHIFT_INSERTS = {"sri", "sli", "vsri", "vsli"}
# Of one register they are copies: what a shift-insert wrote stays its own.
COPIES = {"mov", "vmov", "vorr"}


@dataclass(frozen=True)
class Instruction:
    """One decoded instruction; reads and writes are units."""

    text: str
    operation: str  # the mnemonic without the data type
    reads: frozenset[str]
    writes: frozenset[str]


def disassemble(isa: Isa, program: Program, name: str) -> dict[int, Instruction]:
    """Instructions of a function by address."""
    engine = capstone.Cs(isa.cs_arch, capstone.CS_MODE_ARM)
    engine.detail = True
    address, code = program.code(name)
    found = {}
    for instruction in engine.disasm(code, address):
        reads, writes = (
            frozenset(unit for r in registers for unit in isa.units_of(instruction.reg_name(r)))
            for registers in instruction.regs_access()
        )
        operation = instruction.mnemonic.partition(".")[0]
        text = f"{instruction.mnemonic} {instruction.op_str}"
        found[instruction.address] = Instruction(text, operation, reads, writes)
    if 4 * len(found) != len(code):
        raise ValueError(f"{name}: only {len(found)} of {len(code) // 4} instructions decoded")
    return found


def register_faults(
    isa: Isa, contract: Contract, instructions: dict[int, Instruction]
) -> list[str]:
    """Registers that some instruction writes and the contract does not declare."""
    written = frozenset().union(*(i.writes for i in instructions.values()))
    declared = contract.registers | contract.saved
    faults = [f"writes undeclared {unit}" for unit in sorted(written - declared)]
    unsaved = written & isa.saved - contract.saved
    return faults + [f"writes callee-saved {unit}, not under saved" for unit in sorted(unsaved)]


class Pair(NamedTuple):
    """Indices in a trace: `consumer` reads what `producer` wrote."""

    producer: int
    consumer: int


def dependent_pairs(trace: Sequence[Instruction], ops: frozenset[str]) -> list[Pair]:
    """Pairs of `ops`, in order of the consumer; a write in between ends a dependence, unless it is a copy."""
    last: dict[str, int] = {}
    pairs = []
    for index, instruction in enumerate(trace):
        producers = {last[unit] for unit in instruction.reads if unit in last}
        if instruction.operation in ops:
            pairs += [Pair(producer, index) for producer in sorted(producers)]
            producers = {index}
        elif instruction.operation not in COPIES or len(instruction.reads) > len(
            instruction.writes
        ):
            producers = set()
        for unit in instruction.writes:
            last.pop(unit, None)
            if producers:
                last[unit] = max(producers)
    return pairs


def trees(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """The pairs of each reduction tree: those that lead to the same last shift-insert."""
    parent: dict[int, int] = {pair.producer: pair.consumer for pair in pairs}

    def root(index: int) -> int:
        while index in parent:
            index = parent[index]
        return index

    by_root: dict[int, list[Pair]] = {}
    for pair in pairs:
        by_root.setdefault(root(pair.consumer), []).append(pair)
    return list(by_root.values())


@dataclass
class HazardReport:
    """minimum: distance outside the final merges; merge: their close pairs; faults: what breaks the contract."""

    minimum: int | None
    merge: set[str]
    faults: list[str]


def check_hazards(trace: Sequence[Instruction], hazard: Hazard) -> HazardReport:
    """Compare an executed sequence with a packer's `hazard` entry."""
    report = HazardReport(None, set(), [])
    undeclared = {i.operation for i in trace} & SHIFT_INSERTS - hazard.ops
    if undeclared:
        report.faults.append(f"hazard: uses {', '.join(sorted(undeclared))}, not under ops")
    for pairs in trees(dependent_pairs(trace, hazard.ops)):
        consumers = sorted({pair.consumer for pair in pairs})
        merge = set(consumers[max(0, len(consumers) - hazard.merge) :])
        for pair in pairs:
            distance = pair.consumer - pair.producer
            if pair.consumer in merge:
                if distance < hazard.distance:
                    report.merge.add(_describe(trace, pair))
                continue
            report.minimum = min(distance, report.minimum or distance)
            if distance < hazard.distance:
                text = f"hazard: {_describe(trace, pair)}, the contract says {hazard.distance}"
                report.faults += [text] if text not in report.faults else []
    return report


def _describe(trace: Sequence[Instruction], pair: Pair) -> str:
    producer, consumer = trace[pair.producer], trace[pair.consumer]
    return f"{producer.text} -> {consumer.text}: distance {pair.consumer - pair.producer}"
