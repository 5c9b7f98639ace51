# SPDX-License-Identifier: BSD-3-Clause
"""Planted faults: a sound kernel passes, and each way to spoil it is caught and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

import oracles
from asm.build import link
from asm.contract import Contract, ContractError, Hazard, read
from asm.disassembly import Instruction, check_hazards, disassemble, register_faults
from asm.isa import ISAS
from asm.machine import Machine, Program
from oracles.pool import Row

# max_bits, a byte at a time; `before` and `behind` receive the faults.
SOUND = {
    "armv8": """
        {before}
        cbz     x2, 2f
    1:  ldrb    w3, [x0]
        ldrb    w4, [x1], #1
        {combine} w3, w3, w4
        strb    w3, [x0], #1
        subs    x2, x2, #1
        b.ne    1b
    2:  {behind}
        ret
    """,
    "armv7": """
        {before}
        cmp     r2, #0
        beq     2f
    1:  ldrb    r3, [r0]
        ldrb    r12, [r1], #1
        {combine} r3, r3, r12
        strb    r3, [r0], #1
        subs    r2, r2, #1
        bne     1b
    2:  {behind}
        bx      lr
    """,
}
ARGUMENTS = {"armv8": "{out: x0, x: x1, n: x2}", "armv7": "{out: r0, x: r1, n: r2}"}
REGISTERS = {"armv8": "x0, x1, x2, x3, x4", "armv7": "r0, r1, r2, r3, r12"}
HEAD = {"armv8": "", "armv7": ".syntax unified\n.arch armv7-a\n.fpu neon\n.arm\n"}


@dataclass
class Plant:
    """A kernel with a fault. expected: part of the report, "" for a sound one."""

    name: str
    folder: str
    expected: str
    before: str = ""
    behind: str = ""
    combine: str = "and"
    contract: dict[str, str] = field(default_factory=dict)

    def block(self) -> str:
        """The contract block's text."""
        entries = {
            "name": self.name,
            "slot": "max_bits",
            "arguments": ARGUMENTS[self.folder],
            "buffers": "{out: {access: read write, bytes: n}, x: {access: read, bytes: n}}",
            "registers": f"[{REGISTERS[self.folder]}]",
            "stack": "0",
        } | self.contract
        lines = (f"{key}: {value}" for key, value in entries.items() if value)
        return "/*yaml\n" + "\n".join(lines) + "\n*/\n"

    def source(self) -> str:
        """The whole function."""
        parts = {"before": self.before, "behind": self.behind, "combine": self.combine}
        body = SOUND[self.folder].format(**parts)
        return f".globl {self.name}\n.type {self.name}, %function\n{self.name}:\n{body}.size {self.name}, . - {self.name}\n"


def also(folder: str, more: str, saved: str = "") -> dict[str, str]:
    """Contract entries that declare more registers."""
    return {"registers": f"[{REGISTERS[folder]}, {more}]", "saved": f"[{saved}]"}


A, B = "armv8", "armv7"
PLANTS = [
    Plant("sound", A, ""),
    Plant("sound", B, ""),
    Plant(
        "sound_stack", A, "", "str x3, [sp, #-16]!", "ldr x3, [sp], #16", contract={"stack": "16"}
    ),
    Plant("sound_stack", B, "", "push {r3, r12}", "pop {r3, r12}", contract={"stack": "8"}),
    Plant("sound_high_half", A, "", "mov v9.d[1], x3", contract=also(A, "v9", "v9")),
    Plant(
        "clobbers_x19", A, "callee-saved x19 changed", "mov x19, #1", contract=also(A, "x19", "x19")
    ),
    Plant("clobbers_d9", A, "callee-saved v9 changed", "movi d9, #0", contract=also(A, "v9", "d9")),
    Plant("clobbers_r4", B, "callee-saved r4 changed", "mov r4, #1", contract=also(B, "r4", "r4")),
    Plant(
        "clobbers_d9", B, "callee-saved d9 changed", "vmov.i8 d9, #0", contract=also(B, "d9", "d9")
    ),
    Plant("undeclared", A, "undeclared x7 changed", "mov x7, #1"),
    Plant("undeclared", B, "undeclared d30 changed", "vmov.i8 q15, #0"),
    Plant("unknown", A, "exception 1 at unknown+0x0", "udf #0"),
    Plant("unknown", B, "Invalid instruction (UC_ERR_INSN_INVALID) at unknown+0x0", "udf #0"),
    Plant("reads_behind", A, "reads 1 bytes at x[9] of 9", behind="ldrb w4, [x1]"),
    Plant("reads_behind", B, "reads 1 bytes at x[9] of 9", behind="ldrb r12, [r1]"),
    Plant("reads_before", A, "reads 8 bytes at x[-8] of 9", "ldr x4, [x1, #-8]"),
    Plant("reads_across", B, "reads 4 bytes at x[7] of 9", "ldr r12, [r1, #7]"),
    Plant("writes_behind", A, "writes 1 bytes at out[9] of 9", behind="strb w4, [x0]"),
    Plant("writes_behind", B, "writes 1 bytes at out[9] of 9", behind="strb r12, [r0]"),
    Plant("writes_input", A, "writes 1 bytes at x[0] of 9", "ldrb w4, [x1]\nstrb w4, [x1]"),
    Plant("writes_input", B, "writes 1 bytes at x[0] of 9", "ldrb r12, [r1]\nstrb r12, [r1]"),
    Plant(
        "sp_misaligned",
        A,
        "sp misaligned",
        "sub sp, sp, #8\nldrb w4, [x1]\nadd sp, sp, #8",
        contract={"stack": "16"},
    ),
    Plant(
        "sp_misaligned",
        B,
        "sp misaligned",
        "sub sp, sp, #2\nldrb r12, [r1]\nadd sp, sp, #2",
        contract={"stack": "8"},
    ),
    Plant("sp_lost", A, "sp differs", "sub sp, sp, #16", contract={"stack": "16"}),
    Plant("sp_lost", B, "sp differs", "sub sp, sp, #8", contract={"stack": "8"}),
    Plant(
        "deep_stack",
        A,
        "writes 8 bytes at stack[-16]",
        "str x3, [sp, #-32]!",
        "add sp, sp, #32",
        contract={"stack": "16"},
    ),
    Plant(
        "deep_stack",
        B,
        "writes 4 bytes at stack[-8]",
        "str r3, [sp, #-16]!",
        "add sp, sp, #16",
        contract={"stack": "8"},
    ),
    Plant(
        "below_sp",
        A,
        "uses the stack below sp",
        "str x3, [sp, #-16]\nldr x3, [sp, #-16]",
        contract={"stack": "16"},
    ),
    Plant("below_sp", B, "uses the stack below sp", "str r3, [sp, #-8]", contract={"stack": "8"}),
    Plant("wrong_result", A, "result: out: ", combine="orr"),
    Plant("wrong_result", B, "result: out: ", combine="orr"),
    Plant("wild_pointer", A, "UC_ERR_READ_UNMAPPED", "mov x4, #64\nldr x4, [x4]"),
    Plant("wild_pointer", B, "UC_ERR_READ_UNMAPPED", "mov r12, #64\nldr r12, [r12]"),
    Plant("endless", A, "did not return", "b ."),
    Plant("endless", B, "did not return", "b ."),
    Plant("flushes", A, "control bits changed", "mov x4, #1 << 24\nmsr fpcr, x4"),
    Plant("flushes", B, "control bits changed", "mov r12, #1 << 24\nvmsr fpscr, r12"),
    Plant(
        "claims_more",
        A,
        "contract: x: 10 bytes, the slot has 9",
        contract={
            "buffers": "{out: {access: read write, bytes: n}, x: {access: read, bytes: n + 1}}"
        },
    ),
    Plant(
        "claims_less",
        B,
        "reads 1 bytes at x[8] of 8",
        contract={
            "buffers": "{out: {access: read write, bytes: n}, x: {access: read, bytes: n - 1}}"
        },
    ),
]
SRI = {"armv8": ("sri v{}.16b, v{}.16b, #1", "sri"), "armv7": ("vsri.8 q{}, q{}, #1", "vsri")}

COPY = {"armv8": "mov v1.16b, v0.16b", "armv7": "vmov q1, q0"}


def tree(folder: str, pairs: list[tuple[int, int]]) -> str:
    """Shift-inserts (into, from); registers 0-3 and 8-15 of either architecture."""
    return "\n".join(SRI[folder][0].format(*pair) for pair in pairs)


HAZARDS = {
    # The daBNN paper's figure 1: all into one register, against four registers in turn and a merge.
    "chained": [(0, 8), (0, 9), (0, 10), (0, 11), (0, 12)],
    "scattered": [(i % 4, 8 + i % 4) for i in range(16)] + [(0, 1), (2, 3), (0, 2)],
    "late_merge": [(i % 4, 8 + i % 4) for i in range(16)]
    + [(0, 1), (0, 2), (0, 3), (0, 8), (0, 9)],
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    """All plants of an architecture, linked into one program."""
    programs = {}
    for folder, isa in ISAS.items():
        text = HEAD[folder] + "".join(p.source() for p in PLANTS if p.folder == folder)
        for name, pairs in HAZARDS.items():
            text += Plant(name, folder, "", tree(folder, pairs)).source()
        body = "\n".join([tree(folder, [(0, 8)]), COPY[folder], tree(folder, [(9, 1)])])
        text += Plant("copied", folder, "", body).source()
        path = tmp_path_factory.mktemp(folder) / "planted.S"
        path.write_text(text, encoding="utf-8")
        programs[folder] = link(isa, [path], path.with_suffix(".elf"))
    return programs


def contract_of(plant: Plant) -> Contract:
    return read(plant.block(), ISAS[plant.folder], "planted.S")[0]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda p: f"{p.folder}-{p.name}")
def test_execution(plant: Plant, planted: dict[str, Program]) -> None:
    machine = Machine(ISAS[plant.folder], planted[plant.folder])
    outcome = machine.call(contract_of(plant), oracles.build("max_bits", Row(9)))
    if plant.expected:
        assert any(plant.expected in fault for fault in outcome.faults), outcome.faults
    else:
        assert not outcome.faults


@pytest.mark.parametrize("folder", ISAS)
def test_instruction_counts(folder: str, planted: dict[str, Program]) -> None:
    """By blocks and one by one; after a call that faulted too."""
    machine = Machine(ISAS[folder], planted[folder], trace=True)
    contract = contract_of(Plant("sound", folder, ""))
    per_call = {"armv8": 2, "armv7": 3}[folder]
    for n in (0, 1, 9):
        machine.call(
            contract_of(Plant("reads_behind", folder, "")), oracles.build("max_bits", Row(n))
        )
        outcome = machine.call(contract, oracles.build("max_bits", Row(n)))
        assert outcome.instructions == len(outcome.trace) == 6 * n + per_call
        assert not outcome.faults


@pytest.mark.parametrize(
    ("folder", "name", "declared", "expected"),
    [
        (A, "undeclared", {}, ["writes undeclared x7"]),
        (B, "undeclared", {}, ["writes undeclared d30", "writes undeclared d31"]),
        (A, "clobbers_x19", also(A, "x19", "x19"), []),
        (
            A,
            "clobbers_x19",
            {},
            ["writes undeclared x19", "writes callee-saved x19, not under saved"],
        ),
        (B, "clobbers_r4", {}, ["writes undeclared r4", "writes callee-saved r4, not under saved"]),
    ],
)
def test_written_registers(
    folder: str,
    name: str,
    declared: dict[str, str],
    expected: list[str],
    planted: dict[str, Program],
) -> None:
    contract = contract_of(Plant(name, folder, "", contract=declared))
    instructions = disassemble(ISAS[folder], planted[folder], name)
    assert register_faults(ISAS[folder], contract, instructions) == expected


@pytest.fixture
def traced(planted: dict[str, Program]) -> Callable[[str, str], list[Instruction]]:
    """Instructions that a hazard plant executes."""

    def run(folder: str, name: str) -> list[Instruction]:
        machine = Machine(ISAS[folder], planted[folder], trace=True)
        contract = contract_of(Plant(name, folder, ""))
        outcome = machine.call(contract, oracles.build("max_bits", Row(0)))
        instructions = disassemble(ISAS[folder], planted[folder], name)
        return [instructions[address] for address in outcome.trace]

    return run


@pytest.mark.parametrize("folder", ISAS)
@pytest.mark.parametrize(
    ("name", "merge", "minimum", "close"),
    [
        ("chained", 0, 1, 0),
        ("scattered", 3, 4, 5),  # of the 6 pairs of the merge's 3 instructions, one is 4 apart
        ("scattered", 2, 3, 4),  # the merge's first is taken for the body
        ("late_merge", 3, 1, 4),
    ],
)
def test_hazards(
    folder: str,
    name: str,
    merge: int,
    minimum: int,
    close: int,
    traced: Callable[[str, str], list[Instruction]],
) -> None:
    ops = frozenset([SRI[folder][1]])
    report = check_hazards(traced(folder, name), Hazard(ops, 4, merge))
    assert report.minimum == minimum
    assert bool(report.faults) == (minimum < 4)
    assert len(report.merge) == close
    assert not check_hazards(traced(folder, name), Hazard(ops, minimum, merge)).faults


@pytest.mark.parametrize("folder", ISAS)
def test_hazard_through_a_copy(
    folder: str, traced: Callable[[str, str], list[Instruction]]
) -> None:
    report = check_hazards(traced(folder, "copied"), Hazard(frozenset([SRI[folder][1]]), 3, 0))
    assert report.minimum == 2
    assert len(report.faults) == 1


@pytest.mark.parametrize("folder", ISAS)
def test_undeclared_shift_inserts(
    folder: str, traced: Callable[[str, str], list[Instruction]]
) -> None:
    report = check_hazards(traced(folder, "chained"), Hazard(frozenset(["orr"]), 1, 0))
    assert report.faults == [f"hazard: uses {SRI[folder][1]}, not under ops"]


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        ({"stack": ""}, "missing or unknown: stack"),
        ({"stak": "0"}, "missing or unknown: stak"),
        ({"stack": "12"}, "stack is not a multiple of 16"),
        ({"arguments": "{out: x0, x: x2, n: x1}"}, "arguments are in"),
        ({"registers": "[x0, r9]"}, "unknown register 'r9'"),
        ({"registers": "[x0-x31]"}, "unknown register 'x31'"),
        ({"registers": "[x0, d8]"}, "must be under `saved`"),
        ({"saved": "[x9]"}, "need not be"),
        ({"buffers": "{out: {access: rw, bytes: n}}"}, "'rw' is not read, write or readwrite"),
        ({"registers": "["}, "contract block"),
        ({"like": "good"}, "like: no block before it has the name good"),
    ],
)
def test_contract_errors(contract: dict[str, str], expected: str) -> None:
    with pytest.raises(ContractError, match=re.escape(expected)):
        contract_of(Plant("bad", A, "", contract=contract))


def test_bad_size_expression() -> None:
    buffers = "{out: {access: read write, bytes: nn}, x: {access: read, bytes: n}}"
    contract = contract_of(Plant("bad", A, "", contract={"buffers": buffers}))
    with pytest.raises(ContractError, match="bytes of out: name 'nn' is not defined"):
        contract.size("out", {"n": 1})


def test_contract_like_another() -> None:
    block = Plant("first", A, "").block()
    second = "/*yaml\nname: second\nlike: first\nstack: 16\n*/\n"
    first, like = read(block + second, ISAS[A], "test")
    assert like == replace(first, name="second", stack=16)
