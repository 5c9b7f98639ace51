# SPDX-License-Identifier: BSD-3-Clause
"""Every assembly kernel on every case of its slot, instruction by instruction."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest

import oracles
from asm.contract import Contract, read_folder, variants
from asm.disassembly import check_hazards, dependent_pairs, disassemble, register_faults
from asm.isa import ISAS
from asm.machine import Machine, Program
from oracles.xnor import Conv, Dense

VARIANTS = [
    (folder, f"bnn_{slot}_{name}", slot)
    for folder, isa in ISAS.items()
    for slot, name in variants(isa)
]
PACKERS = ("pack_sign", "pack_threshold")  # of bits
each_variant = pytest.mark.parametrize(("folder", "name", "slot"), VARIANTS)


@lru_cache
def contract_of(folder: str, name: str) -> Contract:
    contracts = read_folder(ISAS[folder])
    assert name in contracts, f"{folder}: {name} of variants.def has no contract block"
    return contracts[name]


@pytest.mark.parametrize("folder", ISAS)
def test_every_function_is_a_variant(folder: str) -> None:
    names = {f"bnn_{slot}_{name}" for slot, name in variants(ISAS[folder])}
    assert set(read_folder(ISAS[folder])) == names


@each_variant
def test_contract(folder: str, name: str, slot: str) -> None:
    contract = contract_of(folder, name)
    case = oracles.build(slot, oracles.SHAPES[slot][0])
    assert contract.slot == slot
    assert list(contract.arguments) == list(case.arguments)
    assert bool(contract.hazard) == (slot in PACKERS), "packers have `hazard`"


@each_variant
def test_registers(folder: str, name: str, slot: str, programs: dict[str, Program]) -> None:
    isa = ISAS[folder]
    instructions = disassemble(isa, programs[folder], name)
    assert not register_faults(isa, contract_of(folder, name), instructions)


@each_variant
def test_cases(
    folder: str,
    name: str,
    slot: str,
    machines: Callable[[str, bool], Machine],
    counts: dict[str, dict[str, int]],
) -> None:
    """One test per kernel: hundreds of short calls."""
    contract = contract_of(folder, name)
    machine = machines(folder, False)
    failures = []
    for shape in oracles.SHAPES[slot]:
        case = oracles.build(slot, shape)
        if case.denormals and folder == "armv7":
            continue  # its vector unit takes denormals for zero
        outcome = machine.call(contract, case)
        failures += [f"{shape}: {fault}" for fault in outcome.faults]
        key = f"{folder} {slot} {name.removeprefix(f'bnn_{slot}_')}"
        counts.setdefault(key, {})[repr(shape)] = outcome.instructions
    assert not failures, "\n".join(failures[:20])


@pytest.mark.parametrize(("folder", "name", "slot"), [v for v in VARIANTS if v[2] in PACKERS])
def test_hazards(
    folder: str,
    name: str,
    slot: str,
    programs: dict[str, Program],
    machines: Callable[[str, bool], Machine],
) -> None:
    """The distances of dependent shift-inserts, as executed."""
    contract = contract_of(folder, name)
    assert contract.hazard is not None
    instructions = disassemble(ISAS[folder], programs[folder], name)
    machine = machines(folder, True)
    minima, merges, faults = [], set(), []
    for shape in oracles.SHAPES[slot]:
        outcome = machine.call(contract, oracles.build(slot, shape))
        assert len(outcome.trace) == outcome.instructions
        trace = [instructions[address] for address in outcome.trace]
        report = check_hazards(trace, contract.hazard)
        minima += [report.minimum] if report.minimum else []
        merges |= report.merge
        faults += [f"{shape}: {fault}" for fault in report.faults]
    print(f"{name}: dependent shift-inserts at least {min(minima, default=0)} apart; final merge:")
    print("".join(f"    {text}\n" for text in sorted(merges)))
    assert not faults, "\n".join(faults[:20])


# What a chain of AArch64's binary products consists of (xnor128.inc, xnor64.inc): of these instructions, none depends on one of
# the 5 before it, but in its finish.
CHAIN = frozenset({"eor", "cnt", "addp", "uadalp"})
DISTANCE = 6
FINISH = {"bconv128": 18, "bdense128": 18, "bconv64x2": 13, "bdense64": 13}
CONVOLUTIONS = [Conv(21, 3, 3), Conv(14, 1, 1), Conv(14, 5, 5), Conv(14, 3, 3, 2), Conv(14, 2, 4)]


@pytest.mark.parametrize(
    ("slot", "shape"),
    [
        pytest.param(slot, shape, id=f"{slot}-{oracles.shape_id(shape)}")
        for slot in FINISH
        for shape in (CONVOLUTIONS if slot.startswith("bconv") else [Dense(4, 4), Dense(19, 2)])
    ],
)
def test_chain_distance(
    slot: str,
    shape: Conv | Dense,
    programs: dict[str, Program],
    machines: Callable[[str, bool], Machine],
) -> None:
    """Whole tiles of 7 pixels, and pairs of blocks: one chain from beginning to end."""
    name = f"bnn_{slot}_neon"
    instructions = disassemble(ISAS["armv8"], programs["armv8"], name)
    outcome = machines("armv8", True).call(contract_of("armv8", name), oracles.build(slot, shape))
    trace = [instructions[address] for address in outcome.trace]
    chain = [instruction for instruction in trace if instruction.operation in CHAIN]
    pairs = dependent_pairs(chain, CHAIN)
    finish = len(chain) - FINISH[slot]
    assert min(p.consumer - p.producer for p in pairs if p.consumer < finish) == DISTANCE
    assert min(p.consumer - p.producer for p in pairs if p.consumer >= finish) < DISTANCE
