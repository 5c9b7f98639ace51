# SPDX-License-Identifier: BSD-3-Clause
"""Signs that the graph does not have but the user or the author asked for.

    x -> conv(w) -> y      x -> quantise(0) -> conv(w) -> y          x >= 0 gives +1

- A convolution or dense layer named by --binary-list: a sign in front where the input is not two-valued; a weight that is not
  +-alpha is replaced by its sign.
- moderate, aggressive: a convolution with +-alpha weights behind a Pad of -1: the author's statement that its input is signed.
- aggressive, in a graph that has no sign function at all: every convolution with +-alpha weights, but for the first ones
  (with no other convolution or dense layer between them and a graph input).

The layer gets attributes: `asked` (by what, in words), `inserted` (a sign), `forced` (its weight). With one of the latter its
results are not the source model's any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Node
from converter.passes.rule import Mode, Rule, channels
from converter.passes.values import Fact, facts
from converter.passes.weights import BinaryWeight, binary_weight, signs_of

SIGN_LIKE = frozenset(
    {"quantise", "threshold", "sign", "where", "round"}
    | {"greater", "greater_equal", "less", "less_equal"}
)
LISTED = "named by --binary-list"


@dataclass
class Plan:
    """What is done in front of a convolution: a sign, a sign of its weight, and why."""

    node: Node
    sign: bool
    force: bool
    why: str


class InsertSigns(Rule[Plan]):
    """Signs in front of convolutions, where mode or list ask for them."""

    ops = frozenset({"conv", "dense"})
    repeat = False
    _facts: dict[str, Fact] | None = None
    _has_signs = False

    def pattern(self, node: Node) -> Plan | None:
        """A layer whose input should be signed and is not (or whose weight is forced)."""
        if self._facts is None:
            self._facts = facts(self.graph)
            self._has_signs = any(n.op in SIGN_LIKE for n in self.graph.nodes)
        fact = self._facts.get(node.inputs[0])
        real = fact is None or fact.two_valued() is None
        if node.attrs.get("result") in self.context.binary_list:
            return Plan(node, real, not self._binary(node), LISTED)
        why = self._reason(node) if real and node.op == "conv" else ""
        return Plan(node, True, False, why) if why and self._binary(node) else None

    def _binary(self, node: Node) -> bool:
        return isinstance(binary_weight(self.constant(node.inputs[1])), BinaryWeight)

    def _reason(self, node: Node) -> str:
        """Why a convolution of a real-valued input deserves a sign, if its weight is binary."""
        if self.context.mode is Mode.STRICT:
            return ""
        if self._pad_of_minus_one(node):
            return "the Pad of -1 in front says that its input is signed"
        if self.context.mode is Mode.AGGRESSIVE and not self._has_signs and not self._first(node):
            return "its weight is binary and the graph has no signs at all"
        return ""

    def _pad_of_minus_one(self, node: Node) -> bool:
        pad = self.graph.producer(node.inputs[0])
        return (
            pad is not None
            and pad.op == "pad"
            and pad.attrs["value"] == -1
            and not any((*pad.attrs["before"][:2], *pad.attrs["after"][:2]))
            and not any(node.attrs["pads"])
        )

    def _first(self, node: Node) -> bool:
        """Whether a graph input reaches this layer on a way without other layers."""
        waiting, seen = [node.inputs[0]], set[str]()
        while waiting:
            name = waiting.pop()
            if name in self.graph.inputs:
                return True
            producer = self.graph.producer(name)
            if name not in seen and producer is not None and producer.op not in ("conv", "dense"):
                waiting += producer.inputs
            seen.add(name)
        return False

    def rewrite(self, match: Plan) -> None:
        """Insert the quantise; replace the weight."""
        node, graph = match.node, self.graph
        node.attrs["asked"] = match.why
        if match.force:
            node.inputs[1] = graph.add_const(signs_of(self.constant(node.inputs[1])), "weight")
            node.attrs["forced"] = True
        if match.sign:
            node.attrs["inserted"] = True
            x = node.inputs[0]
            count = channels(graph.shape(x))
            threshold = graph.add_const(np.zeros(count, np.float32), "threshold")
            flip = graph.add_const(np.zeros(count, bool), "flip")
            signs = self.value_like(x, f"{x}.sign")
            graph.insert_before(
                node, Node("quantise", [x, threshold, flip], [signs], {}, list(node.sources))
            )
            node.inputs[0] = signs
