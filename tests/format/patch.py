# SPDX-License-Identifier: BSD-3-Clause
"""Changing single fields of a .dab file, by the offsets of docs/dab-format.md (and not by the writer's)."""

from __future__ import annotations

import struct
import zlib

HEADER = {
    "magic": 0, "major": 8, "minor": 10, "file_size": 12, "crc32": 16, "tensor_count": 20, "op_count": 24,
    "operand_count": 28, "attribute_count": 32, "input_count": 36, "output_count": 40, "string_size": 44,
    "metadata": 48, "activation_bytes": 52, "reserved": 56,
}  # fmt: skip
TENSOR = {
    "name": (0, "I"), "type": (4, "B"), "constant": (5, "B"), "rank": (6, "B"), "reserved0": (7, "B"),
    **{f"dims{i}": (8 + 4 * i, "I") for i in range(6)},
    "offset": (32, "I"), "bytes": (36, "I"), "first": (40, "H"), "last": (42, "H"), "reserved1": (44, "I"),
}  # fmt: skip
OP = {
    "kind": (0, "H"), "inputs": (2, "B"), "outputs": (3, "B"), "operand": (4, "I"), "attribute": (8, "I"),
    "attributes": (12, "I"), "name": (16, "I"), "reserved": (20, "I"),
}  # fmt: skip


class File:
    """Bytes of a file and where its tables are."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.tensors = 64
        self.ops = self.tensors + 48 * self.header("tensor_count")
        self.operands = self.ops + 24 * self.header("op_count")
        self.attributes = self.operands + 4 * self.header("operand_count")
        self.io = self.attributes + 4 * self.header("attribute_count")
        self.strings = self.io + 4 * (self.header("input_count") + self.header("output_count"))
        self.end = self.strings + self.header("string_size")

    def sealed(self) -> bytes:
        """The file with the right checksum."""
        self.data[16:20] = bytes(4)
        self.data[16:20] = struct.pack("<I", zlib.crc32(self.data[: self.header("file_size")]))
        return bytes(self.data)

    def _get(self, at: int, form: str) -> int:
        return int(struct.unpack_from("<" + form, self.data, at)[0])

    def _set(self, at: int, form: str, value: int) -> None:
        struct.pack_into("<" + form, self.data, at, value)

    def header(self, field: str, value: int | None = None) -> int:
        """A header field; with `value` it is set first."""
        form = (
            "H" if field in ("major", "minor") else "B" if field in ("magic", "reserved") else "I"
        )
        if value is not None:
            self._set(HEADER[field], form, value)
        return self._get(HEADER[field], form)

    def tensor(self, row: int, field: str, value: int | None = None) -> int:
        """A field of a tensor."""
        at, form = TENSOR[field]
        if value is not None:
            self._set(self.tensors + 48 * row + at, form, value)
        return self._get(self.tensors + 48 * row + at, form)

    def op(self, row: int, field: str, value: int | None = None) -> int:
        """A field of an op."""
        at, form = OP[field]
        if value is not None:
            self._set(self.ops + 24 * row + at, form, value)
        return self._get(self.ops + 24 * row + at, form)

    def operand(self, op: int, number: int, value: int | None = None) -> int:
        """A tensor index among an op's operands."""
        at = self.operands + 4 * (self.op(op, "operand") + number)
        if value is not None:
            self._set(at, "I", value)
        return self._get(at, "I")

    def word(self, op: int, number: int, value: int | None = None) -> int:
        """An attribute word of an op, signed."""
        at = self.attributes + 4 * (self.op(op, "attribute") + number)
        if value is not None:
            self._set(at, "i", value)
        return self._get(at, "i")

    def steps(self, op: int, *codes: int) -> None:
        """The first bytes of an op's step program."""
        words = self.op(op, "attribute") + self.op(op, "attributes") - 4
        at = self.attributes + 4 * words
        self.data[at : at + len(codes)] = bytes(codes)

    def listed(self, number: int, value: int | None = None) -> int:
        """An entry of the input/output table."""
        if value is not None:
            self._set(self.io + 4 * number, "I", value)
        return self._get(self.io + 4 * number, "I")

    def poke(self, tensor: int, byte: int, *values: int) -> None:
        """Bytes of a constant's data."""
        at = self.tensor(tensor, "offset") + byte
        self.data[at : at + len(values)] = bytes(values)
