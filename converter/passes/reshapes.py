# SPDX-License-Identifier: BSD-3-Clause
"""Reshapes: chains become one, and what treats all elements alike moves behind them, where layers look for it.

    x -> reshape -> reshape -> y                   x -> reshape -> y
    x -> affine(mul, add) -> reshape -> y          x -> reshape -> affine(mul, add) -> y       mul, add the same in all channels

The second where the affine stands behind a sign (activations of {0, 1} in front of a dense layer).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Node
from converter.passes.rule import Rule, channels, merged, uniform


@dataclass
class Pair:
    """A node and the reshape behind it."""

    first: Node
    node: Node


class MergeReshapes(Rule[Pair]):
    """A reshape of a reshape."""

    ops = frozenset({"reshape"})

    def pattern(self, node: Node) -> Pair | None:
        """Two in a row."""
        first = self.graph.producer(node.inputs[0])
        return Pair(first, node) if first is not None and first.op == "reshape" else None

    def rewrite(self, match: Pair) -> None:
        """The second reads what the first reads."""
        match.node.inputs[0] = match.first.inputs[0]
        match.node.sources = merged(match.first.sources, match.node.sources)


class ReshapeSigns(Rule[Pair]):
    """quantise -> affine -> reshape: the reshape comes first."""

    ops = frozenset({"reshape"})

    def pattern(self, node: Node) -> Pair | None:
        """A reshape behind the two values of a sign."""
        first = self.graph.producer(node.inputs[0])
        if first is None or first.op != "affine":
            return None
        signs = self.graph.producer(first.inputs[0])
        return Pair(first, node) if signs is not None and signs.op == "quantise" else None

    def check(self, match: Pair) -> str | None:
        """Channels are other channels afterwards."""
        alike = all(uniform(self.constant(name)) for name in match.first.inputs[1:])
        return None if alike else "the two values differ by channel"

    def rewrite(self, match: Pair) -> None:
        """Swap them."""
        graph, node, output = self.graph, match.node, match.node.output
        count = channels(graph.shape(output))
        flat = self.value_like(output, output)
        node.inputs[0], node.outputs = match.first.inputs[0], [flat]
        operands = [
            graph.add_const(np.full(count, self.constant(name)[0], np.float32), "value")
            for name in match.first.inputs[1:]
        ]
        sources = list(match.first.sources)
        graph.insert_after(node, Node("affine", [flat, *operands], [output], {}, sources))
