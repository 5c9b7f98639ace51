# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions and dense layers become binary, or keep float inputs with binary weights, or stay as they are.

    v -> conv(w) -> y       q -> bconv(s, border) -> affine(mul, add) -> y        v = a * q + b, w[o] = alpha[o] * s[o]
    x -> conv(w) -> y       x -> conv(s) -> affine(alpha, 0) -> y                 x real-valued, w[o] = alpha[o] * s[o]

(dense likewise); mul = a * alpha, add = b * alpha * sum(s[o]). The affine is left out where it does nothing. Where all |w| of a
channel are bit-equal the result is that of the source model up to the rounding of its sums; else alpha is their mean, and the
report says how far they are from it.

A border t other than -1, 0 and +1 is a mix: y is the sum of the results with borders of +1 and of -1, by factors of
mul * (1 + t) / 2 and mul * (1 - t) / 2. Both have the same weights; away from the border they are the same integers.

strict: the weight must have gone through a sign in the source graph (attribute `weight_source` of the importer, or nothing
but -1 and +1 in it), the input must be -1 and +1, and no convolution may pad it with 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.graph import Array, Node
from converter.layout import pixel_bytes
from converter.lowering.needs import is_narrow
from converter.passes.advice import REAL, SHOW, advise_input, advise_weight
from converter.passes.operand import BORDERS, Operand, find_operand
from converter.passes.origin import span, story
from converter.passes.rule import Mode, Rule
from converter.passes.values import Fact, facts
from converter.passes.weights import BinaryWeight, alpha_range, binary_weight, weight_text
from converter.report import BINARY, BINARY_WEIGHT, FLOAT, Row

#: The file format counts taps in 16 bits.
MAX_TAPS = 65534
#: Distance of |w| from alpha, as a share of it, that float32 arithmetic on weights leaves: not worth a word.
ROUNDING = 1e-6


@dataclass
class Layer:
    """A layer, what was found about it, and its row of the report."""

    node: Node
    row: Row
    weight: BinaryWeight | None = None
    operand: Operand | None = None
    refusal: str = ""


class Binarise(Rule[Layer]):
    """conv and dense become bconv and bdense where that is right; every one gets a row of the report."""

    ops = frozenset({"conv", "dense"})
    repeat = False
    _facts: dict[str, Fact] | None = None

    def pattern(self, node: Node) -> Layer | None:
        """Every layer."""
        if self._facts is None:
            self._facts = facts(self.graph)
        return Layer(node, self._row(node))

    def _row(self, node: Node) -> Row:
        shape = self.graph.shape(node.inputs[1])
        name = node.attrs.get("result", node.output)
        row = Row(node.sources[0] if node.sources else name, name, node.op)
        row.taps, row.outputs = int(np.prod(shape[1:])), shape[0]
        row.bytes_before = row.bytes_after = 4 * row.taps * row.outputs
        row.multiply_adds = row.taps * int(np.prod(self.graph.shape(node.output)))
        row.inserted_sign = "inserted" in node.attrs
        row.forced = bool(node.attrs.get("forced"))
        if "part" not in node.attrs:
            self.context.report.rows.append(row)
        return row

    def check(self, match: Layer) -> str | None:
        """Looks at the weight, then at the input."""
        assert self._facts is not None
        row, data = match.row, self.constant(match.node.inputs[1])
        weight = binary_weight(data)
        row.input = story(self.graph, self._facts, match.node.inputs[0])
        if isinstance(weight, str):
            row.weight, row.advice = weight.removeprefix("its weight "), advise_weight(data)
            return weight
        row.weight, row.alpha = weight_text(weight), alpha_range(weight)
        if "pair" in match.node.attrs:
            row.weight = "holds {:g} and {:g}".format(*match.node.attrs["pair"])
        free = "asked" in match.node.attrs
        if self.context.mode is Mode.STRICT and not free and not self._shown(match.node, weight):
            row.advice = SHOW
            return (
                f"strict: its weight is +-{span(weight.alpha)}, but the graph does not show a Sign "
                "on it; --moderate judges by its values"
            )
        match.weight = weight
        operand = find_operand(self.graph, self._facts, match.node)
        match.refusal = (
            self._unfit(match, operand, free) if isinstance(operand, Operand) else operand
        )
        if isinstance(operand, Operand) and not match.refusal:
            match.operand = operand
        return None

    def _shown(self, node: Node, weight: BinaryWeight) -> bool:
        return weight.plain or node.attrs.get("weight_source") == "sign"

    def _unfit(self, match: Layer, operand: Operand, free: bool) -> str:
        """Why a two-valued input does not make this layer binary."""
        if match.row.taps > MAX_TAPS:
            return f"its dot products have {match.row.taps} terms, more than {MAX_TAPS}"
        if match.node.op == "dense" and self.graph.shape(match.node.inputs[0])[0] != 1:
            return "its input has more than one row"
        if self.context.mode is Mode.STRICT and not free:
            if (operand.scale, operand.offset) != (1, 0):
                return "strict: its input is two-valued, but not -1 and +1"
            if operand.border not in (None, -1, 1):
                return (
                    f"strict: it pads with {operand.border:g}, which is neither -1 nor +1; --moderate gives it its "
                    "exact meaning"
                )
        return ""

    def refused(self, match: Layer, reason: str) -> None:
        """The layer stays a float layer."""
        match.row.kind, match.row.reason = FLOAT, reason

    def rewrite(self, match: Layer) -> None:
        """Binary if there is a binary operand, else binary weights."""
        assert match.weight is not None
        if match.operand is None:
            match.row.reason = f"its weight is binary, but {match.refusal}"
            assert self._facts is not None
            strict = match.refusal.startswith("strict")
            match.row.advice = SHOW if strict else advise_input(self.graph, self._facts, match.node)
            self._binary_weight(match, match.weight)
        else:
            self._binary(match, match.weight, match.operand)
        if match.weight.error > ROUNDING:
            match.row.reason += (
                f" (alpha is the mean of |w|, they differ by up to {match.weight.error:.1e} of it)"
            )

    def _binary_weight(self, match: Layer, weight: BinaryWeight) -> None:
        node, row = match.node, match.row
        row.kind = BINARY_WEIGHT
        row.bytes_after = _blocks(row, node) * row.taps
        if weight.plain and self.constant(node.inputs[1]).dtype == np.int8:
            return
        node.inputs[1] = self.graph.add_const(weight.signs, "weight")
        self._scale(node, weight.alpha, np.zeros_like(weight.alpha))

    def _binary(self, match: Layer, weight: BinaryWeight, operand: Operand) -> None:
        node, row, graph = match.node, match.row, self.graph
        row.kind, row.border = BINARY, operand.border
        mixed = operand.border not in BORDERS
        blocks = _blocks(row, node) + ("pair" in node.attrs)  # one more for the sum of all inputs
        row.bytes_after = blocks * 8 * self._packed(node, operand)
        row.reason = self._praise(node, weight, operand)
        if node.op == "conv" and is_narrow(node, weight.signs.shape):
            row.bytes_after = _blocks(row, node) * row.taps
            row.reason += (
                f"; computed on floats, as exactly: bits of groups of {weight.signs.shape[1]} would take "
                f"{_blocks(row, node) * 8 * self._packed(node, operand)} bytes (speed: "
                "about the same on x86, not measured on ARM)"
            )
        row.advice = REAL if row.inserted_sign or row.forced else ""
        signs = operand.value
        if not operand.signs:
            signs = self._requantise(node, operand)
        node.op = "b" + node.op
        node.inputs = [signs, graph.add_const(weight.signs, "weight")]
        if node.op == "bconv":
            node.attrs["pads"] = operand.pads
            node.attrs["border"] = -1 if mixed or operand.border is None else operand.border
        if operand.pad is not None:
            row.fused = list(operand.pad.sources)
        totals = weight.signs.reshape(len(weight.signs), -1).sum(1, dtype=np.float64)
        mul = (operand.scale * weight.alpha.astype(np.float64)).astype(np.float32)
        # From the rounded factor: values 0 and a, whose sum is exactly 0, shall give exactly 0.
        add = mul * (operand.offset / operand.scale * totals)
        if mixed and operand.border is not None:
            row.reason += f"; its border of {operand.border:g} is a mix of two convolutions, with borders of -1 and +1"
            self._mix(node, operand.border, mul, add)
        else:
            self._scale(node, mul, add)

    def _mix(self, node: Node, border: float, mul: Array, add: Array) -> None:
        """The node (its border is -1) and another one with a border of +1, added up."""
        graph, output = self.graph, node.output
        attrs = {key: value for key, value in node.attrs.items() if key != "result"}
        other = Node(node.op, list(node.inputs), [output], {**attrs, "border": 1}, node.sources)
        graph.insert_after(node, other)
        parts = []
        for part, factor, shift in ((node, 1 - border, 0 * add), (other, 1 + border, add)):
            part.outputs = [self.value_like(output, f"{output}.part")]
            parts.append(part.output)
            self._scale(part, mul * np.float32(factor / 2), shift)
        last = next(n for n in graph.nodes[::-1] if parts[1] in n.outputs)
        graph.insert_after(last, Node("add", parts, [output], {}, list(node.sources)))

    def _packed(self, node: Node, operand: Operand) -> int:
        """Bytes of one output's weight; a dense layer's has the layout of the image that was flattened for it."""
        shape = self.graph.shape(node.inputs[1])
        pixels, channels = int(np.prod(shape[2:])), shape[1]
        producer = self.graph.producer(operand.value)
        if node.op == "dense" and producer is not None and producer.op == "reshape":
            image = self.graph.shape(producer.inputs[0])
            pixels, channels = int(np.prod(image[2:])), image[1]
        return pixels * pixel_bytes(channels)

    def _praise(self, node: Node, weight: BinaryWeight, operand: Operand) -> str:
        low, high = sorted((operand.offset - operand.scale, operand.offset + operand.scale))
        changes = [
            text
            for attribute, text in (
                ("inserted", "sign inserted in front"),
                ("forced", "weight replaced by its sign"),
            )
            if attribute in node.attrs
        ]
        if not changes:
            values = "-1 or 1" if weight.plain else "+-alpha"
            if "pair" in node.attrs:
                values = "{:g} or {:g}, and what all weights have in common takes one more output".format(
                    *node.attrs["pair"]
                )
            return f"its input is {low:g} or {high:g}, its weight is {values}"
        return f"{' and '.join(changes)} ({node.attrs['asked']}): its results are not the model's"

    def _requantise(self, node: Node, operand: Operand) -> str:
        """Bits from a tensor that is known to be two-valued but is not written as bits."""
        graph, x = self.graph, operand.value
        shape = graph.shape(x)
        count = shape[1] if len(shape) > 1 else shape[0]
        threshold = graph.add_const(np.full(count, operand.upper, np.float32), "threshold")
        flip = graph.add_const(np.zeros(count, bool), "flip")
        signs = self.value_like(x, f"{x}.bits")
        graph.insert_before(node, Node("quantise", [x, threshold, flip], [signs], {}, []))
        return signs

    def _scale(self, node: Node, mul: Array, add: Array) -> None:
        """An affine behind the node, which takes over the name of its output."""
        mul, add = mul.astype(np.float32), add.astype(np.float32)
        if np.all(mul == 1) and not np.any(add):
            return
        graph, output = self.graph, node.output
        node.outputs = [self.value_like(output, f"{output}.sum")]
        operands = [graph.add_const(mul, "mul"), graph.add_const(add + np.float32(0), "add")]
        graph.insert_after(
            node, Node("affine", [node.output, *operands], [output], {}, list(node.sources))
        )


def _blocks(row: Row, node: Node) -> int:
    """Blocks of 8 outputs in the packed weight."""
    groups = node.attrs.get("groups", 1)
    blocks: int = groups * -(-(row.outputs // groups) // 8)
    return blocks
