# SPDX-License-Identifier: BSD-3-Clause
"""Where the values of a tensor come from, in words that name nodes of the source model.

`origin` says it in half a sentence for the table, `story` node by node for `explain`. Both go back from a layer's input to what
makes its values: graph inputs, signs, and other layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from converter.graph import Array, Graph, Node
from converter.passes.rule import merged
from converter.passes.values import Fact

#: Names listed in one sentence, and lines of one story.
NAMES, LINES = 4, 12


def origin(graph: Graph, facts: Mapping[str, Fact], name: str) -> str:
    """Who makes the real values of a tensor, and through which nodes they go: "graph input 'x', through 'bn', 'relu'"."""
    makers: list[str] = []
    made: list[str] = []
    through: list[str] = []
    waiting, seen = [name], set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        node = graph.producer(name)
        real = [x for x in _activations(graph, node) if not known(facts, x)]
        if node is None or is_layer(node) or not real:
            makers = merged(makers, [_maker(node, name)])
            made = merged(made, node.sources[:1] if node is not None else [])
        else:
            through = merged(node.sources[:1], through)
            waiting += real
    through = [node for node in through if node not in made]
    path = f", through {listed(through)}" if through else ""
    return f"{listed(makers, quote='')}{path}"


def story(graph: Graph, facts: Mapping[str, Fact], name: str) -> list[str]:
    """One line for each node on the way to a tensor, from what makes its values on; the last ones if there are many."""
    lines = list(dict.fromkeys(_lines(graph, facts, name, set())))
    return lines if len(lines) <= LINES else ["...", *lines[-LINES:]]


def known(facts: Mapping[str, Fact], name: str) -> bool:
    """Whether a tensor certainly has few values."""
    fact = facts.get(name, Fact())
    return fact.distinct() is not None and not fact.nominal


def listed(names: Sequence[str], most: int = NAMES, quote: str = "'") -> str:
    """Names in quotes, the first ones of many."""
    shown = ", ".join(f"{quote}{name}{quote}" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def is_layer(node: Node) -> bool:
    """Whether a node is a convolution or dense layer of the source model."""
    return "result" in node.attrs


def _activations(graph: Graph, node: Node | None) -> list[str]:
    return [x for x in node.inputs if graph.const(x) is None] if node is not None else []


def _maker(node: Node | None, name: str) -> str:
    if node is None:
        return f"graph input '{name}'"
    return f"layer '{node.sources[0]}'" if is_layer(node) and node.sources else node.describe()


def _lines(graph: Graph, facts: Mapping[str, Fact], name: str, seen: set[str]) -> list[str]:
    if name in seen:
        return []
    seen.add(name)
    node = graph.producer(name)
    if node is None:
        return [f"graph input '{name}': {values(facts.get(name, Fact()))}"]
    if node.op == "quantise":
        return [_sign(graph, node)]
    if is_layer(node) or node.op == "threshold":
        what = "real values, the sums of its products" if is_layer(node) else "-1 or 1"
        return [f"{_maker(node, name)}: {what}"]
    before = _activations(graph, node)
    lines = [line for x in before for line in _lines(graph, facts, x, seen)]
    first = graph.producer(before[0])
    if not node.sources or (first is not None and is_layer(first) and _same(node, first)):
        return lines
    what = f"pads with {node.attrs['value']:g}" if node.op == "pad" else node.op
    return [*lines, f"'{node.sources[0]}' ({what}): {values(facts.get(name, Fact()))}"]


def _same(node: Node, other: Node) -> bool:
    """Whether two nodes stand for the same node of the source model."""
    return node.sources[:1] == other.sources[:1]


def values(fact: Fact) -> str:
    """What a tensor can hold."""
    found = fact.distinct()
    if found is not None and fact.nominal:
        few = " or ".join(f"{v:g}" for v in found[:NAMES])
        return f"{few} on paper, but real tensors cancel in it and leave their rounding"
    if found is not None and len(found) <= NAMES:
        return " or ".join(f"{v:g}" for v in found)
    if fact.finite:
        return "few values, others in each channel"
    if np.isfinite(fact.low) or np.isfinite(fact.high):
        return f"real values from {fact.low:g} to {fact.high:g}"
    return "real values"


def _sign(graph: Graph, node: Node) -> str:
    """What a quantise does, and which nodes it stands for."""
    threshold, flip = (graph.const(name) for name in node.inputs[1:3])
    assert threshold is not None
    assert flip is not None
    falls = int(np.sum(flip))
    high, low = ("-1", "+1") if falls == len(flip) else ("+1", "-1")
    text = f"{high} where it is >= {span(threshold)}, else {low}"
    if 0 < falls < len(flip):
        text += f" (the other way round in {falls} of {len(flip)} channels)"
    writer = graph.producer(node.inputs[0])
    before = writer.sources if writer is not None else []
    names = [name for name in node.sources if name not in before]
    if not names:
        return f"its two values, taken as bits: {text}"
    count = f" ({len(names)} nodes)" if len(names) > NAMES else ""
    verb = "is a sign" if len(names) == 1 else "together are a sign"
    return f"{listed(names)}{count} {verb} of '{(before or node.inputs)[0]}': {text}"


def span(data: Array) -> str:
    """One number, or the range of a channel's numbers."""
    normal = np.where(np.abs(data) < np.finfo(np.float32).tiny, 0, data)
    low, high = float(np.min(normal)), float(np.max(normal))
    return f"{low:g}" if low == high else f"({low:g} to {high:g}, by channel)"
