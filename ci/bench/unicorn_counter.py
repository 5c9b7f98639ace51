# SPDX-License-Identifier: BSD-3-Clause
"""The same counts without a QEMU that has plugins: a static Linux program in unicorn, with the few system calls that it makes.

Slower than the plugin. Only marked regions are counted, block by block.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import unicorn
from elftools.elf.elffile import ELFFile
from unicorn import arm64_const as a64
from unicorn import arm_const as a32

from ci.bench.region import CountError, Region

PAGE = 4096
HEAP = 0x4000_0000
STACK, STACK_BYTES = 0x7000_0000, 0x10_0000
ENOSYS, ENOTTY = -38, -25
AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_HWCAP, AT_RANDOM = 3, 4, 5, 6, 16, 25


@dataclass(frozen=True)
class Machine:
    """What differs between the two instruction sets."""

    word: int
    pc: int
    sp: int
    number: int  # register of a system call's number
    arguments: tuple[int, ...]
    capabilities: int  # AT_HWCAP: floating point and NEON
    begin: int
    end: int
    calls: dict[int, str]  # by number; the others do not exist


MACHINES = {
    "aarch64": Machine(
        word=8,
        pc=a64.UC_ARM64_REG_PC,
        sp=a64.UC_ARM64_REG_SP,
        number=a64.UC_ARM64_REG_X8,
        arguments=tuple(a64.UC_ARM64_REG_X0 + i for i in range(6)),
        capabilities=0b11,
        begin=0xD5032C9F,
        end=0xD5032CBF,
        calls={64: "write", 66: "writev", 93: "exit", 94: "exit", 96: "one", 215: "nothing"}
        | {222: "mmap", 226: "nothing", 29: "no_terminal"},
    ),
    "arm": Machine(
        word=4,
        pc=a32.UC_ARM_REG_PC,
        sp=a32.UC_ARM_REG_SP,
        number=a32.UC_ARM_REG_R7,
        arguments=tuple(a32.UC_ARM_REG_R0 + i for i in range(6)),
        capabilities=1 << 6 | 1 << 12 | 1 << 13,
        begin=0xE320F064,
        end=0xE320F065,
        calls={4: "write", 146: "writev", 1: "exit", 248: "exit", 256: "one", 91: "nothing"}
        | {192: "mmap", 125: "nothing", 54: "no_terminal", 0xF0005: "set_tls"},
    ),
}


class _Process:
    """A running program. Calls named in Machine.calls are methods `call_NAME` of six arguments."""

    def __init__(self, machine: str, program: Path, arguments: Sequence[str]) -> None:
        self.machine = MACHINES[machine]
        self.uc = _processor(machine)
        self.printed = b""
        self.code: int | None = None  # once it has ended
        self.heap = HEAP
        self.marks: list[int] = []
        self.text: list[tuple[int, bytes]] = []  # executable segments
        self.pc = self._load(program, [str(program), *arguments])
        self.blocks: Counter[tuple[int, int]] = Counter()  # executions by address and size
        self.last = (0, 0)
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._system_call)
        for mark in self.marks:
            self.uc.hook_add(unicorn.UC_HOOK_CODE, self._stop, begin=mark, end=mark)

    def _load(self, path: Path, arguments: Sequence[str]) -> int:
        """Map segments and stack; return the entry point."""
        vector: dict[int, int] = {AT_PAGESZ: PAGE, AT_HWCAP: self.machine.capabilities}
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            pages: set[int] = set()
            for segment in elf.iter_segments("PT_LOAD"):
                address, data = segment["p_vaddr"], segment.data()
                pages.update(range(address // PAGE, (address + segment["p_memsz"]) // PAGE + 1))
                if segment["p_offset"] == 0:
                    vector[AT_PHDR] = address + elf["e_phoff"]
                if segment["p_flags"] & 1:
                    self.text.append((address, data))
            for page in pages:
                self.uc.mem_map(page * PAGE, PAGE)
            for segment in elf.iter_segments("PT_LOAD"):
                self.uc.mem_write(segment["p_vaddr"], segment.data())
            vector |= {AT_PHENT: elf["e_phentsize"], AT_PHNUM: elf["e_phnum"]}
            entry: int = elf["e_entry"]
        for address, data in self.text:
            words = struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
            marks = (self.machine.begin, self.machine.end)
            self.marks += [address + 4 * i for i, word in enumerate(words) if word in marks]
        self._fill_stack(arguments, vector)
        return entry

    def _fill_stack(self, arguments: Sequence[str], vector: dict[int, int]) -> None:
        self.uc.mem_map(STACK - STACK_BYTES, STACK_BYTES)
        strings = [os.fsencode(argument) + b"\0" for argument in arguments]
        random = STACK - 16
        top = random - sum(map(len, strings))
        addresses = [top + sum(map(len, strings[:i])) for i in range(len(strings))]
        self.uc.mem_write(top, b"".join(strings))
        pairs = [word for pair in (vector | {AT_RANDOM: random}).items() for word in pair]
        words = [len(strings), *addresses, 0, 0, *pairs, 0, 0]
        letter = "Q" if self.machine.word == 8 else "I"
        table = struct.pack(f"<{len(words)}{letter}", *words)
        sp = (top - len(table)) // 16 * 16
        self.uc.mem_write(sp, table)
        self.uc.reg_write(self.machine.sp, sp)

    def _stop(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        del size, data
        self.pc = address
        uc.emu_stop()

    def _block(self, uc: unicorn.Uc, address: int, size: int, data: object) -> None:
        del uc, data
        self.last = (address, size)
        self.blocks[self.last] += 1

    def run(self) -> int | None:
        """Go on to the next mark and return its instruction, None at the program's end."""
        self.uc.emu_start(self.pc, 0)
        return None if self.code is not None else self.instruction(self.pc)

    def instruction(self, address: int) -> int:
        """Return an instruction."""
        return int.from_bytes(self.uc.mem_read(address, 4), "little")

    def count(self) -> Region:
        """Count from a begin mark to the next mark, and stop behind it."""
        self.blocks.clear()
        self.pc += 4
        hook = self.uc.hook_add(unicorn.UC_HOOK_BLOCK, self._block)
        self.uc.ctl_flush_tb()  # blocks that were translated before have no hook
        if self.run() != self.machine.end:
            raise CountError("a marked region does not end")
        self.uc.hook_del(hook)
        self.uc.ctl_flush_tb()
        region = Region()
        for (start, size), executions in self.blocks.items():
            for address in range(start, start + size, 4):
                region.add(address, bytes(self.uc.mem_read(address, 4)), executions)
        # The last block was counted whole, but was left at the mark.
        for address in range(self.pc, sum(self.last), 4):
            region.add(address, region.code[address], -1)
        self.pc += 4
        region.executions = {a: n for a, n in region.executions.items() if n}
        region.code = {a: region.code[a] for a in region.executions}
        return region

    def _system_call(self, uc: unicorn.Uc, number: int, data: object) -> None:
        del number, data
        name = self.machine.calls.get(uc.reg_read(self.machine.number))
        arguments = [uc.reg_read(register) for register in self.machine.arguments]
        call: Callable[..., int] = getattr(self, f"call_{name}") if name else lambda *_: ENOSYS
        result = call(*arguments) % (1 << 8 * self.machine.word)
        uc.reg_write(self.machine.arguments[0], result)

    def call_one(self, *_: int) -> int:
        """set_tid_address: the only thread."""
        return 1

    def call_nothing(self, *_: int) -> int:
        """munmap and mprotect: memory stays as it is."""
        return 0

    def call_no_terminal(self, *_: int) -> int:
        """ioctl."""
        return ENOTTY

    def call_mmap(self, _address: int, size: int, *_: int) -> int:
        """Anonymous memory, wherever."""
        address = self.heap
        size = (size + PAGE - 1) // PAGE * PAGE
        self.uc.mem_map(address, size)
        self.heap += size
        return address

    def call_write(self, file: int, address: int, size: int, *_: int) -> int:
        """Output is collected, whatever the file."""
        del file
        self.printed += bytes(self.uc.mem_read(address, size))
        return size

    def call_writev(self, file: int, vector: int, count: int, *_: int) -> int:
        """Several writes."""
        letter = "Q" if self.machine.word == 8 else "I"
        table = self.uc.mem_read(vector, 2 * self.machine.word * count)
        parts = struct.iter_unpack(f"<2{letter}", bytes(table))
        return sum(self.call_write(file, *part) for part in parts)

    def call_set_tls(self, address: int, *_: int) -> int:
        """32-bit ARM: the thread pointer, which user code can only read."""
        self.uc.reg_write(a32.UC_ARM_REG_C13_C0_3, address)
        return 0

    def call_exit(self, code: int, *_: int) -> int:
        """End of the program."""
        self.code = code
        self.uc.emu_stop()
        return 0


def _processor(machine: str) -> unicorn.Uc:
    """Return a cpu with all features, in which user code may use vectors."""
    if machine == "aarch64":
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        uc.ctl_set_cpu_model(a64.UC_CPU_ARM64_MAX)
        uc.reg_write(a64.UC_ARM64_REG_CPACR_EL1, 3 << 20)
    else:
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM)
        uc.ctl_set_cpu_model(a32.UC_CPU_ARM_MAX)
        uc.reg_write(a32.UC_ARM_REG_C1_C0_2, 0xF << 20)
        uc.reg_write(a32.UC_ARM_REG_FPEXC, 1 << 30)
    return uc


def count(machine: str, program: Path, arguments: Sequence[str]) -> tuple[str, list[Region]]:
    """Run a static program of "aarch64" or "arm"; return what it printed and its regions in order."""
    process = _Process(machine, program, arguments)
    regions = []
    try:
        while process.run() is not None:
            regions.append(process.count())
    except unicorn.UcError as error:
        raise CountError(f"{program.name} in unicorn: {error} near {process.pc:#x}") from error
    printed = process.printed.decode()
    if process.code:
        raise CountError(f"{program.name} failed: {printed.strip()}")
    return printed, regions
