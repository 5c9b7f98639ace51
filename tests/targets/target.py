# SPDX-License-Identifier: BSD-3-Clause
"""What a test body sees: put data into a machine's memory, call its kernels, run its models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from targets.memory import Buffer, Memory
from targets.probe import Op, Probe, TargetError

Array = npt.NDArray[Any]

MODEL_ALIGNMENT = 64  # BNN_ALIGNMENT
# bnn_type of model inputs and outputs
_TYPES = {1: np.float32, 2: np.int32, 3: np.int8, 4: np.uint8}
_FIELDS = {
    "i32": np.int32, "u32": np.uint32, "i64": np.int64, "u64": np.uint64, "f32": np.float32,
    "u8": np.uint8, "i8": np.int8, "u16": np.uint16, "i16": np.int16,
}  # fmt: skip


class DabError(Exception):
    """The library refused a model: status is the bnn_status, place and index say where, the text says why."""

    def __init__(self, status: int, text: str) -> None:
        place, index, what = [*text.split(" ", 2), "", "", ""][:3]
        super().__init__(f"status {status}, place {place}, index {index}: {what}")
        self.status = status
        self.place = int(place or 0)
        self.index = int(index or 0)
        self.what = what


@dataclass
class Machine:
    """A build of the library on one cpu: everything about it that outlives a test."""

    name: str  # the target, e.g. "aarch64"
    cpu: str
    probe: Probe
    pointer_bytes: int = 0
    isas: dict[str, bool] = field(default_factory=dict)  # name: whether this cpu can run it
    choices: list[str] = field(default_factory=list)  # those it can run, its own choice last
    kernels: list[tuple[str, str]] = field(default_factory=list)  # (slot, isa) by row

    @property
    def id(self) -> str:
        """Name and cpu, as in test ids: "aarch64.cortex-a53"; just the name for this machine."""
        return self.name if self.cpu == self.name else f"{self.name}.{self.cpu.partition(',')[0]}"

    def connect(self) -> None:
        """Start the program and read what it offers."""
        for line in self.probe.hello().splitlines():
            kind, name, *rest = line.split(" ")
            if kind == "pointer":
                self.pointer_bytes = int(name)
            elif kind == "isa":
                self.isas[name] = rest == ["1"]
            elif kind == "choice":
                self.choices.append(name)
            elif kind == "kernel":
                self.kernels.append((name, rest[0]))


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    nbytes: int


class Target:
    """A machine for the length of one test."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.name = machine.name
        self.cpu = machine.cpu
        self.pointer_bytes = machine.pointer_bytes
        self.isas = [name for name, runs in machine.isas.items() if runs]
        self._probe = machine.probe
        self._memory: Memory = machine.probe.memory
        self._memory.reset()

    def put(
        self, data: Array | bytes, *, at: str = "end", misalign: int = 0, align: int = 0
    ) -> Buffer:
        """Copy data into the target's memory, next to an inaccessible page, and return the buffer.

        at: "end": the buffer's last byte is the last accessible one, so that reads and writes beyond it fail; "start": its
        first byte is the first one. align: alignment of the start in bytes, default that of the elements; where the size
        is not a multiple of it, less than `align` bytes stay between end and page. misalign: bytes by which the start
        then misses that alignment. Bytes between buffer and page are watched: a kernel call that changes them fails.
        """
        array = (
            np.frombuffer(data, np.uint8) if isinstance(data, bytes) else np.ascontiguousarray(data)
        )
        buffer = self.empty(array.shape, array.dtype, at=at, misalign=misalign, align=align)
        buffer.array[...] = array
        return buffer

    def empty(
        self,
        shape: int | tuple[int, ...],
        dtype: npt.DTypeLike = np.uint8,
        *,
        at: str = "end",
        misalign: int = 0,
        align: int = 0,
    ) -> Buffer:
        """Return a buffer full of junk bytes (0xCD), placed as `put` does."""
        kind: np.dtype[Any] = np.dtype(dtype)
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return self._memory.place(shape, kind, at, misalign, align or max(kind.alignment, 1))

    def get(self, buffer: Buffer) -> Array:
        """Return a copy of what a buffer holds now."""
        return np.array(buffer.array)

    def address(self, value: int | Buffer | None) -> int:
        """Return a buffer's address on the target; integers stay, None is NULL."""
        if isinstance(value, Buffer):
            return self._probe.base + value.offset
        return 0 if value is None else int(value)

    def struct(self, *fields: tuple[str, Any]) -> Buffer:
        """Put a C struct into memory. Each field is (kind, value), in order, laid out as C does on the target.

        kind: "ptr" (value: Buffer, None or an address), "size" (size_t), "i8" "u8" "i16" "u16" "i32" "u32" "i64" "u64"
        "f32". A sequence as value makes an array field.
        """
        word = np.uint64 if self.pointer_bytes == 8 else np.uint32
        names, kinds, values = [], [], []
        for number, (kind, value) in enumerate(fields):
            base = word if kind in ("ptr", "size") else _FIELDS[kind]
            plain = isinstance(value, (int, float, Buffer, np.generic)) or value is None
            items = [self.address(v) if kind == "ptr" else v for v in ([value] if plain else value)]
            names.append(f"f{number}")
            kinds.append(base if plain else (base, (len(items),)))
            values.append(items[0] if plain else items)
        record = np.zeros((), np.dtype(list(zip(names, kinds, strict=True)), align=True))
        for name, value in zip(names, values, strict=True):
            record[name] = value
        return self.put(np.frombuffer(record.tobytes(), np.uint8), align=8)

    def kernel(self, slot: str, isa: str) -> Kernel:
        """Return a kernel of this machine by slot and instruction set."""
        rows = self.machine.kernels
        if (slot, isa) not in rows:
            raise KeyError(f"{self.machine.id} has no {isa} kernel of slot {slot}")
        return Kernel(self, slot, isa, rows.index((slot, isa)))

    def call(self, row: int, args: Sequence[int | Buffer | None]) -> None:
        """Call a kernel by its row; Kernel is the usual way."""
        self._probe.request(Op.CALL, row, [self.address(arg) for arg in args])
        self.check_margins()

    def check_margins(self) -> None:
        """Raise TargetError if something was written next to a buffer."""
        for number, buffer in enumerate(self._memory.buffers):
            damage = buffer.overrun()
            if damage:
                raise TargetError(
                    f"{damage} of buffer {number} ({buffer.array.dtype} {buffer.array.shape})"
                )

    def load(
        self, dab: bytes, isa: str | None = None, workers: int = 0, step: int | None = None
    ) -> Model:
        """Check and plan a model, or raise DabError.

        isa: the best instruction set to use; None: what the cpu has. workers: steps are done in parts, backwards, each part by
        another of so many workers than the one before; 0: as a whole. step: the one that instruction counters see.
        """
        return Model(self, self._probe, self._memory, dab, isa, workers, step)

    def run(
        self, dab: bytes, inputs: Sequence[Array], isa: str | None = None, workers: int = 0
    ) -> list[Array]:
        """Load a model, run it once and return its outputs; `load` for more than one run."""
        return self.load(dab, isa, workers).run(inputs)


@dataclass(frozen=True)
class Kernel:
    """A kernel of a target. Calling it passes integers and addresses of buffers; it returns nothing, as kernels do."""

    target: Target
    slot: str
    isa: str
    row: int

    def __call__(self, *args: int | Buffer | None) -> None:
        """Call the kernel; a bad access, wherever it happens, raises TargetError."""
        self.target.call(self.row, args)


class Model:
    """A planned model on a target: model bytes and arena lie between inaccessible pages."""

    def __init__(
        self,
        target: Target,
        probe: Probe,
        memory: Memory,
        dab: bytes,
        isa: str | None,
        workers: int,
        step: int | None,
    ) -> None:
        self._target = target
        self._probe = probe
        self._memory = memory
        name = None if isa is None else target.put(isa.encode() + b"\0")
        model = target.put(dab, align=MODEL_ALIGNMENT)
        self.arena_bytes = self._ask(Op.OPEN, model, len(dab), name, workers)
        tensors = memory.text().splitlines()
        self.inputs = [_tensor(line) for line in tensors if line.startswith("input ")]
        self.outputs = [_tensor(line) for line in tensors if line.startswith("output ")]
        self._arena = target.empty(self.arena_bytes, align=MODEL_ALIGNMENT)
        marked = 0 if step is None else step + 1
        self._ask(Op.PLAN, self._arena, self.arena_bytes, name, workers, marked)

    def plan_again(self, shift: int = 0, missing: int = 0) -> None:
        """Plan in the arena there is, with what the cpu chooses, or raise DabError.

        `shift` bytes at its begin and `missing` at its end are kept from the library.
        """
        start = self._target.address(self._arena) + shift
        self._ask(Op.PLAN, start, self.arena_bytes - shift - missing, None)

    def verify(self) -> None:
        """Compare the model's checksum, or raise DabError."""
        self._ask(Op.VERIFY)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run once; inputs and outputs are in the model's order, shapes and types."""
        if len(inputs) != len(self.inputs):
            raise ValueError(f"{len(inputs)} inputs given, the model has {len(self.inputs)}")
        for index, (tensor, array) in enumerate(zip(self.inputs, inputs, strict=True)):
            self._view(Op.INPUT, index, tensor)[...] = np.asarray(array, tensor.dtype).reshape(
                tensor.shape
            )
        self._ask(Op.RUN)
        self._target.check_margins()
        return [
            self._view(Op.OUTPUT, index, tensor).copy() for index, tensor in enumerate(self.outputs)
        ]

    def tensor(self, index: int, nbytes: int) -> Array:
        """Return a copy of the memory of a tensor of the file's table after a run, as bytes."""
        _, address = self._probe.request(Op.TENSOR, index)
        return np.array(self._memory.view(address - self._probe.base, nbytes))

    def _view(self, op: Op, index: int, tensor: _Tensor) -> Array:
        _, address = self._probe.request(op, index)
        data = self._memory.view(address - self._probe.base, tensor.nbytes)
        return data.view(tensor.dtype).reshape(tensor.shape)

    def _ask(self, op: Op, *args: int | Buffer | None) -> int:
        status, value = self._probe.request(op, 0, [self._target.address(arg) for arg in args])
        if status:
            raise DabError(status, self._memory.text())
        return value


def _tensor(line: str) -> _Tensor:
    _, kind, nbytes, dims, name = line.split(" ", 4)
    shape = tuple(int(dim) for dim in dims.split(",") if dim)
    return _Tensor(name, shape, np.dtype(_TYPES[int(kind)]), int(nbytes))
