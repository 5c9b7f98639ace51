# SPDX-License-Identifier: BSD-3-Clause
"""Layers that read 8-bit numbers and have weights of 8 bits or of one:

    q -> from_int8(s, z) -> conv(w) -> y      q -> qconv(n; z) -> affine(s * t, 0) -> y        w[o] = t[o] * n[o]
    x -> own_range -> conv(w) -> y            x -> qconv(n) -> affine(t, 0) -> y               (x is float)

    q -> from_int8(s, z) -> conv(w) -> y      q -> from_int8(1, z) -> conv(n) -> affine(s * t, 0) -> y      (depthwise)

(dense likewise; numbers n beyond -127..127 become a sum of layers). The sum of qconv is an exact integer; the source model's
is that of rounded floats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter import int8
from converter.dab_model import MAX_DOT_8
from converter.graph import Array, Grid, Node
from converter.passes.rule import Rule
from converter.passes.views import behind, repeated
from converter.report import FLOAT, INT8

MAX_FLOAT_TAPS = 256  # of 255 * 255 each: the sum is below 2^24
SOURCES = ("from_int8", "own_range")


def is_depthwise(node: Node, weight: tuple[int, ...]) -> bool:
    """Whether a layer with a weight of this shape has groups of one channel and one output."""
    return node.op == "conv" and node.attrs["groups"] == weight[0] > 1 and weight[1] == 1


@dataclass
class Layer:
    """A layer, the from_int8 or own_range that it reads through views, and its weight."""

    node: Node
    source: Node
    views: list[Node]
    grid: Grid

    @property
    def depthwise(self) -> bool:
        """Whether it is a convolution of single channels with few enough taps for floats."""
        shape = self.grid.numbers.shape
        return is_depthwise(self.node, shape) and int(np.prod(shape[1:])) <= MAX_FLOAT_TAPS


class Int8Layers(Rule[Layer]):
    """conv and dense become qconv and qdense."""

    ops = frozenset({"conv", "dense"})

    def pattern(self, node: Node) -> Layer | None:
        """A weight with a grid, or binary, behind 8-bit numbers."""
        weight = self.graph.values[node.inputs[1]]
        source, views = behind(self.graph, node.inputs[0])
        if source is None or source.op not in SOURCES or weight.const is None:
            return None
        if weight.const.dtype == np.int8:
            return Layer(node, source, views, Grid(weight.const, np.ones(1, np.float32)))
        grid = weight.grid
        by_output = grid is not None and grid.scale.size in (1, grid.scale.shape[0])
        return Layer(node, source, views, grid) if grid is not None and by_output else None

    def check(self, match: Layer) -> str | None:
        """The length of its dot products."""
        taps = int(np.prod(match.grid.numbers.shape[1:]))
        return f"its dot products have {taps} elements" if taps > MAX_DOT_8 else None

    def rewrite(self, match: Layer) -> None:
        """The integer layers, and the affine that makes their sum what it stands for."""
        node, source, graph = match.node, match.source, self.graph
        by_floats = match.depthwise and source.op == "from_int8"
        numbers = [match.grid.numbers] if by_floats else int8.parts(match.grid.numbers)
        layer = self._float_layer if by_floats else self._layer
        total, *others = [layer(match, part) for part in numbers]
        for other in others:
            both = self.value_like(node.output, f"{node.output}.sum")
            graph.insert_before(node, Node("add", [total, other], [both], {}, node.sources))
            total = both
        scale = self._scale(match, len(match.grid.numbers))
        constants = [graph.add_const(data, "scale") for data in (scale, np.zeros_like(scale))]
        graph.insert_before(
            node, Node("affine", [total, *constants], node.outputs, {}, node.sources)
        )
        graph.remove(node)
        for row in self.context.report.rows:
            if row.output == node.attrs.get("result", node.output):
                row.kind = INT8 if row.kind == FLOAT else row.kind
                own = ", of the range that its input has in each run"
                row.reason += f"; on 8-bit numbers{own if source.op == 'own_range' else ''}"
                row.reason += ", added as floats, as exactly: depthwise" if by_floats else ""
                if others:
                    row.reason += f"; in {len(numbers)} parts, as its weight is not in -127..127"
                    row.advice = "quantise its weight to int8, symmetrically (zero point 0)"

    def _layer(self, match: Layer, numbers: Array) -> str:
        """The integer layer with these weights; the name of its result."""
        node = match.node
        product = self.value_like(node.output, f"{node.output}.q")
        x = repeated(self.graph, match.source.inputs[0], match.views, node)
        inputs = [x, self.graph.add_const(numbers, "weight")]
        attrs = {**node.attrs, "zero": match.source.attrs.get("zero")}
        self.graph.insert_before(node, Node(f"q{node.op}", inputs, [product], attrs, node.sources))
        return product

    def _float_layer(self, match: Layer, numbers: Array) -> str:
        """The same with the float kernels, which are made for one channel: all sums are integers that floats hold."""
        graph, node = self.graph, match.node
        x = repeated(graph, match.source.inputs[0], match.views, node)
        floats, product = (
            self.value_like(x, f"{x}.floats"),
            self.value_like(node.output, f"{node.output}.q"),
        )
        attrs = {"scale": 1.0, "zero": match.source.attrs["zero"]}
        weight = graph.add_const(numbers.astype(np.float32), "weight")
        graph.insert_before(
            node,
            Node("from_int8", [x], [floats], attrs),
            Node(node.op, [floats, weight], [product], dict(node.attrs), node.sources),
        )
        return product

    def _scale(self, match: Layer, outputs: int) -> Array:
        """Scale of the input times that of each output's weights, [O]."""
        of_input = np.float64(np.float32(match.source.attrs.get("scale", 1)))
        both = of_input * match.grid.scale.reshape(-1)
        scale: Array = np.broadcast_to(both.astype(np.float32), (outputs,)).copy()
        return scale
