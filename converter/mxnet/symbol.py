# SPDX-License-Identifier: BSD-3-Clause
"""Reader of MXNet's `-symbol.json`: nodes in order, each reading only what stands before it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from converter.errors import ConversionError

T = TypeVar("T")
VARIABLE = "null"
REQUIRED: Any = object()


@dataclass(frozen=True)
class SymbolNode:
    """A node; `inputs` are (number of the node, number of its output). Values of `attrs` are text as in Python."""

    op: str
    name: str
    attrs: dict[str, str]
    inputs: tuple[tuple[int, int], ...]

    def error(self, text: str) -> ConversionError:
        """An error that names this node."""
        return ConversionError(f"node '{self.name}' ({self.op}): {text}")

    def attr(self, name: str, kind: Callable[[str], T], default: Any = REQUIRED) -> T:
        """An attribute, read by `kind`; the default where it is missing or None."""
        text = self.attrs.get(name, "None")
        if text in ("None", ""):
            if default is REQUIRED:
                raise self.error(f"it has no attribute {name}")
            value: T = default
            return value
        try:
            return kind(text)
        except (ValueError, OverflowError, KeyError):
            raise self.error(f"attribute {name} is {text!r}, which cannot be") from None

    def choice(self, name: str, default: str, *choices: str) -> str:
        """An attribute that may have few values; others are refused by name."""
        value = self.attr(name, str, default)
        if value not in choices:
            raise self.error(
                f"attribute {name} is {value!r}; supported: {', '.join(map(repr, choices))}"
            )
        return value

    def refuse(self, name: str, *allowed: Any, kind: Callable[[str], Any] = str) -> None:
        """Refuse values of an attribute that would change what the node computes."""
        value = self.attr(name, kind, allowed[0])
        if value not in allowed:
            raise self.error(f"attribute {name} = {value!r} is not supported")


def flag(text: str) -> bool:
    """True, False, 1, 0."""
    return {"True": True, "true": True, "1": True, "False": False, "false": False, "0": False}[text]


def numbers(text: str) -> tuple[int, ...]:
    """(2, 2), [2,2], 2 or (2L, 2L), as Python 2 wrote it."""
    try:
        value = ast.literal_eval(text.replace("L", ""))
    except (SyntaxError, ValueError, MemoryError, RecursionError, TypeError):
        raise ValueError(text) from None
    values = value if isinstance(value, tuple | list) else (value,)
    if not all(type(v) is int and abs(v) < 2**31 for v in values):
        raise ValueError(text)
    return tuple(values)


def integer(text: str) -> int:
    """One number."""
    (value,) = numbers(text)
    return value


@dataclass(frozen=True)
class Symbol:
    """A network: `heads` are its outputs."""

    nodes: tuple[SymbolNode, ...]
    heads: tuple[tuple[int, int], ...]


def read_symbol(data: bytes) -> Symbol:
    """Check everything and return it. Raises ConversionError."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise ConversionError("is not JSON, or damaged") from None
    entries = content.get("nodes") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        _fail("is no MXNet symbol: it has no list 'nodes'")
    nodes = tuple(_node(entry, number) for number, entry in enumerate(entries))
    heads = content.get("heads")
    if not isinstance(heads, list) or not heads:
        _fail("is no MXNet symbol: it has no list 'heads'")
    return Symbol(nodes, tuple(_reference(head, len(nodes), "the list 'heads'") for head in heads))


def _fail(text: str) -> NoReturn:
    raise ConversionError(text)


def _node(entry: Any, number: int) -> SymbolNode:
    what = f"entry {number} of 'nodes'"
    if not isinstance(entry, dict):
        _fail(f"{what} is no object")
    op, name, inputs = entry.get("op"), entry.get("name"), entry.get("inputs", [])
    if not isinstance(op, str) or not isinstance(name, str) or not isinstance(inputs, list):
        _fail(f"{what} lacks 'op', 'name' or 'inputs'")
    attrs: dict[str, str] = {}
    for key in ("param", "attr", "attrs"):  # three generations of the format
        given = entry.get(key) or {}
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            _fail(f"node '{name}': its {key!r} are not texts by name")
        attrs.update(given)
    # A node may read only earlier ones, so a graph with a cycle cannot be written.
    sources = tuple(_reference(item, number, f"node '{name}'") for item in inputs)
    return SymbolNode(op, name, attrs, sources)


def _reference(item: Any, limit: int, what: str) -> tuple[int, int]:
    if (
        not isinstance(item, list)
        or not 2 <= len(item) <= 3
        or any(type(i) is not int for i in item)
    ):
        _fail(f"{what} refers to {str(item)[:40]!r}, which is no [node, output, version]")
    if not 0 <= item[0] < limit:
        _fail(f"{what} reads node number {item[0]}, which does not stand before it")
    return item[0], item[1]
