# SPDX-License-Identifier: BSD-3-Clause
"""Signs are taken before an image is enlarged: fewer of them, and bits are moved instead of floats.

x -> gather2d -> quantise -> y      x -> quantise -> gather2d -> y
"""

from __future__ import annotations

from converter.graph import Node
from converter.passes.pools import Pair
from converter.passes.rule import Rule


class QuantiseBeforeGather(Rule[Pair]):
    """gather2d -> quantise becomes quantise -> gather2d: exact, as elements only move within their channel."""

    ops = frozenset({"quantise"})

    def pattern(self, node: Node) -> Pair | None:
        """A quantise that reads a gather2d."""
        first = self.graph.producer(node.inputs[0])
        return Pair(first, node) if first is not None and first.op == "gather2d" else None

    def check(self, match: Pair) -> str | None:
        """The floats behind it are not needed."""
        return None if self.graph.single_use(match.pool.output) else "the floats have other readers"

    def rewrite(self, match: Pair) -> None:
        """Swap them."""
        gather, node, graph = match.pool, match.quantise, self.graph
        x, output = gather.inputs[0], node.output
        signs = self.value_like(x, output)
        node.inputs[0], node.outputs = x, [signs]
        moved = Node("gather2d", [signs], [output], dict(gather.attrs), list(gather.sources))
        graph.insert_after(node, moved)
