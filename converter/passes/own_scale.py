# SPDX-License-Identifier: BSD-3-Clause
"""Layers whose numbers are made in each run take in the scale that stands behind them:

    x -> own_numbers -> conv(n) -> mul(t * own_scale(x)) -> y      x -> own_range -> conv(n) -> mul(t) -> y

(dense likewise; t: constants). This is how onnxruntime writes dynamic quantisation: DynamicQuantizeLinear, ConvInteger or
MatMulInteger, Cast, Mul. passes/int8.py makes one layer of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.dab_model import MAX_DOT_8
from converter.errors import ConversionError
from converter.graph import Array, Node
from converter.ops import OPERATIONS
from converter.passes.rule import Rule
from converter.passes.views import VIEWS, behind, repeated


@dataclass
class Scaled:
    """A layer, the input of its numbers, views of them, the product with their scale, the layer's operand of it, and t."""

    node: Node
    x: str
    views: list[Node]
    product: Node
    at: int
    factor: Array


class OwnScale(Rule[Scaled]):
    """The scale goes into the layer."""

    ops = frozenset({"conv", "dense"})

    def pattern(self, node: Node) -> Scaled | None:
        """A layer of such numbers. Raises ConversionError where its result is not multiplied with their scale alone."""
        maker, views = behind(self.graph, node.inputs[0])
        if maker is None or maker.op != "own_numbers":
            return None
        found = self._product(node, maker.inputs[0], views)
        if found is None:
            raise ConversionError(
                f"{node.describe()}: its result must be read by one Mul, whose other input is the scale of its "
                "DynamicQuantizeLinear times constants; or convert the float model with --int8 dynamic"
            )
        taps = int(np.prod(self.graph.shape(node.inputs[1])[1:]))
        if taps > MAX_DOT_8:
            raise ConversionError(
                f"{node.describe()}: its dot products have {taps} elements, more than {MAX_DOT_8}; leave it float"
            )
        return found

    def rewrite(self, match: Scaled) -> None:
        """The layer reads x, the product a constant."""
        own = self.value_like(match.x, f"{match.x}.own")
        self.graph.insert_before(match.node, Node("own_range", [match.x], [own]))
        match.node.inputs[0] = repeated(self.graph, own, match.views, match.node)
        match.product.inputs[1 - match.at] = self.graph.add_const(match.factor, "scale")

    def _product(self, node: Node, x: str, views: list[Node]) -> Scaled | None:
        """The Mul behind the layer, through views."""
        value = node.output
        while self.graph.single_use(value):
            (reader,) = self.graph.consumers(value)
            if reader.op == "mul":
                at = reader.inputs.index(value)
                factor, power = self._scale(reader.inputs[1 - at], x)
                return Scaled(node, x, views, reader, at, factor) if power == 1 else None
            if reader.op not in VIEWS:
                return None
            value = reader.output
        return None

    def _scale(self, name: str, x: str) -> tuple[Array, int]:
        """What a value is for own_scale(x) = 1, and the power of that in it; any other value has power 2."""
        data, maker = self.graph.const(name), self.graph.producer(name)
        if data is not None:
            return data, 0
        if maker is not None and maker.op == "own_scale" and maker.inputs[0] == x:
            return np.ones(1, np.float32), 1
        if maker is None or maker.op not in ("mul", "affine", *VIEWS):
            return np.ones(1, np.float32), 2
        inputs, powers = zip(*(self._scale(operand, x) for operand in maker.inputs), strict=True)
        if maker.op == "affine" and np.any(inputs[2]):
            return inputs[0], 2
        if maker.op == "reshape":
            return inputs[0].reshape(self.graph.shape(name)), powers[0]
        return OPERATIONS[maker.op].reference(*inputs, **maker.attrs), sum(powers)
