# SPDX-License-Identifier: BSD-3-Clause
"""Max-pooling on bits.

    x -> quantise -> maxpool -> y                    x -> quantise -> bmaxpool -> y
    x -> maxpool -> quantise(t, flip) -> y           x -> quantise(t, no flip) -> bmaxpool(flip) -> y

The second is exact: max(x) >= t where any x >= t; a flip inverts the result. It holds for every maxpool that only
quantise reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Node
from converter.passes.rule import Rule, channels, merged
from converter.passes.values import SIGNED


@dataclass
class Pair:
    """The maxpool and the quantise beside it."""

    pool: Node
    quantise: Node


class PoolSigns(Rule[Node]):
    """maxpool of a two-valued tensor becomes bmaxpool."""

    ops = frozenset({"maxpool"})

    def pattern(self, node: Node) -> Node | None:
        """A maxpool that reads signs."""
        producer = self.graph.producer(node.inputs[0])
        return node if producer is not None and producer.op in SIGNED else None

    def rewrite(self, match: Node) -> None:
        """Same geometry, no flips."""
        flip = np.zeros(channels(self.graph.shape(match.output)), bool)
        match.op = "bmaxpool"
        match.inputs.append(self.graph.add_const(flip, "flip"))


class QuantiseBeforePool(Rule[Pair]):
    """maxpool -> quantise becomes quantise -> bmaxpool."""

    ops = frozenset({"quantise"})

    def pattern(self, node: Node) -> Pair | None:
        """A quantise that reads a maxpool."""
        pool = self.graph.producer(node.inputs[0])
        return Pair(pool, node) if pool is not None and pool.op == "maxpool" else None

    def check(self, match: Pair) -> str | None:
        """The floats behind the pool are not needed."""
        output = match.pool.output
        if self.graph.is_output(output) or any(
            node.op != "quantise" for node in self.graph.consumers(output)
        ):
            return "the pooled floats have other readers"
        return None

    def rewrite(self, match: Pair) -> None:
        """Swap them; the flip follows the pool."""
        pool, node = match.pool, match.quantise
        x, flip, output = pool.inputs[0], node.inputs[2], node.output
        signs = self.graph.add_value(self.graph.fresh(output), self.graph.shape(x)).name
        none = np.zeros_like(self.constant(flip))
        node.inputs = [x, node.inputs[1], self.graph.add_const(none, "flip")]
        node.outputs = [signs]
        sources = merged(pool.sources, node.sources)
        self.graph.insert_after(
            node, Node("bmaxpool", [signs, flip], [output], dict(pool.attrs), sources)
        )
