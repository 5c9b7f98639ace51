# SPDX-License-Identifier: BSD-3-Clause
"""What a kernel call gets and what it must leave, for all machines and the instruction checks.

A `Case` is a slot and its arguments: integers, buffers, and structs by pointer, whose fields are
integers and buffers again. Every buffer knows its whole contents after the call, so a byte written
where nothing should be is an error too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


@dataclass(eq=False)
class Buffer:
    """Memory that a kernel may touch.

    before: contents at the call. after: what it must hold then (default: the same). align: of its
    address, in bytes. tolerance: allowed absolute error of each element (floats only); 0 asks for
    equal bits, where any NaN equals any.
    """

    before: Array
    after: Array | None = None
    align: int = 4
    tolerance: Array | float = 0.0

    def mismatch(self, got: bytes) -> str:
        """Describe the first element that `got` has wrong; empty if there is none."""
        want = self.before if self.after is None else self.after
        have = np.frombuffer(got, self.before.dtype).reshape(want.shape)
        bad = self._differs(have, want)
        if not bad.any():
            return ""
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        first = f"first at {where}: {have[where]!r}, not {want[where]!r}"
        return f"{int(bad.sum())} of {bad.size} wrong, {first}"

    def _differs(self, have: Array, want: Array) -> Array:
        bits = np.dtype(f"u{have.dtype.itemsize}")
        differs: Array = have.view(bits) != want.view(bits)
        if have.dtype.kind == "f":
            differs &= ~(np.isnan(have) & np.isnan(want))
            tolerance = np.asarray(self.tolerance)
            with np.errstate(invalid="ignore", over="ignore"):
                error = np.abs(have.astype(np.float64) - want.astype(np.float64))
                differs &= (tolerance == 0) | ~(error <= tolerance)
        return differs


Field: TypeAlias = "int | Buffer"


@dataclass(eq=False)
class Struct:
    """A parameter struct: every field is one pointer or size_t, in the order of kernels.h."""

    fields: dict[str, Field]


Argument: TypeAlias = "int | Buffer | Struct"


@dataclass(eq=False)
class Case:
    """One call of a slot. arguments: by the names of kernels.def, in its order.

    denormals: the case needs them, which vector units of 32-bit ARM flush to zero.
    """

    slot: str
    arguments: dict[str, Argument]
    denormals: bool = False

    def buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Every buffer with its path: `out`, `p.rows`; one that is two arguments comes twice."""
        for name, argument in self.arguments.items():
            if isinstance(argument, Buffer):
                yield name, argument
            elif isinstance(argument, Struct):
                for field, value in argument.fields.items():
                    if isinstance(value, Buffer):
                        yield f"{name}.{field}", value


def rng(*key: object) -> np.random.Generator:
    """Random numbers that depend on `key` only: a test's id is all it takes to repeat it."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def in_rows(values: Array, step: int, junk: np.random.Generator) -> Array:
    """Lay out [rows, n] values with `step` bytes from row to row and junk in the gaps.

    The array ends with the last value.
    """
    rows, n = values.shape
    size = values.dtype.itemsize
    count = (rows - 1) * step // size + n if rows and n else 0
    flat: Array = junk.integers(0, 256, count * size, np.uint8).view(values.dtype)
    return put_rows(flat, values, step)


def put_rows(flat: Array, values: Array, step: int) -> Array:
    """Return a copy of the array of `in_rows` with other values in the same places."""
    result: Array = flat.copy()
    n, step = values.shape[1], step // values.dtype.itemsize
    for i in range(len(values)):
        result[i * step : i * step + n] = values[i]
    return result
