# SPDX-License-Identifier: BSD-3-Clause
"""Runs one kernel on one case in an emulated cpu and writes down everything that its contract does not allow."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm64_const, arm_const

from asm import matrices
from asm.contract import Contract, values_of
from asm.isa import ARMV8, Isa
from oracles.case import Argument, Buffer, Case, Struct

# Far from programs, which linkers put below 0x1000_0000.
STACK, STACK_BYTES = 0x4000_0000, 0x1_0000  # the stack's end, and its size
RETURN = 0x4100_0000  # the return address
DATA, DATA_BYTES = 0x5000_0000, 0x0100_0000
GAP = 4096  # bytes between buffers
MOST = 1_000_000  # instructions of a call


@dataclass(frozen=True)
class Program:
    """A linked program: its segments, and address and size of each function."""

    segments: list[tuple[int, bytes]]
    functions: dict[str, tuple[int, int]]

    @classmethod
    def load(cls, path: Path) -> Program:
        """Read an ELF file."""
        with path.open("rb") as file:
            elf = ELFFile(file)
            segments = [
                (segment["p_vaddr"], segment.data()) for segment in elf.iter_segments("PT_LOAD")
            ]
            functions = {
                symbol.name: (symbol["st_value"], symbol["st_size"])
                for symbol in elf.get_section_by_name(".symtab").iter_symbols()
                if symbol["st_info"]["type"] == "STT_FUNC"
            }
        return cls(segments, functions)

    def code(self, name: str) -> tuple[int, bytes]:
        """Address and machine code of a function."""
        address, size = self.functions[name]
        for start, data in self.segments:
            if start <= address < start + len(data):
                return address, data[address - start : address - start + size]
        raise KeyError(name)


def _is_null(case: Case, path: str) -> bool:
    """Whether the case passes a null pointer for a buffer: an argument, or a field of a struct."""
    name, _, field_name = path.partition(".")
    argument = case.arguments.get(name)
    if isinstance(argument, Struct):
        argument = argument.fields.get(field_name)
    return isinstance(argument, int) and argument == 0


@dataclass(frozen=True)
class Range:
    """Bytes that may be accessed."""

    path: str
    start: int
    size: int
    read: bool
    write: bool


@dataclass
class Outcome:
    """What a call did. trace: addresses of all executed instructions, if asked for."""

    instructions: int = 0
    faults: list[str] = field(default_factory=list)
    trace: list[int] = field(default_factory=list)

    def fault(self, text: str) -> None:
        """Note a fault; repetitions of the same are noted once, and a flood is cut off."""
        if text not in self.faults and len(self.faults) < 20:
            self.faults.append(text)


class Machine:
    """An emulated cpu with one program; calls do not depend on earlier ones."""

    def __init__(self, isa: Isa, program: Program, *, trace: bool = False) -> None:
        self.isa = isa
        self.program = program
        self._uc = unicorn.Uc(isa.uc_arch, unicorn.UC_MODE_ARM)
        self._uc.ctl_set_cpu_model(isa.uc_cpu)
        first = min(start for start, _ in program.segments) & ~0xFFF
        end = max(start + len(data) for start, data in program.segments)
        self._uc.mem_map(first, (end - first + 0xFFF) & ~0xFFF)
        for start, data in program.segments:
            self._uc.mem_write(start, data)
        self._uc.mem_map(STACK - STACK_BYTES, STACK_BYTES + 0x1000)
        self._uc.mem_map(RETURN, 0x1000)
        self._uc.mem_map(DATA, DATA_BYTES)
        self._enable_vectors()
        self._outcome = Outcome()
        self._ranges: list[Range] = []
        self._entry_sp = 0
        self._pushed: tuple[int, int] | None = None  # pc and lowest address of an access below sp
        self._exception = ""  # that ended the call
        # Hooks must be there before code is translated: later ones would not see it.
        self._uc.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, self._on_access)
        self._uc.hook_add(unicorn.UC_HOOK_BLOCK, self._on_block)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        if trace:
            self._uc.hook_add(unicorn.UC_HOOK_CODE, self._on_instruction)

    def call(self, contract: Contract, case: Case) -> Outcome:
        """Run the contract's function on the case; the outcome lists all that is wrong."""
        self._outcome = Outcome()
        placed = self._place(case)
        values = values_of(case.arguments)
        self._ranges = list(self._allowed(contract, case, placed, values))
        self._entry_sp = STACK - 0x400
        self._pushed = None
        self._exception = ""
        before = self._prepare(case, placed)
        address, _ = self.program.functions[contract.name]
        try:
            self._uc.emu_start(address, RETURN)
        except unicorn.UcError as error:
            self._outcome.fault(f"{error} at {self._here()}")
        else:
            if self._exception:
                self._outcome.fault(self._exception)
            elif self._uc.reg_read(self.isa.pc) != RETURN:
                self._outcome.fault(f"did not return within {MOST} instructions")
            self._check_push(0)
            self._compare_registers(contract, before)
            self._compare_buffers(case, placed)
        return self._outcome

    def _enable_vectors(self) -> None:
        if self.isa is ARMV8:
            self._uc.reg_write(arm64_const.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        else:
            coprocessors = self._uc.reg_read(arm_const.UC_ARM_REG_C1_C0_2)
            self._uc.reg_write(arm_const.UC_ARM_REG_C1_C0_2, coprocessors | 0xF << 20)
            self._uc.reg_write(arm_const.UC_ARM_REG_FPEXC, 1 << 30)

    def _place(self, case: Case) -> dict[int, int]:
        """Put buffers and structs into memory, each at an odd multiple of its alignment: addresses by id."""
        placed: dict[int, int] = {}
        free = DATA + GAP
        for item in _items(case):
            align = item.align if isinstance(item, Buffer) else self.isa.word
            address = free + align
            content = (
                self._struct(item, placed) if isinstance(item, Struct) else item.before.tobytes()
            )
            self._uc.mem_write(address, content)
            placed[id(item)] = address
            free = (address + len(content) + 2 * GAP) & ~(GAP - 1)
        if free > DATA + DATA_BYTES:
            raise MemoryError(f"{case.slot}: the case's buffers do not fit")
        return placed

    def _struct(self, item: Struct, placed: dict[int, int]) -> bytes:
        words = (self._word(value, placed) for value in item.fields.values())
        return b"".join(word.to_bytes(self.isa.word, "little") for word in words)

    def _word(self, argument: Argument, placed: dict[int, int]) -> int:
        return argument if isinstance(argument, int) else placed[id(argument)]

    def _allowed(
        self, contract: Contract, case: Case, placed: dict[int, int], values: dict[str, object]
    ) -> Iterator[Range]:
        """Yield the contract's buffers; one that claims more than the slot allows is a fault."""
        sizes = {path: buffer.before.nbytes for path, buffer in case.buffers()}
        addresses = {path: placed[id(buffer)] for path, buffer in case.buffers()}
        for name, argument in case.arguments.items():
            if isinstance(argument, Struct):
                sizes[name] = self.isa.word * len(argument.fields)
                addresses[name] = placed[id(argument)]
        for path, region in contract.buffers.items():
            if _is_null(case, path):
                continue
            if path not in sizes:
                self._outcome.fault(f"contract: {contract.slot} has no buffer {path}")
                continue
            size = sizes[path] if region.size == "struct" else contract.size(path, values)
            if size > sizes[path]:
                self._outcome.fault(f"contract: {path}: {size} bytes, the slot has {sizes[path]}")
            yield Range(path, addresses[path], size, region.read, region.write)
        extra = 4 * max(0, len(case.arguments) - len(self.isa.arguments))
        yield Range("stack arguments", STACK - 0x400, extra, read=True, write=False)
        yield Range("stack", STACK - 0x400 - contract.stack, contract.stack, read=True, write=True)

    def _prepare(self, case: Case, placed: dict[int, int]) -> dict[str, int]:
        """Fill registers with junk and arguments; returns the registers' contents."""
        junk = random.Random(case.slot)
        for unit, register in self.isa.units.items():
            self._uc.reg_write(register, junk.getrandbits(self.isa.bits(unit)))
        self._uc.reg_write(self.isa.sp, self._entry_sp)
        self._uc.reg_write(self.isa.units[self.isa.lr], RETURN)
        words = [self._word(argument, placed) for argument in case.arguments.values()]
        in_registers = len(self.isa.arguments)
        for name, word in zip(self.isa.arguments, words, strict=False):
            self._uc.reg_write(self.isa.units[name], word)
        stack = b"".join(struct.pack("<I", word) for word in words[in_registers:])
        self._uc.mem_write(self._entry_sp, stack)
        return self._registers()

    def _registers(self) -> dict[str, int]:
        return {unit: self._uc.reg_read(register) for unit, register in self.isa.units.items()}

    def _compare_registers(self, contract: Contract, before: dict[str, int]) -> None:
        after = self._registers()
        for unit, value in before.items():
            if value == after[unit]:
                continue
            low = (1 << 64) - 1
            if unit in self.isa.saved and (
                unit not in self.isa.low_halves or value & low != after[unit] & low
            ):
                self._outcome.fault(f"callee-saved {unit} changed")
            elif unit not in contract.registers:
                self._outcome.fault(f"undeclared {unit} changed")
        if self._uc.reg_read(self.isa.sp) != self._entry_sp:
            self._outcome.fault("sp differs after the call")
        for register in self.isa.controls:
            if self.isa.control_mask(self._uc.reg_read(register)):
                self._outcome.fault("floating-point control bits changed")

    def _compare_buffers(self, case: Case, placed: dict[int, int]) -> None:
        for path, buffer in case.buffers():
            got = bytes(self._uc.mem_read(placed[id(buffer)], buffer.before.nbytes))
            wrong = buffer.mismatch(got)
            if wrong:
                self._outcome.fault(f"result: {path}: {wrong}")

    def _here(self) -> str:
        return self._name(self._uc.reg_read(self.isa.pc))

    def _name(self, pc: int) -> str:
        for name, (address, size) in self.program.functions.items():
            if address <= pc < address + size:
                return f"{name}+{pc - address:#x}"
        return f"{pc:#x}"

    def _on_access(
        self, uc: unicorn.Uc, access: int, address: int, size: int, value: int, data: object
    ) -> None:
        write = access == unicorn.UC_MEM_WRITE
        sp = uc.reg_read(self.isa.sp)
        if sp % self.isa.sp_alignment:
            self._outcome.fault(f"sp misaligned at {self._here()}")
        if self._pushed:
            self._check_push(uc.reg_read(self.isa.pc))
        if STACK - STACK_BYTES <= address < sp:
            lowest = min(address, self._pushed[1] if self._pushed else address)
            self._pushed = (uc.reg_read(self.isa.pc), lowest)
        for allowed in self._ranges:
            inside = allowed.start <= address and address + size <= allowed.start + allowed.size
            if inside and (allowed.write if write else allowed.read):
                return
        verb = "writes" if write else "reads"
        self._outcome.fault(f"{verb} {size} bytes {self._where(address)} at {self._here()}")

    def _check_push(self, pc: int) -> None:
        """What lies below sp is a signal handler's: only an instruction that then lowers sp may write there."""
        if self._pushed and self._pushed[0] != pc:
            where, address = self._pushed
            self._pushed = None
            if self._uc.reg_read(self.isa.sp) > address:
                self._outcome.fault(f"uses the stack below sp at {self._name(where)}")

    def _where(self, address: int) -> str:
        """Describe an address by the nearest range."""
        near = min(
            self._ranges,
            key=lambda r: max(r.start - address, address - r.start - r.size + 1, 0),
        )
        return f"at {near.path}[{address - near.start}] of {near.size}"

    def _on_block(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        if address != RETURN:
            self._outcome.instructions += size // 4
            if self._outcome.instructions > MOST:
                uc.emu_stop()

    def _on_exception(self, uc: unicorn.Uc, number: int, data: object) -> None:
        if self.isa is not ARMV8 or not matrices.execute(uc):
            self._exception = f"exception {number} at {self._here()}"
            uc.emu_stop()

    def _on_instruction(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        if address != RETURN:
            self._outcome.trace.append(address)


def _items(case: Case) -> Iterator[Buffer | Struct]:
    """Buffers and structs, each once, structs after the buffers they point to."""
    seen: set[int] = set()
    for argument in case.arguments.values():
        inner = list(argument.fields.values()) if isinstance(argument, Struct) else []
        for item in [*inner, argument]:
            if not isinstance(item, int) and id(item) not in seen:
                seen.add(id(item))
                yield item
