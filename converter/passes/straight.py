# SPDX-License-Identifier: BSD-3-Clause
"""Straight-through sums of an unbounded tensor.

    sub(s, t) -> add(t) -> y           s, read instead of y    s of few values, t unbounded
    sub(t, s) -> sub(t, .) -> y        s, read instead of y    any order, Neg and further sums between

Training code writes x + (sign(x) - x).detach() to give a sign the gradient of x. In real numbers t cancels, in floats the
sum is s up to the rounding of t. Where that leaves two values, signs.py has found it by computing them. Here are those for
which no set of values can be proved, as t has no bounds: they are taken as s, and a warning says so. Where t is proved to be
bounded, but too large, nothing is assumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from converter.graph import Node
from converter.passes.rule import Rule
from converter.passes.values import Fact, facts

BOUNDED = "all terms are bounded"


@dataclass
class Sum:
    """A node that writes s + t - t: the names of s and of all t."""

    node: Node
    kept: str
    cancelled: set[str]


class StraightThrough(Rule[Sum]):
    """Readers of the sum read s."""

    ops = frozenset({"add", "sub"})
    _facts: dict[str, Fact] | None = None

    def begin(self) -> None:
        """Where each value is written; this changes nothing but by leaving nodes out."""
        nodes = enumerate(self.graph.nodes)
        self._order = {name: i for i, node in nodes for name in node.outputs}

    def pattern(self, node: Node) -> Sum | None:
        """Unfold sums, last one first, until one term of factor 1 is left and others have vanished."""
        factors, cancelled = {node.output: 1}, set[str]()
        while factors:
            name = max(factors, key=lambda name: self._order.get(name, -1))
            if cancelled and factors == {name: 1}:
                return Sum(node, name, cancelled)
            terms = self._terms(name)
            if not terms:
                return None
            factor = factors.pop(name)
            for term, sign in terms:
                factors[term] = factors.get(term, 0) + sign * factor
                if not factors[term]:
                    del factors[term]
                    cancelled.add(term)
        return None

    def _terms(self, name: str) -> list[tuple[str, int]]:
        """The terms of a sum of tensors of one shape, with their signs; nothing for other values."""
        node = self.graph.producer(name)
        if node is not None and node.op in self.ops:
            if any(self.graph.shape(x) != self.graph.shape(name) for x in node.inputs):
                return []
            return list(zip(node.inputs, (1, 1 if node.op == "add" else -1), strict=True))
        if node is not None and node.op == "affine":
            mul, add = (self.constant(x) for x in node.inputs[1:])
            if not add.any() and abs(mul[0]) == 1 and (mul == mul[0]).all():
                return [(node.inputs[0], int(mul[0]))]
        return []

    def check(self, match: Sum) -> str | None:
        """s has few values and t has no bounds."""
        if self._facts is None:
            self._facts = facts(self.graph)
        if not self._facts.get(match.kept, Fact()).finite:
            return "what is left is real-valued"
        bounds = [self._facts.get(name, Fact()) for name in match.cancelled]
        if not any(math.isinf(fact.low) or math.isinf(fact.high) for fact in bounds):
            return BOUNDED
        return "it writes a graph output" if self.graph.is_output(match.node.output) else None

    def refused(self, match: Sum, reason: str) -> None:
        """Say so if it looks like a sign."""
        if reason == BOUNDED:
            self.context.report.warn(
                f"{match.node.describe()}: its sum (s - t) + t is not s, because t is large: its rounding stays"
            )

    def rewrite(self, match: Sum) -> None:
        """Read s."""
        self.context.straight.append((match.node.sources or [match.node.output])[0])
        self.graph.replace_uses(match.node.output, match.kept)
        self.graph.remove(match.node)
