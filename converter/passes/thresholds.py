# SPDX-License-Identifier: BSD-3-Clause
"""Signs of binary dot products become integer comparisons.

    q -> bconv(s) -> dot -> [affine, clip, prelu ...] -> quantise -> y    q -> bconv(s') -> dot' -> threshold(t) -> y

y = dot' >= t ? +1 : -1, and s'[c] = -s[c] where y falls as the dot product grows. All dot products that can occur are sent
through the float32 nodes as they stand, so t is exactly theirs. Where y falls, the channel's weights are negated, and so is
what other readers of the dot product get (an affine of +-1). A constant channel has t = INT32_MIN or INT32_MAX. The nodes in
between stay for other readers (a shortcut needs the floats).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converter.errors import ConversionError
from converter.graph import Array, Graph, Node
from converter.ops.window import geometry_of
from converter.passes.region import Region, cuts
from converter.passes.rule import Rule, SignZero, channels, merged

INT32 = np.iinfo(np.int32)
CHUNK = 1 << 23  # elements evaluated at once


@dataclass
class Found:
    """The nodes from a dot product to its sign; `check` fills the rest: threshold [C] and channels that fall."""

    region: Region
    dot: Node
    threshold: Array | None = None
    falls: Array | None = None


class Thresholds(Rule[Found]):
    """bconv and bdense followed by a sign write bits."""

    ops = frozenset({"quantise"})

    def pattern(self, node: Node) -> Found | None:
        """A quantise that depends on one dot product only."""
        for region in cuts(self.graph, node.output):
            producer = self.graph.producer(region.source)
            if producer is not None and producer.op in ("bconv", "bdense"):
                return Found(region, producer)
        return None

    def check(self, match: Found) -> str | None:
        """Evaluate the nodes for every dot product; each channel must change its sign at most once."""
        region, dot = match.region, match.dot
        dots = possible_dots(self.graph, dot)
        positive = self._signs(region, dots, noted=True)
        changes = positive[1:] != positive[:-1]
        if np.any(changes.sum(0) > 1):
            channel = int((changes.sum(0) > 1).argmax())
            return f"the sign of channel {channel} changes more than once over the dot products"
        falls = falling(positive)
        if np.any(falls) and (self._committed(dot) or self._waits(match, dots, falls)):
            return "another sign of the same dot product fixes the sign of its weights"
        at = changes.argmax(0)
        first = np.where(falls, -dots[at], dots[np.minimum(at + 1, len(dots) - 1)])
        constant = np.where(positive[0], INT32.min, INT32.max)
        match.threshold = np.where(changes.any(0), first, constant).astype(np.int32)
        match.falls = falls
        return None

    def _signs(self, region: Region, dots: Array, noted: bool) -> Array:
        """Whether y is +1, for each dot product and channel [n, C]; what becomes of an exact 0 is noted where asked for."""
        count = channels(self.graph.shape(region.output))
        step = max(1, CHUNK // count)
        asked = self.context.sign_zero
        side = -1 if asked is SignZero.MINUS else 1
        parts = []
        for first in range(0, len(dots), step):
            part = dots[first : first + step]
            x = np.broadcast_to(part.astype(np.float32)[:, None], (len(part), count))
            zero = region.evaluate(x) == 0
            if noted and asked in (SignZero.AUTO, SignZero.ERROR):
                refuse_zero(region, part, zero)
            elif noted and np.any(zero):
                self.context.report.decided_zero(region.sources)
            parts.append(region.evaluate(x, side) > 0)
        return np.concatenate(parts)

    def _waits(self, match: Found, dots: Array, falls: Array) -> bool:
        """Whether the turn of another sign of the same dot product is first, whatever the nodes' order."""
        for node in self.graph.nodes:
            if node.op not in self.ops or node.output == match.region.output:
                continue
            other = self.pattern(node)
            if other is None or other.dot is not match.dot:
                continue
            positive = self._signs(other.region, dots, noted=False)
            once = np.all((positive[1:] != positive[:-1]).sum(0) <= 1)
            if once and falling(positive).tobytes() < falls.tobytes():
                return True
        return False

    def _committed(self, dot: Node) -> bool:
        return any(node.op == "threshold" for node in self.graph.consumers(dot.output))

    def rewrite(self, match: Found) -> None:
        """threshold in place of quantise; negated weights where needed."""
        region, dot, graph = match.region, match.dot, self.graph
        assert match.threshold is not None
        assert match.falls is not None
        last = region.nodes[-1]
        limits = graph.add_const(match.threshold, "threshold")
        graph.insert_after(
            dot, Node("threshold", [dot.output, limits], [region.output], {}, region.sources)
        )
        graph.remove(last)
        graph.prune()
        if np.any(match.falls):
            negate(graph, dot, match.falls)


def falling(positive: Array) -> Array:
    """Channels whose sign goes from +1 to -1 as the dot product grows."""
    return np.asarray(positive[0] & ~positive[-1])


def refuse_zero(region: Region, dots: Array, zero: Array) -> None:
    """Raise where a dot product gives exactly the 0 for which ONNX Sign gives 0."""
    if not np.any(zero):
        return
    row, channel = (int(i) for i in np.argwhere(zero)[0])
    names = " -> ".join(f"'{name}'" for name in region.sources) or f"'{region.output}'"
    raise ConversionError(
        f"node {names}: Sign meets exactly 0 when the dot product in front is {int(dots[row])} "
        f"(channel {channel}), and ONNX Sign gives 0 there, which one bit cannot hold; say what it "
        "becomes with --sign-zero +1 or --sign-zero -1"
    )


def negate(graph: Graph, dot: Node, falls: Array) -> None:
    """Negate weights of channels; readers other than thresholds get the old dot product through an affine."""
    sign = np.where(falls, -1, 1).astype(np.int8)
    weight = graph.const(dot.inputs[1])
    assert weight is not None
    flipped = weight * sign.reshape(-1, *(1,) * (weight.ndim - 1))
    dot.inputs[1] = graph.add_const(flipped, "weight")
    others = [node for node in graph.consumers(dot.output) if node.op != "threshold"]
    if others or graph.is_output(dot.output):
        old = dot.output
        dot.outputs = [graph.fresh(old)]
        graph.add_value(dot.output, graph.shape(old))
        for node in graph.consumers(old):
            if node.op == "threshold":
                node.inputs[0] = dot.output
        zeros = np.zeros(len(sign), np.float32)
        operands = [graph.add_const(sign.astype(np.float32), "mul"), graph.add_const(zeros, "add")]
        graph.insert_after(
            dot, Node("affine", [dot.output, *operands], [old], {}, merged(dot.sources))
        )


def possible_dots(graph: Graph, node: Node) -> Array:
    """All dot products that can occur, sorted (int64); at least two, perhaps equal: a layer may see nothing but its border.

    With an exact 0 border the number of terms varies.
    """
    weight = graph.const(node.inputs[1])
    assert weight is not None
    inputs = int(weight.shape[1])
    counts = {int(np.prod(weight.shape[1:]))}
    if node.op == "bconv" and node.attrs["border"] == 0:
        geometry = geometry_of(weight.shape[2:], node.attrs)
        size, output = graph.shape(node.inputs[0])[2:], graph.shape(node.output)[2:]
        taps = []
        for axis in (0, 1):
            first = np.arange(output[axis]) * geometry.strides[axis] - geometry.pads[axis]
            at = first[:, None] + np.arange(geometry.kernel[axis]) * geometry.dilations[axis]
            taps.append(np.unique(((at >= 0) & (at < size[axis])).sum(1)))
        counts = {int(inputs * h * w) for h in taps[0] for w in taps[1]}
    dots = np.unique(np.concatenate([np.arange(-k, k + 1, 2) for k in counts]))
    return dots if len(dots) > 1 else np.repeat(dots, 2)
