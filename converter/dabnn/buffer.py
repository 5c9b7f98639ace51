# SPDX-License-Identifier: BSD-3-Clause
"""Checked reading of FlatBuffers that strangers wrote: the `flatbuffers` package decodes, this file checks first.

The package has no verifier: wrong offsets would read elsewhere in the file. Here every offset, length and size is compared
with the file's before it is followed, and what is read altogether is bounded by the file's size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from converter.errors import ConversionError
from converter.graph import Array

#: More tables or texts in one list than this are an attack, not a network.
MAX_PARTS = 65536


class Buffer:
    """The bytes of a file, and how many of them may still be read (parts that overlap are read more than once)."""

    def __init__(self, data: bytes) -> None:
        try:
            from flatbuffers import number_types, table
        except ImportError:
            raise ConversionError(
                "is a daBNN model, which needs the package flatbuffers; install it with: "
                "pip install flatbuffers"
            ) from None
        self.data = data
        self.left = 2 * len(data)
        self.types, self.table = number_types, table

    def check(self, at: int, size: int, what: str) -> None:
        """Refuse a part that is not in the file."""
        if at < 0 or at + size > len(self.data):
            raise ConversionError(f"{what} lies outside the file, which is damaged or truncated")

    def spend(self, size: int) -> None:
        """Refuse files whose parts lie on one another."""
        self.left -= size
        if self.left < 0:
            raise ConversionError("its parts overlap; the file is damaged")

    def u16(self, at: int) -> int:
        """Two bytes; the caller has checked that they are there."""
        return int.from_bytes(self.data[at : at + 2], "little")

    def u32(self, at: int) -> int:
        """Four bytes; the caller has checked that they are there."""
        return int.from_bytes(self.data[at : at + 4], "little")

    def root(self, what: str) -> Record:
        """The table that the file starts with."""
        self.check(0, 4, what)
        return Record(self, self.u32(0), what)


class Record:
    """A table; fields are named by their number in the schema. Messages call it `what`."""

    def __init__(self, buffer: Buffer, at: int, what: str) -> None:
        self.buffer, self.at, self.what = buffer, at, what
        buffer.check(at, 4, what)
        vtable = at - int.from_bytes(buffer.data[at : at + 4], "little", signed=True)
        buffer.check(vtable, 4, f"the layout of {what}")
        self.size = buffer.u16(vtable + 2)
        length = buffer.u16(vtable)
        if length < 4 or length % 2 or self.size < 4:
            raise ConversionError(f"the layout of {what} is damaged")
        buffer.check(vtable, length, f"the layout of {what}")
        buffer.check(at, self.size, what)
        buffer.spend(self.size)
        self.table: Any = buffer.table.Table(buffer.data, at)

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """A number of one of the package's types ("Int8", "Uint32", "Bool"...)."""
        flags = getattr(self.buffer.types, f"{kind}Flags")
        offset = self._field(field, flags.bytewidth)
        return int(self.table.Get(flags, self.at + offset)) if offset else default

    def text(self, field: int) -> str:
        """A text; empty where it is missing."""
        offset = self._field(field, 4)
        return self._text(self.at + offset) if offset else ""

    def texts(self, field: int) -> list[str]:
        """A list of texts."""
        return [self._text(at) for at in self._entries(field)]

    def record(self, field: int, what: str) -> Record:
        """A table within."""
        offset = self._field(field, 4)
        if not offset:
            raise ConversionError(f"{what} is missing in {self.what}")
        at = self.at + offset
        return Record(self.buffer, at + self.buffer.u32(at), what)

    def records(self, field: int, what: str) -> list[Record]:
        """A list of tables; messages number them."""
        entries = self._entries(field)
        return [
            Record(self.buffer, at + self.buffer.u32(at), f"{what} {number}")
            for number, at in enumerate(entries)
        ]

    def array(self, field: int, kind: str) -> Array:
        """A list of numbers; empty where it is missing."""
        flags = getattr(self.buffer.types, f"{kind}Flags")
        offset, count = self._list(field, flags.bytewidth)
        if not count:
            return np.zeros(0, flags.py_type)
        return np.asarray(self.table.GetVectorAsNumpy(flags, offset))

    # -- checks ----------------------------------------------------------------------------------
    def _field(self, field: int, width: int) -> int:
        """Where a field lies in the table; 0 where it is missing."""
        offset = int(self.table.Offset(4 + 2 * field))
        if offset and not 4 <= offset <= self.size - width:
            raise ConversionError(f"the layout of {self.what} is damaged")
        return offset

    def _list(self, field: int, width: int) -> tuple[int, int]:
        """Where the reference to a list lies in the table, and how many elements it has."""
        offset = self._field(field, 4)
        if not offset:
            return 0, 0
        at = self.at + offset
        start = at + self.buffer.u32(at)
        self.buffer.check(start, 4, f"a list in {self.what}")
        count = self.buffer.u32(start)
        self.buffer.check(start + 4, count * width, f"a list of {count} in {self.what}")
        self.buffer.spend(count * width)
        return offset, count

    def _entries(self, field: int) -> list[int]:
        """Where the references in a list of tables or texts lie; each is checked to be in the file."""
        offset, count = self._list(field, 4)
        if count > MAX_PARTS:
            raise ConversionError(f"{self.what} lists {count} parts; the limit is {MAX_PARTS}")
        start = int(self.table.Vector(offset)) if count else 0
        return [start + 4 * i for i in range(count)]

    def _text(self, at: int) -> str:
        start = at + self.buffer.u32(at)
        self.buffer.check(start, 4, f"a text in {self.what}")
        self.buffer.check(start + 4, self.buffer.u32(start), f"a text in {self.what}")
        self.buffer.spend(4 + self.buffer.u32(start))
        try:
            return bytes(self.table.String(at)).decode()
        except UnicodeDecodeError:
            raise ConversionError(f"a text in {self.what} is not UTF-8") from None
