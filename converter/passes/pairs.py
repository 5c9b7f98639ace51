# SPDX-License-Identifier: BSD-3-Clause
"""Weights of two values that are not opposite, such as 0 and 1, become weights of -1 and +1.

    v -> conv(w) -> y       alpha * (v -> conv(s) + beta / alpha * v -> conv(ones)) -> y       w = alpha * s + beta

(dense likewise.) Only where v is two-valued, so that both layers become binary; the second one has a single output, which is
added to all channels. Both sums are integers, so that 0 and 1 give exactly what the source gives. Not with groups, not under
--strict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Node
from converter.passes.operand import BORDERS, Operand, find_operand
from converter.passes.rule import Mode, Rule
from converter.passes.values import Fact, facts


@dataclass
class Pair:
    """A layer and the two values of its weight."""

    node: Node
    low: float
    high: float


class SplitPairs(Rule[Pair]):
    """Layers with a weight of two values."""

    ops = frozenset({"conv", "dense"})
    repeat = False
    _facts: dict[str, Fact] | None = None

    def pattern(self, node: Node) -> Pair | None:
        """Two values in the whole weight, finite and not opposite."""
        weight = self.constant(node.inputs[1])
        low, high = float(weight.min()), float(weight.max())
        if not -np.inf < low < high < np.inf or low == -high:
            return None
        return Pair(node, low, high) if np.all((weight == low) | (weight == high)) else None

    def check(self, match: Pair) -> str | None:
        """Its input must make both layers binary."""
        if self._facts is None:
            self._facts = facts(self.graph)
        node = match.node
        if self.context.mode is Mode.STRICT or node.attrs.get("groups", 1) > 1:
            return "it has groups, or --strict asks for -1 and +1"
        if node.op == "dense" and self.graph.shape(node.inputs[0])[0] != 1:
            return "its input has more than one row"
        operand = find_operand(self.graph, self._facts, node)
        if not isinstance(operand, Operand):
            return operand
        return None if operand.border in BORDERS else "its border is a mix of two convolutions"

    def rewrite(self, match: Pair) -> None:
        """The layer keeps its place in the report, the other one is part of it."""
        graph, node, output = self.graph, match.node, match.node.output
        weight = self.constant(node.inputs[1])
        alpha, beta = (match.high - match.low) / 2, (match.high + match.low) / 2
        signs = np.where(weight == match.high, np.int8(1), np.int8(-1))
        ones = np.ones((1, *weight.shape[1:]), np.int8)
        shape = graph.shape(output)
        attrs = {key: value for key, value in node.attrs.items() if key != "result"}
        total = graph.add_value(graph.fresh(output), (shape[0], 1, *shape[2:])).name
        other = Node(
            node.op,
            [node.inputs[0], graph.add_const(ones, "ones")],
            [total],
            {**attrs, "part": node.attrs.get("result", output)},
            list(node.sources),
        )
        node.inputs[1] = graph.add_const(signs, "signs")
        node.attrs["pair"] = (match.low, match.high)
        node.outputs = [self.value_like(output, output)]
        chain = [other]
        if beta != alpha:
            chain.append(self._affine(total, beta / alpha, node))
        summed = self.value_like(output, output)
        chain.append(Node("add", [node.output, chain[-1].output], [summed], {}, list(node.sources)))
        chain.append(self._affine(summed, alpha, node))
        chain[-1].outputs = [output]
        graph.insert_after(node, *chain)

    def _affine(self, x: str, factor: float, node: Node) -> Node:
        """x * factor."""
        count = self.graph.shape(x)[1]
        operands = [
            self.graph.add_const(np.full(count, value, np.float32), hint)
            for value, hint in ((factor, "mul"), (0, "add"))
        ]
        return Node("affine", [x, *operands], [self.value_like(x, x)], {}, list(node.sources))
