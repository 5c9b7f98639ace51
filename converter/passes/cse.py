# SPDX-License-Identifier: BSD-3-Clause
"""Equal nodes become one.

    x -> f -> y, x -> f -> z        x -> f -> y, read instead of z

Equal: same operator, attributes and inputs, where constants are compared by content. Graph outputs keep their names, of
two none goes; nor do convolutions and dense layers, which have a name and a row in the report each.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from converter.graph import Graph, Node
from converter.passes.rule import Context, Rule, merged


class Cse(Rule[tuple[Node, Node]]):
    """The second of two equal nodes goes."""

    def __init__(self, graph: Graph, context: Context) -> None:
        super().__init__(graph, context)
        self._hashes: dict[str, bytes] = {}
        self._first: dict[tuple[Any, ...], Node] = {}

    def begin(self) -> None:
        """The first node of each kind is looked for again."""
        self._first = {}

    def pattern(self, node: Node) -> tuple[Node, Node] | None:
        """A node that an earlier one equals."""
        if "result" in node.attrs or len(node.outputs) != 1:
            return None
        first = self._first.setdefault(self._key(node), node)
        return None if first is node else (first, node)

    def check(self, match: tuple[Node, Node]) -> str | None:
        """Two graph outputs are two."""
        both = all(self.graph.is_output(node.output) for node in match)
        return "both write graph outputs" if both else None

    def rewrite(self, match: tuple[Node, Node]) -> None:
        """Read the first instead, which takes the name of the second where that is a graph output."""
        first, second = match
        first.sources = merged(first.sources, second.sources)
        kept, gone = first.output, second.output
        if self.graph.is_output(gone):
            kept, gone = gone, kept
        self.graph.remove(second)
        first.outputs = [kept]
        self.graph.replace_uses(gone, kept)

    def _key(self, node: Node) -> tuple[Any, ...]:
        attrs = sorted((k, _plain(v)) for k, v in node.attrs.items())
        shape = self.graph.shape(node.outputs[0])
        return node.op, tuple(self._name(name) for name in node.inputs), tuple(attrs), shape

    def _name(self, name: str) -> Any:
        """An activation's name, or a digest of a constant."""
        data = self.graph.const(name) if name else None
        if data is None:
            return name
        if name not in self._hashes:
            head = f"{data.dtype}{data.shape}".encode()
            self._hashes[name] = hashlib.sha256(
                head + np.ascontiguousarray(data).tobytes()
            ).digest()
        return self._hashes[name]


def _plain(value: Any) -> Any:
    """Attributes in a form that can be compared and sorted."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tobytes()
    return tuple(map(_plain, value)) if isinstance(value, (tuple, list)) else repr(value)
