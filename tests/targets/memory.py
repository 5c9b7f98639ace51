# SPDX-License-Identifier: BSD-3-Clause
"""Memory shared between the tester and the programs under test: regions that lie between inaccessible pages."""

from __future__ import annotations

import atexit
import mmap
import os
import sys
import tempfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ci.qemu.targets import Board

GUARD = 65536  # bytes between regions; a multiple of every page size in use
TEXT = 65536  # bytes at the start that receive the probe's text answers
REGIONS = ((65536, 48), (1 << 20, 16), (16 << 20, 4), (64 << 20, 2))  # (bytes, how many)
BOARD_REGIONS = ((65536, 24), (1 << 17, 7), (4 << 20, 1), (6 << 20, 1))  # of 16 MiB
CANARY = 256  # bytes watched on each side of a buffer, where the region is larger
CANARY_BYTE = 0xA5
JUNK_BYTE = 0xCD  # what an empty buffer holds

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Buffer:
    """Some bytes in shared memory.

    offset: from the start of the memory. array: a view of the bytes with the buffer's shape and type; writing to it writes
    to the target's memory. margins: watched bytes before and behind.
    """

    offset: int
    array: npt.NDArray[np.generic]
    margins: tuple[Bytes, Bytes]

    def overrun(self) -> str:
        """Return how the margins were damaged, or an empty text."""
        before, behind = (np.flatnonzero(margin != CANARY_BYTE) for margin in self.margins)
        if behind.size:
            return f"wrote up to {behind[-1] + 1} bytes behind the end"
        if before.size:
            return f"wrote up to {len(self.margins[0]) - before[0]} bytes before the start"
        return ""


class Memory:
    """A sparse shared file, cut into regions of a few sizes; all buffers are given back at once by `reset`.

    board: the file is all the memory of a firmware board.
    """

    def __init__(self, board: Board | None = None) -> None:
        self.regions: list[tuple[int, int]] = []  # (offset, bytes), smallest first
        # self.guards: (offset, bytes) of what a target must not touch: all that lies around the regions
        offset = TEXT + GUARD
        for size, count in BOARD_REGIONS if board else REGIONS:
            for _ in range(count):
                self.regions.append((offset, size))
                offset += size + GUARD
        self._file, self.path = _new_file()
        os.truncate(self._file, board.ram if board else offset)
        self._bytes = np.frombuffer(mmap.mmap(self._file, offset), np.uint8)
        self._free = list(self.regions)
        self.buffers: list[Buffer] = []
        guarded = self.regions
        if board:  # whose core can protect the surroundings of the smallest regions at most
            guarded = self.regions[: BOARD_REGIONS[0][1] if board.guards else 0]
        self.guards = [(offset - GUARD, GUARD) for offset, _ in guarded]
        self.guards += [(sum(guarded[-1]), GUARD)] if guarded else []

    def reset(self) -> None:
        """Give all buffers back."""
        self._free = list(self.regions)
        self.buffers = []

    def text(self) -> str:
        """Return the probe's last text answer."""
        head = self._bytes[:TEXT].tobytes()
        return head[: head.index(0)].decode("utf-8", "replace")

    def clear_text(self) -> None:
        """Forget the last text answer."""
        self._bytes[0] = 0

    def view(self, offset: int, nbytes: int) -> Bytes:
        """Return a view of some bytes."""
        return self._bytes[offset : offset + nbytes]

    def place(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[np.generic],
        at: str,
        misalign: int,
        align: int,
    ) -> Buffer:
        """Return a buffer of junk; Target.put describes the arguments."""
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        base, size = self._take(nbytes + misalign + align)
        if at == "end":
            start = base + (size - nbytes) // align * align - misalign
        elif at == "start":
            start = base + misalign
        else:
            raise ValueError(f"at={at!r}: 'end' or 'start'")
        end = start + nbytes
        before = self._bytes[max(base, start - CANARY) : start]
        behind = self._bytes[end : min(base + size, end + CANARY)]
        before[:] = behind[:] = CANARY_BYTE
        body = self._bytes[start:end]
        body[:] = JUNK_BYTE
        buffer = Buffer(start, body.view(dtype).reshape(shape), (before, behind))
        self.buffers.append(buffer)
        return buffer

    def describe(self, offset: int) -> str:
        """Say in words where an offset lies, for reports of bad accesses."""
        if not self.buffers:
            return "outside all buffers"
        near = min(
            self.buffers, key=lambda b: max(b.offset - offset, offset - b.offset - b.array.nbytes)
        )
        number = self.buffers.index(near)
        name = f"buffer {number} ({near.array.dtype} {near.array.shape})"
        if offset >= near.offset + near.array.nbytes:
            return f"{offset - near.offset - near.array.nbytes} bytes behind the end of {name}"
        return f"{offset - near.offset:+d} bytes from the start of {name}"

    def _take(self, nbytes: int) -> tuple[int, int]:
        for index, (_, size) in enumerate(self._free):
            if size >= nbytes:
                return self._free.pop(index)
        raise MemoryError(
            f"no free region for {nbytes} bytes; tests/targets/memory.py lists REGIONS"
        )


def _new_file() -> tuple[int, str]:
    """Return descriptor and path of a new file: where possible one in memory that ends with this process."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("libbnn-tests")
        return descriptor, f"/proc/{os.getpid()}/fd/{descriptor}"
    descriptor, path = tempfile.mkstemp(prefix="libbnn-")
    atexit.register(os.unlink, path)
    return descriptor, path
