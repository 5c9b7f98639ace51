# SPDX-License-Identifier: BSD-3-Clause
"""Compare a converted network, run by the library, with what onnxruntime says of its source.

Where the conversion changed the network on purpose (signs inserted, weights forced), the same is done to the ONNX graph
first. Where the conversion gave a sign to the 0 that ONNX's Sign gives for 0, the ONNX graph gets the same.

A sign turns a difference in the last place into one of 2. So where the library and onnxruntime differ, numpy computes
the source with its weights moved by what rounding may do to a sum: if this changes the result too, then rounding
decides that input, and it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from converter import interp
from converter.errors import ConversionError
from converter.fold import first_line
from converter.graph import Array, Graph, Value
from converter.onnx_file import inline
from converter.onnx_import import from_model, label
from converter.report import Report

TOLERANCE = 1e-4  # of the largest magnitude of an output
SEED = 20
NOISE, DRAWS = (
    4e-6,
    8,
)  # share by which weights are moved to see whether rounding decides, and how often

Arrays = dict[str, Array]
Runner = Callable[[Arrays], Arrays]


def verify(path: Path, dab: bytes, report: Report, zero: int = 1) -> str:
    """Say how far the converted network is from its source, or raise ConversionError if too far.

    `zero` is what the conversion made of Sign(0) in the nodes that `report.zeros` names.
    """
    library = _library(dab)
    proto = inline(onnx.load(str(path)))
    _replace_signs(proto.graph, report.zeros, zero)
    for row in report.rows:
        _binarise(proto.graph, row.output, row.inserted_sign, row.forced)
    graph = from_model(proto)
    oracle, name = _runtime(proto, graph)
    worst = dict.fromkeys(graph.outputs, 0.0)
    undecided, cases = 0, make_inputs(graph)
    for inputs in cases.values():
        want = oracle(inputs)
        errors = _errors(library(inputs), want)
        if max(errors.values()) > TOLERANCE and _rounding_decides(graph, inputs):
            undecided += 1
        else:
            worst = {key: max(worst[key], errors[key]) for key in worst}
    lines = [
        f"output '{key}': largest error {worst[key]:.1e} of the largest magnitude" for key in worst
    ]
    head = f"compared with {name} on {len(cases)} inputs"
    if undecided:
        head += f", of which rounding decides {undecided}"
    if max(worst.values()) > TOLERANCE:
        raise ConversionError(f"{head}: {'; '.join(lines)}; allowed is {TOLERANCE:.0e}")
    if 2 * undecided > len(cases):
        raise ConversionError(f"{head}: too many to say that the results are equal")
    return "\n".join([f"verified: {head}", *lines])


def make_inputs(graph: Graph) -> dict[str, Arrays]:
    """Random numbers of several kinds, from a fixed seed, and constant pictures."""
    rng = np.random.default_rng(SEED)
    kinds: dict[str, Callable[[tuple[int, ...]], Array]] = {
        "normal": rng.standard_normal,
        "normal, again": rng.standard_normal,
        "wide": lambda shape: 10 * rng.standard_normal(shape),
        "0 to 1": rng.random,
        "-1 to 1": lambda shape: 2 * rng.random(shape) - 1,
        "bytes": lambda shape: rng.integers(0, 256, shape),
        "zeros": np.zeros,
        "ones": np.ones,
        "minus ones": lambda shape: -np.ones(shape),
    }
    return {
        kind: {name: np.asarray(make(graph.shape(name)), np.float32) for name in graph.inputs}
        for kind, make in kinds.items()
    }


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


def _rounding_decides(graph: Graph, inputs: Arrays) -> bool:
    """Whether moving all weights of the source by a hair changes its outputs beyond the tolerance."""
    want = _numpy(graph)(inputs)
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        moved = Graph(graph.name)
        moved.nodes, moved.inputs, moved.outputs = graph.nodes, graph.inputs, graph.outputs
        moved.values = {name: _moved(value, rng) for name, value in graph.values.items()}
        if max(_errors(_numpy(moved)(inputs), want).values()) > TOLERANCE:
            return True
    return False


def _moved(value: Value, rng: np.random.Generator) -> Value:
    """The same value; if a float constant, with each element multiplied by nearly 1."""
    if value.const is None or value.dtype != np.float32:
        return value
    noise = 1 + NOISE * rng.standard_normal(value.shape)
    return replace(value, const=np.asarray(value.const * noise, np.float32))


# -- who computes --------------------------------------------------------------------------------
def _library(dab: bytes) -> Runner:
    try:
        import pylibbnn
    except ImportError as error:
        raise ConversionError(
            f"--verify needs pylibbnn with its compiled library ({first_line(error)}); "
            "install it with: pip install ."
        ) from None
    try:
        model = pylibbnn.Model(dab)
    except pylibbnn.BnnError as error:
        raise ConversionError(f"the library refuses the converted network: {error}") from error

    def run(inputs: Arrays) -> Arrays:
        result: Any = model.run(inputs)
        return result if isinstance(result, dict) else {model.outputs[0].name: result}

    return run


def _numpy(graph: Graph) -> Runner:
    def run(inputs: Arrays) -> Arrays:
        values = interp.run(graph, inputs)
        return {name: values[name] for name in graph.outputs}

    return run


def _runtime(proto: onnx.ModelProto, graph: Graph) -> tuple[Runner, str]:
    """onnxruntime, or numpy for float16 networks and where onnxruntime does not know the operators."""
    try:
        import onnxruntime
    except ImportError:
        raise ConversionError(
            "--verify needs onnxruntime; install it with: pip install onnxruntime"
        ) from None
    types = {i.name: i.type.tensor_type.elem_type for i in proto.graph.input}
    if any(types[name] != TensorProto.FLOAT for name in graph.inputs):
        return _numpy(graph), "numpy in float32 (the source is not)"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Its optimisations change results: a Pad of 0 is merged into a MaxPool, for one.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has an exception type for each of its status codes
        return _numpy(graph), f"numpy (onnxruntime cannot load the source: {first_line(error)})"

    def run(inputs: Arrays) -> Arrays:
        return dict(zip(graph.outputs, session.run(graph.outputs, inputs), strict=True))

    return run, f"onnxruntime {onnxruntime.__version__}"


# -- the same changes as the conversion made -----------------------------------------------------
def _two_valued(graph: onnx.GraphProto, x: str, y: str, zero: int) -> list[onnx.NodeProto]:
    """y = x >= 0 ? +1 : -1 (zero = -1: x > 0) of operators that every opset has."""
    names = [f"{y}:{part}" for part in ("zero", "two", "one", "compared", "float", "doubled")]
    for name, value in zip(names[:3], (0, -2 * zero, zero), strict=True):
        graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    compare = "Less" if zero > 0 else "Greater"
    return [
        helper.make_node(compare, [x, names[0]], [names[3]]),
        helper.make_node("Cast", [names[3]], [names[4]], to=TensorProto.FLOAT),
        helper.make_node("Mul", [names[4], names[1]], [names[5]]),
        helper.make_node("Add", [names[5], names[2]], [y]),
    ]


def _insert(graph: onnx.GraphProto, at: int, nodes: list[onnx.NodeProto]) -> None:
    for offset, node in enumerate(nodes):
        graph.node.insert(at + offset, node)


def _replace_signs(graph: onnx.GraphProto, labels: Sequence[str], zero: int) -> None:
    """Sign(0) becomes `zero` in the nodes named. A Pad in front moves behind, because its own 0 stays 0."""
    pads = {n.output[0]: n for n in graph.node if n.op_type == "Pad"}
    for node in [n for n in graph.node if n.op_type == "Sign" and label(n) in labels]:
        at = list(graph.node).index(node)
        x, y = node.input[0], node.output[0]
        if x in pads:
            unpadded = f"{y}:unpadded"
            pad = onnx.NodeProto.FromString(pads[x].SerializeToString())
            source, pad.input[0], pad.output[0], pad.name = pad.input[0], unpadded, y, ""
            nodes = [*_two_valued(graph, source, unpadded, zero), pad]
        else:
            nodes = _two_valued(graph, x, y, zero)
        graph.node.remove(node)
        _insert(graph, at, nodes)


def _binarise(graph: onnx.GraphProto, output: str, sign: bool, forced: bool) -> None:
    """Put a sign in front of the input (sign) and of the weight (forced) of the node that writes `output`."""
    for index, wanted in enumerate((sign, forced)):
        if wanted:
            node = next(n for n in graph.node if output in n.output)
            signed = f"{output}:signed:{index}"
            nodes = _two_valued(graph, node.input[index], signed, 1)
            node.input[index] = signed
            _insert(graph, list(graph.node).index(node), nodes)
