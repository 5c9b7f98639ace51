# SPDX-License-Identifier: BSD-3-Clause
"""8-bit quantisation of the layers that stay non-binary, by inputs that show what values they meet: `--int8 FILE.npz`.

Static and by min and max (Jacob et al. 2018, section 2.1; Krishnamoorthi 2018, section 3): an activation has one scale and a
zero point from the smallest and the largest value in all samples, a weight one scale per output and no zero point. Binary
layers stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from converter import int8, interp
from converter.dab_model import MAX_DOT_8
from converter.errors import ConversionError
from converter.graph import Array, Graph, Node
from converter.lowering.needs import VIEWS
from converter.passes.affines import MergeAffines
from converter.passes.int8 import Int8Layers
from converter.passes.rule import Context, Mode, SignZero, apply
from converter.progress import Tell, silent
from converter.report import Report
from converter.verify_inputs import Arrays
from converter.verify_runners import library

LABELS = ("labels", "y")
ANY_INPUT = "x"  # what the only input may be called


@dataclass
class Samples:
    """Inputs of the network, and for each the number of the right output if that is known."""

    inputs: list[Arrays]
    labels: Array | None


def read(path: Path, graph: Graph) -> Samples:
    """An npz file with an array [samples, ...] for each input of the graph."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise ConversionError(f"{path}: it cannot be read as an npz file: {error}") from None
    if len(graph.inputs) == 1 and graph.inputs[0] not in arrays and ANY_INPUT in arrays:
        arrays[graph.inputs[0]] = arrays[ANY_INPUT]
    inputs = {name: _of_input(path, arrays, graph, name) for name in graph.inputs}
    counts = {len(array) for array in inputs.values()}
    if len(counts) > 1 or 0 in counts:
        raise ConversionError(
            f"{path}: its arrays have {sorted(counts)} samples; each input needs the same number, at least 1"
        )
    (count,) = counts
    labels = next((arrays[name].reshape(-1) for name in LABELS if name in arrays), None)
    if labels is not None and len(labels) != count:
        raise ConversionError(f"{path}: it has {len(labels)} labels for {count} samples")
    rows = [
        {name: array[i : i + 1].reshape(graph.shape(name)) for name, array in inputs.items()}
        for i in range(count)
    ]
    return Samples(rows, labels)


def _of_input(path: Path, arrays: Mapping[str, Array], graph: Graph, name: str) -> Array:
    shape = graph.shape(name)
    if name not in arrays:
        raise ConversionError(
            f"{path}: it has no array '{name}' for this input of the network; it has: {', '.join(sorted(arrays)) or 'nothing'}"
        )
    array = np.asarray(arrays[name])
    if array.ndim == 0 or array.size != len(array) * int(np.prod(shape)):
        raise ConversionError(
            f"{path}: array '{name}' has shape {list(array.shape)}; it must be samples x {list(shape[1:])}"
        )
    if array.dtype.kind not in "fiu" or not np.all(np.isfinite(array)):
        raise ConversionError(f"{path}: array '{name}' holds something else than finite numbers")
    return array.astype(np.float32)


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


def quantise(graph: Graph, samples: Samples, report: Report, tell: Tell = silent) -> None:
    """Let conv and dense compute with 8 bits, in place; the rows of the report say so."""
    layers = [
        node
        for node in graph.nodes
        if node.op in ("conv", "dense")
        and int(np.prod(graph.shape(node.inputs[1])[1:])) <= MAX_DOT_8
    ]
    ranges = _ranges(graph, samples, {node.inputs[0] for node in layers}, tell)
    quantiser = _Quantiser(graph)
    for node in layers:
        scale, zero = int8.parameters(*ranges[node.inputs[0]])
        numbers = quantiser.of(node.inputs[0], scale, zero)
        floats = graph.add_value(graph.fresh(f"{numbers}.floats"), graph.shape(numbers)).name
        graph.nodes.append(Node("from_int8", [numbers], [floats], {"scale": scale, "zero": zero}))
        weight = graph.const(node.inputs[1])
        assert weight is not None
        node.inputs[0] = floats
        if weight.dtype != np.int8:
            grid = int8.quantise_weight(weight)
            node.inputs[1] = graph.add_const(grid.floats(), "weight")
            graph.values[node.inputs[1]].grid = grid
    graph.sort()
    context = Context(Mode.AGGRESSIVE, SignZero.AUTO, report)
    for rule in (Int8Layers, MergeAffines):
        apply(rule, graph, context)


def _ranges(
    graph: Graph, samples: Samples, names: set[str], tell: Tell
) -> dict[str, tuple[float, float]]:
    """Smallest and largest element of values over all samples."""
    ends = dict.fromkeys(names, (np.inf, -np.inf))
    for number, inputs in enumerate(samples.inputs, 1):
        tell(f"calibrating: sample {number} of {len(samples.inputs)}")
        values = interp.run(graph, inputs)
        for name, (low, high) in ends.items():
            ends[name] = min(low, float(values[name].min())), max(high, float(values[name].max()))
    for name, (low, high) in ends.items():
        if not np.isfinite([low, high]).all():
            raise ConversionError(
                f"value '{name}' is not finite for a calibration sample; check the samples"
            )
    return ends


def compare(before: bytes, after: bytes, graph: Graph, samples: Samples) -> str:
    """File sizes, the largest change of an output over the samples, and with labels the accuracy of both files."""
    runs = [library(data) for data in (before, after)]
    results = [[run(inputs) for inputs in samples.inputs] for run in runs]
    lines = [f"8 bits: file {len(before)} -> {len(after)} bytes"]
    for name in graph.outputs:
        old, new = (np.stack([row[name].ravel() for row in rows]) for rows in results)
        largest = float(np.abs(old).max()) or 1.0
        error = float(np.abs(new - old).max()) / largest
        line = f"output '{name}': largest change {error:.1e} of the largest magnitude"
        if samples.labels is not None and len(graph.outputs) == 1:
            shares = [100 * float(np.mean(r.argmax(1) == samples.labels)) for r in (old, new)]
            line += f"; accuracy {shares[0]:.2f} -> {shares[1]:.2f} %"
        lines.append(f"{line} ({len(samples.inputs)} samples)")
    return "\n".join(lines)
