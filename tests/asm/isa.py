# SPDX-License-Identifier: BSD-3-Clause
"""The two architectures: registers and their aliases, calling convention, emulator and disassembler settings.

Registers are compared in *units*: x0..x30 and v0..v31 on AArch64, r0..r14 and d0..d31 on 32-bit ARM.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import capstone
import unicorn
from unicorn import arm64_const, arm_const

# Names that are in no unit: flags, status, program counter, zero, and sp, which is checked on its own.
NOT_UNITS = frozenset(
    [
        "nzcv",
        "fpcr",
        "fpsr",
        "xzr",
        "wzr",
        "sp",
        "wsp",
        "pc",
        "cpsr",
        "apsr",
        "apsr_nzcv",
        "fpscr",
        "fpscr_nzcv",
        "r13",
        "r15",
    ]
)


@dataclass(frozen=True)
class Isa:
    """One architecture.

    folder: of libbnn/src; target: of targets.toml. word: bytes of a pointer. arguments: registers of the first arguments, the
    others are on the stack. saved: units that a function must leave as they were; low_halves: of these the lower 64 bits only.
    """

    folder: str
    target: str
    word: int
    arguments: tuple[str, ...]
    saved: frozenset[str]
    low_halves: frozenset[str]
    sp_alignment: int  # while memory is accessed
    stack_unit: int  # of the bytes that a contract declares
    uc_arch: int
    uc_cpu: int
    cs_arch: int
    units: dict[str, int]  # unit: unicorn's register number
    vector_bits: int
    sp: int
    pc: int
    lr: str
    controls: tuple[int, ...]  # floating-point control registers
    aliases: dict[str, str] = field(default_factory=dict)

    def units_of(self, name: str) -> set[str]:
        """Units of a register as disassembler or contract names it."""
        name = self.aliases.get(name, name)
        if name in NOT_UNITS:
            return set()
        match = re.fullmatch(r"([a-z])(\d+)", name)
        if not match:
            raise ValueError(f"unknown register {name!r}")
        kind, number = match[1], int(match[2])
        if self.word == 8:
            found = (
                {f"x{number}"} if kind in "xw" else {f"v{number}"} if kind in "vqdshb" else set()
            )
        elif kind == "q":
            found = {f"d{2 * number}", f"d{2 * number + 1}"}
        else:
            found = {f"d{number // 2}" if kind == "s" else name}
        if not found or not found <= self.units.keys():
            raise ValueError(f"unknown register {name!r}")
        return found

    def control_mask(self, value: int) -> int:
        """Return rounding, flushing and trapping bits of FPCR or FPSCR: all but flags and sticky exceptions."""
        return value & 0x07F7_9F00

    def bits(self, unit: str) -> int:
        """Width of a unit."""
        return 8 * self.word if unit[0] in "xr" else self.vector_bits


def _numbers(module: object, prefix: str, letter: str, count: int, unit: str) -> dict[str, int]:
    return {f"{unit}{i}": getattr(module, f"{prefix}{letter}{i}") for i in range(count)}


ARMV8 = Isa(
    folder="armv8",
    target="aarch64",
    word=8,
    arguments=tuple(f"x{i}" for i in range(8)),
    saved=frozenset([f"x{i}" for i in range(18, 30)] + [f"v{i}" for i in range(8, 16)]),
    low_halves=frozenset(f"v{i}" for i in range(8, 16)),
    sp_alignment=16,
    stack_unit=16,
    uc_arch=unicorn.UC_ARCH_ARM64,
    uc_cpu=arm64_const.UC_CPU_ARM64_MAX,
    cs_arch=capstone.CS_ARCH_AARCH64,
    units={
        **_numbers(arm64_const, "UC_ARM64_REG_", "X", 31, "x"),
        **_numbers(arm64_const, "UC_ARM64_REG_", "Q", 32, "v"),
    },
    vector_bits=128,
    sp=arm64_const.UC_ARM64_REG_SP,
    pc=arm64_const.UC_ARM64_REG_PC,
    lr="x30",
    controls=(arm64_const.UC_ARM64_REG_FPCR,),
    aliases={"fp": "x29", "lr": "x30"},
)

ARMV7 = Isa(
    folder="armv7",
    target="armv7",
    word=4,
    arguments=tuple(f"r{i}" for i in range(4)),
    saved=frozenset([f"r{i}" for i in range(4, 12)] + [f"d{i}" for i in range(8, 16)]),
    low_halves=frozenset(),
    sp_alignment=4,
    stack_unit=8,
    uc_arch=unicorn.UC_ARCH_ARM,
    uc_cpu=arm_const.UC_CPU_ARM_CORTEX_A15,
    cs_arch=capstone.CS_ARCH_ARM,
    units={
        **_numbers(arm_const, "UC_ARM_REG_", "R", 13, "r"),
        "r14": arm_const.UC_ARM_REG_LR,
        **_numbers(arm_const, "UC_ARM_REG_", "D", 32, "d"),
    },
    vector_bits=64,
    sp=arm_const.UC_ARM_REG_SP,
    pc=arm_const.UC_ARM_REG_PC,
    lr="r14",
    controls=(arm_const.UC_ARM_REG_FPSCR,),
    aliases={"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12", "lr": "r14"},
)

ISAS = {isa.folder: isa for isa in (ARMV8, ARMV7)}
