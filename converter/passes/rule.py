# SPDX-License-Identifier: BSD-3-Clause
"""What a pass is made of: a rule with `pattern`, `check` and `rewrite`, and the loop that applies it.

A rule is asked about every node whose `op` it names. `pattern` finds the shape of what it rewrites (None: something else
stands here), `check` gives the reason why the rewrite would be wrong there (None: it is right), `rewrite` does it. Names of
values that are read elsewhere, graph outputs among them, survive a rewrite.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from converter.graph import Array, Graph, Node
from converter.report import Report

M = TypeVar("M")


class Mode(Enum):
    """How much the graph must say before a convolution becomes binary (see insert.py and binarise.py)."""

    STRICT = "strict"
    MODERATE = "moderate"
    AGGRESSIVE = "aggressive"


class SignZero(Enum):
    """What becomes of the 0 that ONNX Sign gives for 0.

    AUTO: +1 with a warning where only rounding of floats leads there, an error where an integer dot product does.
    """

    AUTO = "auto"
    PLUS = "+1"
    MINUS = "-1"
    ERROR = "error"


@dataclass
class Context:
    """What all rules of one conversion share.

    `zeros`: nodes with signs of floats whose 0 became +1; `straight`: straight-through sums (straight.py).
    """

    mode: Mode
    sign_zero: SignZero
    report: Report
    binary_list: frozenset[str] = frozenset()
    zeros: list[str] = field(default_factory=list)
    straight: list[str] = field(default_factory=list)


class Rule(ABC, Generic[M]):
    """One rewrite. `ops`: the operators it is asked about (None: all); `backwards`: readers are visited before writers."""

    ops: ClassVar[frozenset[str] | None] = None
    backwards: ClassVar[bool] = False
    repeat: ClassVar[bool] = True

    def __init__(self, graph: Graph, context: Context) -> None:
        self.graph = graph
        self.context = context

    def begin(self) -> None:
        """Called before each walk over the graph."""

    @abstractmethod
    def pattern(self, node: Node) -> M | None:
        """What stands at this node, if it is what this rule rewrites."""

    def check(self, match: M) -> str | None:
        """Why it must not be rewritten, or None."""
        return None

    @abstractmethod
    def rewrite(self, match: M) -> None:
        """Do it."""

    def refused(self, match: M, reason: str) -> None:
        """Called when `check` gave a reason."""

    # -- small things that rules have in common ------------------------------------------------------
    def value_like(self, name: str, hint: str) -> str:
        """A new activation with the shape and type of another."""
        like = self.graph.values[name]
        return self.graph.add_value(self.graph.fresh(hint), like.shape, like.dtype).name

    def constant(self, name: str) -> Array:
        """Data of a value that is known to be constant."""
        data = self.graph.const(name)
        assert data is not None
        return data


def apply(rule: type[Rule[Any]], graph: Graph, context: Context) -> int:
    """Apply a rule until it finds nothing more; the number of rewrites."""
    instance = rule(graph, context)
    total = 0
    while True:
        count = _sweep(instance, graph)
        total += count
        graph.prune()
        if not count or not rule.repeat:
            return total


def _sweep(rule: Rule[Any], graph: Graph) -> int:
    count = 0
    rule.begin()
    nodes = graph.nodes[::-1] if rule.backwards else list(graph.nodes)
    there = set(graph.nodes)
    for node in nodes:
        if (rule.ops is not None and node.op not in rule.ops) or node not in there:
            continue
        match = rule.pattern(node)
        if match is None:
            continue
        reason = rule.check(match)
        if reason is None:
            rule.rewrite(match)
            count += 1
            if rule.backwards:
                graph.prune()  # what only the rewritten nodes read is not asked about any more
            there = set(graph.nodes)
        else:
            rule.refused(match, reason)
    return count


def channels(shape: tuple[int, ...]) -> int:
    """Size of the channel axis: axis 1, or the only one."""
    return shape[1] if len(shape) > 1 else shape[0]


def merged(*lists: list[str]) -> list[str]:
    """Names in order, each once."""
    return list(dict.fromkeys(name for names in lists for name in names))


def uniform(data: Array) -> bool:
    """Whether all elements are equal."""
    return bool(np.all(data == data.reshape(-1)[0]))
