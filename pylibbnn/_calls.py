# SPDX-License-Identifier: BSD-3-Clause
"""A plan's steps as calls of functions with constant states: what libbnn/export/calls.h binds, read field by field.

States hold numbers, structs and pointers. What the pointers mean is told apart by where they point, and how much there is, by
what the library says it took: so they can be written down for a machine with other sizes and addresses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pylibbnn._bnn import ffi, lib
from pylibbnn._lib import Bytes, NativeModel, aligned

_SIZE_BITS = 8 * ffi.sizeof("size_t")


class CallError(Exception):
    """A step that is no call: `op` is its number."""

    def __init__(self, op: int, text: str) -> None:
        super().__init__(text)
        self.op = op


@dataclass(frozen=True)
class Place:
    """A pointer to the model's bytes, to the arena (activations, then scratch), to the table of kernels or to the team."""

    region: str
    offset: int = 0


@dataclass(frozen=True)
class Table:
    """A pointer to prepared values of a C type."""

    type: str
    values: list[Any]


@dataclass(frozen=True)
class Record:
    """A struct: its fields in their order, each an int, float, list, Record, Place, Table, or None for NULL."""

    type: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Call:
    """bnn_<run>_run(state, arena + activations + shared) executes an op; what is before belongs to it, too, as the team's."""

    op: int
    run: str
    state: Record
    shared: int


@dataclass(frozen=True)
class Calls:
    """All calls in order, names of the kernels that they call, bytes of activations and behind them of scratch."""

    calls: list[Call]
    kernels: list[str]
    activations: int
    scratch: int


def read(model: NativeModel, direct: bool) -> Calls:
    """Bind all ops, execute them once, on zeros, to see what they call. Raises CallError.

    `direct`: float layers by their definition, without panels (BNN_CONFIG_SMALL).
    """
    activations = aligned(int(model.raw.activation_bytes))
    activations[:] = 0
    called = ffi.new("uint8_t[]", len(list(_slots())))
    calls = []
    most = 0
    for op in range(int(model.raw.op_count)):
        bound, memory = _bind(model, op, direct, activations)
        shared, size = int(bound.shared), int(bound.shared + bound.own)
        most = max(most, size)
        scratch = aligned(size)
        lib.bnn_trace_call(bound, ffi.from_buffer(scratch), called)
        reader = _Reader(op, bound, {"model": model.bytes, "arena": activations}, memory)
        name = bytes(ffi.string(bound.run)).decode("ascii")
        calls.append(Call(op, name, reader.state(), shared))
    kernels = [name for name, seen in zip(_slots(), called, strict=True) if seen]
    return Calls(calls, kernels, activations.size, most)


def _slots() -> Iterator[str]:
    slot = 0
    while (name := lib.bnn_slot_name(slot)) != ffi.NULL:
        yield bytes(ffi.string(name)).decode("ascii")
        slot += 1


def _bind(model: NativeModel, op: int, direct: bool, activations: Bytes) -> tuple[Any, Bytes]:
    """Count an op's memory, then fill it."""
    bound = ffi.new("bnn_bound_call *")
    memory = aligned(0)
    for passed in range(2):
        given = ffi.from_buffer(memory) if passed else ffi.NULL
        status = lib.bnn_bind_call(
            bound, model.raw, op, direct, given, ffi.from_buffer(activations)
        )
        if status != lib.BNN_OK:
            raise CallError(op, "it has no name in libbnn/src/ops/runs.def, or too many tables")
        memory = memory if passed else aligned(int(bound.bytes))
    return bound, memory


class _Reader:
    """Reads one bound call."""

    def __init__(self, op: int, bound: Any, regions: dict[str, Bytes], memory: Bytes) -> None:
        self.op = op
        self.bound = bound
        self.regions = {name: (r.ctypes.data, r.size) for name, r in regions.items()}
        self.base = memory.ctypes.data
        self.tables = {
            int(table.at): int(table.bytes) for table in bound.tables[0 : bound.table_count]
        }
        self.known = {
            _address(lib.bnn_call_kernels()): Place("kernels"),
            _address(lib.bnn_call_team()): Place("team"),
        }

    def state(self) -> Record:
        kind = ffi.typeof(bytes(ffi.string(self.bound.type)).decode("ascii"))
        record = self._value(kind, ffi.cast(ffi.getctype(kind, "*"), self.bound.state)[0])
        assert isinstance(record, Record)
        return record

    def _value(self, kind: Any, value: Any) -> Any:
        if kind.kind == "struct":
            fields = {n: self._value(f.type, getattr(value, n)) for n, f in kind.fields}
            return Record(kind.cname, fields)
        if kind.kind == "array":
            return [self._value(kind.item, value[i]) for i in range(kind.length)]
        if kind.kind == "pointer":
            return self._pointer(kind.item, value)
        if kind.cname == "size_t" and int(value) >> (_SIZE_BITS - 1):
            return (
                int(value) - 2**_SIZE_BITS + 2**64
            )  # below 0, whatever the pointers of this machine
        return float(value) if kind.cname == "float" else int(value)

    def _pointer(self, kind: Any, value: Any) -> Place | Table | None:
        address = _address(value)
        if address == 0 or address in self.known:
            return self.known.get(address)
        for name, (start, size) in self.regions.items():
            if 0 <= address - start < size:
                return Place(name, address - start)
        if address - self.base not in self.tables:
            raise CallError(self.op, f"a {kind.cname} * points to the middle of a table")
        if kind.kind == "void":
            kind = ffi.typeof("uint8_t")
        count = self.tables[address - self.base] // ffi.sizeof(kind)
        rows = ffi.cast(ffi.getctype(kind, "*"), value)
        return Table(kind.cname, [self._value(kind, rows[i]) for i in range(count)])


def _address(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))
