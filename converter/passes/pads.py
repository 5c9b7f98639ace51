# SPDX-License-Identifier: BSD-3-Clause
"""Padding moves behind signs, where a binary convolution can take it over, and neighbours become one.

    x -> pad(v) -> quantise -> y            x -> quantise -> pad(quantise(v)) -> y
    x -> pad(a, v) -> pad(b, v) -> y        x -> pad(a + b, v) -> y

The first where all channels give the padding the same sign, the second where nobody else reads the first pad.
"""

from __future__ import annotations

from dataclasses import dataclass

from converter.graph import Node
from converter.passes.region import Region
from converter.passes.rule import Rule, merged
from converter.passes.signs import padded_value


@dataclass
class Pair:
    """A pad and what follows it."""

    pad: Node
    node: Node


class PadBehindQuantise(Rule[Pair]):
    """pad -> quantise becomes quantise -> pad."""

    ops = frozenset({"quantise"})

    def pattern(self, node: Node) -> Pair | None:
        """A quantise that reads a pad."""
        pad = self.graph.producer(node.inputs[0])
        return Pair(pad, node) if pad is not None and pad.op == "pad" else None

    def check(self, match: Pair) -> str | None:
        """The padded value must have the same sign in all channels."""
        return (
            None if self._value(match) is not None else "channels give the padding different signs"
        )

    def _value(self, match: Pair) -> float | None:
        node = match.node
        return padded_value(Region(self.graph, node.inputs[0], node.output, (node,)), match.pad)

    def rewrite(self, match: Pair) -> None:
        """Swap them."""
        pad, node = match.pad, match.node
        value, output = self._value(match), node.output
        signs = self.graph.add_value(self.graph.fresh(output), self.graph.shape(pad.inputs[0])).name
        node.inputs[0], node.outputs = pad.inputs[0], [signs]
        attrs = {**pad.attrs, "value": value}
        sources = merged(pad.sources, node.sources)
        self.graph.insert_after(node, Node("pad", [signs], [output], attrs, sources))


class MergePads(Rule[Pair]):
    """Two pads with the same value, the first of which nobody else reads, become one."""

    ops = frozenset({"pad"})

    def pattern(self, node: Node) -> Pair | None:
        """A pad that reads a pad."""
        first = self.graph.producer(node.inputs[0])
        return Pair(first, node) if first is not None and first.op == "pad" else None

    def check(self, match: Pair) -> str | None:
        """Same value, and the first is not needed by itself."""
        if match.pad.attrs["value"] != match.node.attrs["value"]:
            return "they add different values"
        return None if self.graph.single_use(match.pad.output) else "the first has other readers"

    def rewrite(self, match: Pair) -> None:
        """Add them up."""
        first, node = match.pad, match.node
        for side in ("before", "after"):
            sums = zip(first.attrs[side], node.attrs[side], strict=True)
            node.attrs[side] = tuple(a + b for a, b in sums)
        node.inputs[0] = first.inputs[0]
        node.sources = merged(first.sources, node.sources)
