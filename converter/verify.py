# SPDX-License-Identifier: BSD-3-Clause
"""Compare a converted network, run by the library, with what onnxruntime says of its source.

Where the conversion changed the network on purpose (signs inserted, weights forced), the same is done to the ONNX graph
first. Where the conversion gave a sign to the 0 that ONNX's Sign gives for 0, the ONNX graph gets the same.

A sign turns a difference in the last place into one of 2, rounding to 8 bits into one of a quantum. So where the library
and onnxruntime differ, numpy computes the source with its weights and the scales of its 8-bit numbers moved by what rounding
may do to a sum, and its denormal inputs as 0: if this changes the result too, then rounding decides that input, and it
proves nothing. Sums of integers do not round, so theirs are not moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from converter import interp, lower
from converter.errors import ConversionError
from converter.graph import Array, Graph, Node, Value
from converter.onnx_import import from_model
from converter.progress import Tell, silent
from converter.report import Report
from converter.verify_inputs import RANDOM_INPUTS, Arrays, make_inputs
from converter.verify_runners import by_numpy, by_runtime, library
from converter.verify_source import changed

TOLERANCE = 1e-4  # of the largest magnitude of an output
#: Share by which weights are moved to see whether rounding decides, and how often.
NOISE, DRAWS = 4e-6, 16


@dataclass
class Source:
    """What is compared with: the graph as imported, and the model that it comes from."""

    graph: Graph
    proto: onnx.ModelProto


def verify(
    source: Path | onnx.ModelProto,
    dab: bytes,
    report: Report,
    zero: int = 1,
    count: int = RANDOM_INPUTS,
    converted: Graph | None = None,
    tell: Tell = silent,
) -> str:
    """Say how far the converted network is from its source, or raise ConversionError if too far.

    `source`: the ONNX file, or what another format says in ONNX. `zero`: what the conversion made of Sign(0) in the nodes
    that `report.zeros` names. `count`: number of random inputs. `converted`: the graph after all passes; with it, values at
    thresholds are tried, and a failure names the first tensor that differs. `tell` hears how far it is.
    """
    run = library(dab)
    compared = _source(source, report, zero)
    graph = compared.graph
    oracle, name = by_runtime(compared.proto, graph, graph.outputs)
    worst = dict.fromkeys(graph.outputs, 0.0)
    undecided, failed = 0, ""
    cases = make_inputs(graph, count, converted)
    for number, (kind, inputs) in enumerate(cases.items(), 1):
        tell(f"verifying: input {number} of {len(cases)} ({kind})")
        errors = _errors(run(inputs), oracle(inputs))
        if max(errors.values()) > TOLERANCE and _rounding_decides(graph, inputs, graph.outputs):
            undecided += 1
            continue
        worst = {key: max(worst[key], errors[key]) for key in worst}
        if max(errors.values()) > TOLERANCE:
            failed = failed or kind
    lines = [
        f"output '{key}': largest error {worst[key]:.1e} of the largest magnitude" for key in worst
    ]
    head = f"compared with {name} on {len(cases)} inputs"
    if undecided:
        head += f", of which rounding decides {undecided}"
    if failed:
        lines.append(f"allowed is {TOLERANCE:.0e}; the first input that fails is '{failed}'")
        if converted is not None:
            lines.append(_first_difference(compared, converted, cases[failed], tell))
        raise ConversionError(f"{head}: {'; '.join(lines)}")
    if 2 * undecided > len(cases):
        raise ConversionError(
            f"{head}: too many to say that the results are equal (signs of an untrained network stand at ties)"
        )
    return "\n".join([f"verified: {head}", *lines])


def _source(source: Path | onnx.ModelProto, report: Report, zero: int) -> Source:
    proto = changed(source, report, zero)
    return Source(from_model(proto, source.parent if isinstance(source, Path) else Path()), proto)


def _errors(got: Mapping[str, Array], want: Mapping[str, Array]) -> dict[str, float]:
    """Largest difference per output, as a share of its largest magnitude; infinite for NaN or another shape."""
    errors = {}
    for name, expected in want.items():
        actual = got[name]
        if actual.shape != expected.shape or not np.all(np.isfinite(actual)):
            errors[name] = np.inf
            continue
        scale = float(np.max(np.abs(expected))) or 1.0
        errors[name] = float(np.max(np.abs(actual - expected))) / scale
    return errors


# -- what rounding may do ------------------------------------------------------------------------
def _rounding_decides(graph: Graph, inputs: Arrays, names: list[str]) -> bool:
    """Whether moving the source's weights by a hair, or rounding denormals, changes tensors beyond the tolerance."""
    values = interp.run(graph, inputs)
    want = {name: values[name] for name in names}
    inexact = {
        constant
        for node in graph.nodes
        if not np.array_equal(values[node.output], np.round(values[node.output]))
        for constant in node.inputs
    }
    return any(
        max(_errors(result, want).values()) > TOLERANCE
        for result in _nearby(graph, inputs, names, inexact)
    )


def _nearby(graph: Graph, inputs: Arrays, names: list[str], inexact: set[str]) -> Iterator[Arrays]:
    """Results of networks and inputs that differ from the given ones by roundings.

    Constants that are not `inexact` stay: what is computed with them is integer and does not round.
    """
    tiny = np.finfo(np.float32).tiny
    flushed = {name: np.where(np.abs(x) < tiny, np.float32(0), x) for name, x in inputs.items()}
    yield by_numpy(graph, names)(flushed)
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        moved = _part(graph, graph.outputs)
        moved.values |= {
            name: _moved(value, rng) for name, value in graph.values.items() if name in inexact
        }
        moved.nodes = [_rescaled(graph, node, rng) for node in moved.nodes]
        yield by_numpy(moved, names)(inputs)


def _moved(value: Value, rng: np.random.Generator) -> Value:
    """The same value; if a float constant, with each element multiplied by nearly 1."""
    if value.const is None or value.dtype != np.float32:
        return value
    noise = 1 + NOISE * rng.standard_normal(value.shape)
    return replace(value, const=np.asarray(value.const * noise, np.float32))


def _rescaled(graph: Graph, node: Node, rng: np.random.Generator) -> Node:
    """The same node; if it makes or reads 8-bit numbers, with a scale for each that is multiplied by nearly 1."""
    if node.op not in ("to_int8", "from_int8"):
        return node
    noise = 1 + NOISE * rng.standard_normal(graph.shape(node.output))
    return replace(node, attrs={**node.attrs, "scale": node.attrs["scale"] * noise})


# -- where it goes wrong -------------------------------------------------------------------------
def _first_difference(source: Source, converted: Graph, inputs: Arrays, tell: Tell) -> str:
    """Name the first tensor that source and result both have and that differs.

    Tensors that keep their name in a conversion keep their meaning, so the converted graph is cut behind each in turn and run
    by the library.
    """
    written = [name for node in converted.nodes for name in node.outputs]
    shared = [name for name in written if _comparable(source, converted, name)]
    wanted = by_runtime(source.proto, source.graph, shared)[0](inputs)
    for number, name in enumerate(shared, 1):
        tell(f"looking for the first difference: tensor {number} of {len(shared)} ('{name}')")
        try:
            part = _part(converted, [name])
            got = library(lower.lower(part, {}))(inputs)
        except ConversionError:
            continue  # a part of what can be lowered as a whole only
        error = _errors(got, {name: wanted[name]})[name]
        if error <= TOLERANCE or _rounding_decides(source.graph, inputs, [name]):
            continue
        own = _errors(by_numpy(converted, [name])(inputs), {name: wanted[name]})[name]
        where = "layout or the library" if own <= TOLERANCE else "the rewrites of the graph"
        node = converted.producer(name)
        label = node.describe() if node is not None else "the graph"
        return f"the first tensor that differs is '{name}' ({label}), by {error:.1e}: a mistake of {where}"
    return f"none of the {len(shared)} tensors in between differs when it is computed by itself"


def _comparable(source: Source, converted: Graph, name: str) -> bool:
    """Whether a tensor of the result is a float tensor of the source, too."""
    values = [graph.values.get(name) for graph in (source.graph, converted)]
    if any(value is None or value.dtype != np.float32 for value in values):
        return False
    return any(name in node.output for node in source.proto.graph.node)


def _part(graph: Graph, outputs: list[str]) -> Graph:
    """A graph with the same nodes and values, as far as the outputs need them."""
    part = Graph(graph.name)
    part.nodes, part.values = list(graph.nodes), dict(graph.values)
    part.inputs, part.outputs = list(graph.inputs), list(outputs)
    if outputs != graph.outputs:
        part.prune()
    return part
