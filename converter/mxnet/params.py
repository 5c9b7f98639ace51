# SPDX-License-Identifier: BSD-3-Clause
"""Reader of MXNet's `.params` files: named arrays, little-endian, of all versions of the format.

file     u64 0x112, u64 0, u64 count, count arrays, u64 count of names, names (u64 length, bytes: "arg:x", "aux:x" or "x")
array    u32 0xF993FAC9 (0xF993FACA): i32 storage type, 0 = dense; u32 axes, i64 sizes
         u32 0xF993FAC8: u32 axes, i64 sizes;     else the u32 is the number of axes itself, u32 sizes
         no axes: nothing follows;                else i32 device type, i32 device number, i32 type, data
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from converter.errors import ConversionError
from converter.graph import Array

MAGIC = 0x112
V1, V2, V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
MAX_AXES = 32
TYPES = ("f4", "f8", "f2", "u1", "i4", "i1", "i8", "?")


def read_params(path: Path) -> dict[str, Array]:
    """Arrays by name, without the prefixes `arg:` and `aux:`. Raises ConversionError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return _Reader(data).file()
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from None


class _Reader:
    """A position in the bytes; every read is checked against their end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def file(self) -> dict[str, Array]:
        if len(self.data) < 24 or self.integers("QQ") != (MAGIC, 0):
            raise ConversionError("is not a file of MXNet parameters")
        (count,) = self.integers("Q")
        arrays: list[Array] = []
        while len(arrays) < count:  # a wrong count ends at the end of the file
            arrays.append(self.array(f"array {len(arrays)}"))
        (named,) = self.integers("Q")
        if named != count:
            raise ConversionError(f"holds {count} arrays but {named} names")
        names = [self.name() for _ in range(count)]
        if self.at != len(self.data):
            raise ConversionError(f"has {len(self.data) - self.at} bytes behind its end")
        found: dict[str, Array] = {}
        for name, array in zip(names, arrays, strict=True):
            if name in found:
                raise ConversionError(f"holds two arrays of the name '{name}'")
            found[name] = array
        return found

    def array(self, what: str) -> Array:
        (word,) = self.integers("I")
        if word in (V1, V2, V3):
            if word != V1 and self.integers("i") != (0,):
                raise ConversionError(f"{what} is sparse; save it as a dense array")
            (axes,), kind = self.integers("I"), "q"
        else:
            axes, kind = word, "I"
        if axes == 0:
            return np.zeros(0, np.float32)
        if axes > MAX_AXES:
            raise ConversionError(f"{what} has {axes} axes; the file is damaged")
        shape = self.integers(f"{axes}{kind}")
        _, _, code = self.integers("iii")
        if min(shape) < 1 or not 0 <= code < len(TYPES):
            raise ConversionError(
                f"{what} has sizes {list(shape)} and type {code}, which cannot be"
            )
        dtype = np.dtype(TYPES[code]).newbyteorder("<")
        data = self.take(math.prod(shape) * dtype.itemsize, f"{what} of shape {list(shape)}")
        return np.frombuffer(data, dtype).reshape(shape)

    def name(self) -> str:
        (length,) = self.integers("Q")
        try:
            name = self.take(length, "a name").decode()
        except UnicodeDecodeError:
            raise ConversionError("has a name that is not UTF-8; the file is damaged") from None
        return name.removeprefix("arg:").removeprefix("aux:")

    def integers(self, form: str) -> tuple[int, ...]:
        form = f"<{form}"
        return struct.unpack(form, self.take(struct.calcsize(form), "a number"))

    def take(self, size: int, what: str) -> bytes:
        left = len(self.data) - self.at
        if size > left:
            raise ConversionError(f"ends within {what}: {size} bytes are needed, {left} are left")
        self.at += size
        return self.data[self.at - size : self.at]
