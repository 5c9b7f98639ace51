# SPDX-License-Identifier: BSD-3-Clause
"""A bound plan as C constants: the states of a model's ops, the tables that they point to, and the calls that take them.

States are structs of the library's header bnn_calls.h, written as designated initialisers without what is zero; so they do not
depend on the sizes of pointers, and the compiler looks at each field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from converter import dab, library
from converter.errors import ConversionError

WIDTH = 112  # characters of a line of a table
FEW = 2**32  # numbers from here on do not fit the pointers of a microcontroller
BYTES_ALIGNED = 8  # of tables of bytes: kernels may read them as words


@dataclass
class Unrolled:
    """What stands in the source files: constants that the states point to, lines of C, bytes of the arena."""

    data: bytes
    states: list[str]
    calls: list[str]
    arena_bytes: int


def unroll(data: bytes, model: dab.Model, symbol: str, small: bool) -> Unrolled:
    """Write down the calls of a file that was read; `symbol`: its constants' name in C. Raises ConversionError."""
    plan = library.calls(data, model, small)
    writer = _Writer(symbol, _Constants([tensor for tensor in model.tensors if tensor.constant]))
    calls = []
    for call in plan.calls:
        writer.constant(call.state.type, f"op_{call.op}", writer.text(call.state))
        scratch = f"arena + {plan.activations + call.shared}"
        calls.append(f"    bnn_{call.run}_run(&op_{call.op}, {scratch});")
    first = []
    if "kernels" in writer.regions:
        first += [f"#define BNN_CALLED_{slot} ~, BNN_ONLY_IF_1" for slot in plan.kernels]
        rows = '#include "bnn_called.h"' if plan.kernels else "    0"
        first += ["static const struct bnn_kernels kernels = {", rows, "};"]
    if "team" in writer.regions:
        shared = f"{{.workers = 1, .shared = arena + {plan.activations}}}"
        first.append(f"static const struct bnn_team team = {shared};")
    return Unrolled(
        data=bytes(writer.constants.kept) or bytes(1),
        states=[*first, *writer.lines],
        calls=calls,
        arena_bytes=plan.activations + plan.scratch,
    )


class _Constants:
    """The constants of a file that are pointed to, one behind the other, each aligned as in the file."""

    def __init__(self, tensors: list[dab.Tensor]) -> None:
        self.tensors = tensors
        self.kept = bytearray()
        self.places: dict[int, int] = {}

    def place(self, offset: int) -> int:
        """Where the byte is now that was at an offset of the file."""
        tensor = next(t for t in self.tensors if t.offset <= offset < t.offset + t.bytes)
        if tensor.offset not in self.places:
            assert tensor.data is not None
            self.kept += bytes(-len(self.kept) % dab.alignment(tensor.type))
            self.places[tensor.offset] = len(self.kept)
            self.kept += tensor.data.tobytes()
        return self.places[tensor.offset] + offset - tensor.offset


@dataclass
class _Writer:
    """Values as C text; tables become constants of their own, equal ones once."""

    symbol: str
    constants: _Constants
    lines: list[str] = field(default_factory=list)
    tables: dict[tuple[str, str], str] = field(default_factory=dict)
    regions: set[str] = field(default_factory=set)  # that are pointed to

    def constant(self, kind: str, name: str, text: str) -> None:
        aligned = f"_Alignas({BYTES_ALIGNED}) " if kind == "uint8_t" else ""
        self.lines += _wrapped(f"static {aligned}const {kind} {name} = {text};")

    def text(self, value: Any) -> str:
        """An initialiser."""
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, int):
            return _integer(value)
        if isinstance(value, list):
            return _braces(self.text(item) for item in value)
        if hasattr(value, "fields"):
            given = ((name, item) for name, item in value.fields.items() if _is_given(item))
            return _braces(f".{name} = {self.text(item)}" for name, item in given)
        return self._table(value) if hasattr(value, "values") else self._place(value)

    def _table(self, table: Any) -> str:
        text = self.text(table.values)
        key = (table.type, text)
        if key not in self.tables:
            name = self.tables[key] = f"table_{len(self.tables)}"
            self.constant(table.type, f"{name}[{len(table.values)}]", text)
        return self.tables[key]

    def _place(self, place: Any) -> str:
        self.regions.add(place.region)
        if place.region == "model":
            return f"(const void *)({self.symbol} + {self.constants.place(place.offset)})"
        if place.region == "arena":
            return f"(void *)(arena + {place.offset})"
        return f"&{place.region}"


def _is_given(value: Any) -> bool:
    """Whether an initialiser need say it: not 0, NULL or made of them."""
    if hasattr(value, "fields"):
        return any(map(_is_given, value.fields.values()))
    if isinstance(value, list):
        return any(map(_is_given, value))
    return value is not None and value != 0


def _braces(parts: Iterable[str]) -> str:
    return f"{{{', '.join(parts) or '0'}}}"


def _integer(value: int) -> str:
    """A number; sizes that wrapped around below 0 do so on every machine."""
    if value >= 2**63:
        value -= 2**64
        return f"(size_t){value}"
    if value >= FEW:
        raise ConversionError(
            f"--unroll: the network is too large: a number of its plan is {value}"
        )
    return str(value) if value > -(2**31) else f"({value + 1} - 1)"


def _float(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return f"{'-' if value < 0 else ''}1.0F / 0.0F"
    text = f"{value:.9g}"
    return f"{text}F" if "." in text or "e" in text else f"{text}.0F"


def _wrapped(text: str) -> Iterator[str]:
    """Lines of a declaration, broken behind commas."""
    line = ""
    for part in text.split(" "):
        if line and len(line) + 1 + len(part) > WIDTH:
            yield line
            line = f"    {part}"
        else:
            line = f"{line} {part}" if line else part
    yield line
