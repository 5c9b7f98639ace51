# SPDX-License-Identifier: BSD-3-Clause
"""Functions that exporters write as a product of x and a function of x become one.

    x * sigmoid(x) -> y                          swish(x) -> y
    x * clip(a * x + b, 0, h) -> y               h * hard_swish(x) -> y        a = h / 6, b = h / 2
    x * tanh(softplus(x)) -> y                   mish(x) -> y

The results agree up to a few units in the last place. What else reads the inner nodes keeps them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Node
from converter.passes.rule import Rule, channels, merged, uniform


@dataclass
class Gate:
    """A product, the function that it is, of what, times `scale`; the nodes that it takes over."""

    node: Node
    function: str
    x: str
    inner: list[Node]
    scale: float = 1.0


class Gates(Rule[Gate]):
    """mul(x, f(x)) becomes a function."""

    ops = frozenset({"mul"})

    def pattern(self, node: Node) -> Gate | None:
        """One operand is a function of the other."""
        for x, gate in (node.inputs, node.inputs[::-1]):
            last = self.graph.producer(gate)
            found = self._function(last, x) if last is not None else None
            if found is not None:
                function, scale, inner = found
                return Gate(node, function, x, inner, scale)
        return None

    def _function(self, last: Node, x: str) -> tuple[str, float, list[Node]] | None:
        """The function x * last, if last is made from x."""
        if last.op == "sigmoid" and last.inputs[0] == x:
            return "swish", 1.0, [last]
        first = self.graph.producer(last.inputs[0])
        if first is None or first.inputs[0] != x:
            return None
        if last.op == "tanh" and first.op == "softplus":
            return "mish", 1.0, [first, last]
        if last.op != "clip" or first.op != "affine" or last.attrs["low"] != 0:
            return None
        high = float(last.attrs["high"])
        mul, add = (self.constant(name) for name in first.inputs[1:])
        line = uniform(mul) and uniform(add) and np.isfinite(high) and high > 0
        if not line or not np.allclose([6 * mul[0], 2 * add[0]], high, rtol=1e-6, atol=0):
            return None
        return "hard_swish", high, [first, last]

    def rewrite(self, match: Gate) -> None:
        """The product becomes the function, and a scale behind it where there is one."""
        graph, node = self.graph, match.node
        node.op, node.inputs, node.attrs = match.function, [match.x], {}
        node.sources = merged(*(inner.sources for inner in match.inner), node.sources)
        if match.scale == 1:
            return
        output, count = node.output, channels(graph.shape(node.output))
        node.outputs = [self.value_like(output, output)]
        operands = [
            graph.add_const(np.full(count, c, np.float32), hint)
            for c, hint in ((match.scale, "mul"), (0.0, "add"))
        ]
        behind = Node("affine", [node.output, *operands], [output], {}, list(node.sources))
        graph.insert_after(node, behind)
