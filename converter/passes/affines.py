# SPDX-License-Identifier: BSD-3-Clause
"""Affines: arithmetic with constants becomes one, neighbours become one, those that do nothing go.

    x -> mul / add / sub / div / neg with a constant per channel    x -> affine(mul, add)
    x -> affine(m, a) -> affine(n, b) -> y                          x -> affine(m * n, a * n + b) -> y
    x -> affine(1, 0) -> y                                          x -> y

Merged constants are computed in float64 and rounded once, so the result may differ from that of the two by a few units in the
last place of the largest intermediate value. Thresholds are found before (pass order), from the affines as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from converter.graph import Array, Node
from converter.passes.region import channel_row
from converter.passes.rule import Rule, channels, merged

#: (mul, add) of x op c, and of c op x; None where it is no affine.
Form = Callable[[Array], tuple[Array, Array]]
FORMS: dict[str, tuple[Form, Form | None]] = {
    "mul": (lambda c: (c, 0 * c), lambda c: (c, 0 * c)),
    "add": (lambda c: (0 * c + 1, c), lambda c: (0 * c + 1, c)),
    "sub": (lambda c: (0 * c + 1, -c), lambda c: (0 * c - 1, c)),
    "div": (lambda c: (1 / c, 0 * c), None),
}


@dataclass
class Arithmetic:
    """A node that is an affine, with its input and constants (float64)."""

    node: Node
    x: str
    mul: Array
    add: Array


class ArithmeticToAffine(Rule[Arithmetic]):
    """mul, add, sub, div with a constant that differs by channel only."""

    ops = frozenset(FORMS)

    def pattern(self, node: Node) -> Arithmetic | None:
        """One float activation, one constant."""
        graph = self.graph
        for form, x, c in zip(FORMS[node.op], node.inputs, node.inputs[::-1], strict=True):
            data = graph.const(c)
            if form is None or data is None or graph.values[x].dtype != np.float32:
                continue
            row = channel_row(data, graph.shape(x))
            if row is None or graph.shape(x) != graph.shape(node.output):
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                return Arithmetic(node, x, *form(row[0].astype(np.float64)))
        return None

    def check(self, match: Arithmetic) -> str | None:
        """Constants must be floats."""
        finite = np.isfinite(match.mul) & np.isfinite(match.add)
        return None if np.all(finite) else "its constants would be infinite"

    def rewrite(self, match: Arithmetic) -> None:
        """Replace it in place."""
        count = channels(self.graph.shape(match.x))
        match.node.op, match.node.attrs = "affine", {}
        match.node.inputs = [match.x] + [
            self.graph.add_const(
                np.broadcast_to(c, (count,)).astype(np.float32) + np.float32(0), hint
            )
            for c, hint in ((match.mul, "mul"), (match.add, "add"))
        ]


@dataclass
class Pair:
    """Two affines in a row."""

    first: Node
    second: Node


class MergeAffines(Rule[Pair]):
    """Two affines, the first of which nobody else reads, become one."""

    ops = frozenset({"affine"})

    def pattern(self, node: Node) -> Pair | None:
        """An affine that reads an affine."""
        first = self.graph.producer(node.inputs[0])
        return Pair(first, node) if first is not None and first.op == "affine" else None

    def check(self, match: Pair) -> str | None:
        """The first must not be needed, the result must be finite."""
        if not self.graph.single_use(match.first.output):
            return "the first has other readers"
        return (
            None if np.all(np.isfinite(self._merged(match))) else "its constants would be infinite"
        )

    def _merged(self, match: Pair) -> Array:
        m, a = (self.constant(c).astype(np.float64) for c in match.first.inputs[1:])
        n, b = (self.constant(c).astype(np.float64) for c in match.second.inputs[1:])
        with np.errstate(over="ignore"):
            result: Array = np.stack([m * n, a * n + b]).astype(np.float32) + np.float32(0)
        return result

    def rewrite(self, match: Pair) -> None:
        """The second takes both over."""
        mul, add = self._merged(match)
        match.second.inputs = [
            match.first.inputs[0],
            self.graph.add_const(mul, "mul"),
            self.graph.add_const(add, "add"),
        ]
        match.second.sources = merged(match.first.sources, match.second.sources)


class DropIdentity(Rule[Node]):
    """Nodes that change nothing. One that writes a graph output stays, unless it can hand its name to what it reads."""

    ops = frozenset({"affine", "reshape", "transpose", "clip"})

    def pattern(self, node: Node) -> Node | None:
        """A node whose output is its input."""
        if node.op == "affine":
            mul, add = (self.constant(c) for c in node.inputs[1:])
            same = bool(np.all(mul == 1) and np.all(add == 0))
        elif node.op == "clip":
            same = node.attrs["low"] == -np.inf and node.attrs["high"] == np.inf
        elif node.op == "reshape":
            same = self.graph.shape(node.inputs[0]) == self.graph.shape(node.output)
        else:
            same = node.attrs["perm"] == tuple(range(len(node.attrs["perm"])))
        return node if same else None

    def check(self, match: Node) -> str | None:
        """A graph input cannot be a graph output too."""
        if not self.graph.is_output(match.output):
            return None
        x = match.inputs[0]
        if self.graph.producer(x) is None or self.graph.is_output(x):
            return "it writes a graph output"
        return None

    def rewrite(self, match: Node) -> None:
        """Its readers read its input."""
        graph, x, y = self.graph, match.inputs[0], match.output
        graph.remove(match)
        if graph.is_output(y):
            writer = graph.producer(x)
            assert writer is not None
            graph.replace_uses(x, y)
            writer.outputs = [y if name == x else name for name in writer.outputs]
        else:
            graph.replace_uses(y, x)
