# SPDX-License-Identifier: BSD-3-Clause
"""8-bit quantisation of the layers that stay non-binary: `--int8 FILE.npz` (static) and `--int8 dynamic`.

By smallest and largest value (Jacob et al. 2018, section 2.1; Krishnamoorthi 2018, section 3): an activation has one scale
and a zero point, a weight one scale per output and no zero point. Static: the range of an activation is that of all samples,
or with a percentile of most of their elements. Dynamic: the file says that a layer takes the range of its input in each run.
Binary layers stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from converter import int8, interp
from converter.dab_model import MAX_DOT_8
from converter.errors import ConversionError
from converter.graph import Array, Graph, Node
from converter.lowering.needs import VIEWS
from converter.passes.affines import MergeAffines
from converter.passes.int8 import Int8Layers, is_depthwise
from converter.passes.rule import Context, Mode, SignZero, apply
from converter.progress import Tell, silent
from converter.report import Report
from converter.samples import Samples


@dataclass
class _Quantiser:
    """Puts to_int8 in front of layers, once per value."""

    graph: Graph
    numbers: dict[tuple[str, float, int], str] = field(default_factory=dict)

    def of(self, name: str, scale: float, zero: int) -> str:
        """A value as 8-bit numbers; transposes and reshapes move these instead of floats."""
        key = (name, scale, zero)
        if key not in self.numbers:
            output = self.graph.add_value(
                self.graph.fresh(f"{name}.int8"), self.graph.shape(name)
            ).name
            maker = self.graph.producer(name)
            if maker is not None and maker.op in VIEWS:
                source = self.of(maker.inputs[0], scale, zero)
                node = Node(maker.op, [source], [output], dict(maker.attrs), maker.sources)
            else:
                node = Node("to_int8", [name], [output], {"scale": scale, "zero": zero})
            self.graph.nodes.append(node)
            self.numbers[key] = output
        return self.numbers[key]

    def floats(self, name: str, scale: float, zero: int) -> str:
        """What the numbers of a value stand for."""
        numbers = self.of(name, scale, zero)
        output = self.graph.add_value(self.graph.fresh(f"{numbers}.floats"), self.graph.shape(name))
        attrs = {"scale": scale, "zero": zero}
        self.graph.nodes.append(Node("from_int8", [numbers], [output.name], attrs))
        return output.name


def static(
    graph: Graph,
    samples: Samples,
    report: Report,
    percentile: float = 100.0,
    tell: Tell = silent,
) -> None:
    """Let conv and dense compute with 8 bits, in place; the rows of the report say so.

    `percentile`: the share of the elements of each activation that its range holds at either end, in percent.
    """
    layers = _layers(graph)
    names = {node.inputs[0] for node in layers}
    ranges = _ranges(graph, samples, names, percentile, tell)
    quantiser = _Quantiser(graph)
    for node in layers:
        scale, zero = int8.parameters(*ranges[node.inputs[0]])
        node.inputs[0] = quantiser.floats(node.inputs[0], scale, zero)
    _rewrite(graph, layers, report)


def dynamic(graph: Graph, report: Report) -> None:
    """The same with the range that each layer's input has in each run."""
    layers = _layers(graph)
    for node in layers:
        name = node.inputs[0]
        output = graph.add_value(graph.fresh(f"{name}.own"), graph.shape(name)).name
        graph.nodes.append(Node("own_range", [name], [output]))
        node.inputs[0] = output
    _rewrite(graph, layers, report)


def _layers(graph: Graph) -> list[Node]:
    """What gains by 8 bits: not depthwise convolutions, which have hardly any weights and fast float kernels."""
    return [
        node
        for node in graph.nodes
        if node.op in ("conv", "dense")
        and int(np.prod(graph.shape(node.inputs[1])[1:])) <= MAX_DOT_8
        and not is_depthwise(node, graph.shape(node.inputs[1]))
    ]


def _rewrite(graph: Graph, layers: list[Node], report: Report) -> None:
    """8-bit weights for the layers, and the layers themselves."""
    for node in layers:
        weight = graph.const(node.inputs[1])
        assert weight is not None
        if weight.dtype != np.int8:
            grid = int8.quantise_weight(weight)
            node.inputs[1] = graph.add_const(grid.floats(), "weight")
            graph.values[node.inputs[1]].grid = grid
    graph.sort()
    context = Context(Mode.AGGRESSIVE, SignZero.AUTO, report)
    for rule in (Int8Layers, MergeAffines):
        apply(rule, graph, context)


class _Ends:
    """The smallest and the largest `count` elements of what was added."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.smallest = self.largest = np.zeros(0, np.float32)

    def add(self, x: Array) -> None:
        """Take the elements of an array into account."""
        low, high = (np.concatenate([end, x.ravel()]) for end in (self.smallest, self.largest))
        count = min(self.count, len(low))
        self.smallest = np.partition(low, count - 1)[:count]
        self.largest = np.partition(high, -count)[-count:]

    @property
    def range(self) -> tuple[float, float]:
        """The inner ends of both."""
        return float(self.smallest.max()), float(self.largest.min())


def _ranges(
    graph: Graph, samples: Samples, names: set[str], percentile: float, tell: Tell
) -> dict[str, tuple[float, float]]:
    """Between which numbers the elements of values are, over all samples."""
    beyond = (100 - percentile) / 100 * len(samples.inputs)
    ends = {name: _Ends(int(beyond * np.prod(graph.shape(name))) + 1) for name in names}
    for number, inputs in enumerate(samples.inputs, 1):
        tell(f"calibrating: sample {number} of {len(samples.inputs)}")
        values = interp.run(graph, inputs)
        for name, end in ends.items():
            if not np.isfinite(values[name]).all():
                raise ConversionError(
                    f"value '{name}' is not finite for a calibration sample; check the samples"
                )
            end.add(values[name])
    return {name: end.range for name, end in ends.items()}
