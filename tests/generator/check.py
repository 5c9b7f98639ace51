# SPDX-License-Identifier: BSD-3-Clause
"""Is what the converter makes of a network the same network? And if not, where does it go wrong?"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converter import dab, dab_run, interp, passes
from converter.errors import ConversionError
from converter.graph import Graph
from converter.lower import lower
from converter.onnx_import import from_model
from converter.passes import Mode
from converter.report import BINARY, Report, Row
from converter.verify_source import changed
from generator.exact import QONNX
from onnx_builder import Array, runtime
from pylibbnn import Model

Arrays = dict[str, Array]
Run = Callable[[bytes, list[Array]], list[Array]]

#: What was run so far in this process.
SEEN: Counter[str] = Counter()
#: The one reason for which a network of the generator may be refused; then it is converted with the sign of 0 given.
SIGN_ZERO = "Sign meets exactly 0"
#: Of the largest magnitude, in networks of real numbers; and the share by which they are moved to see whether rounding decides.
TOLERANCE, NOISE, DRAWS = 1e-4, 4e-6, 6


@dataclass(frozen=True)
class Conversion:
    """A converted network. `graph`: after the passes."""

    graph: Graph
    report: Report
    dab: bytes


def convert(
    model: onnx.ModelProto, mode: Mode = Mode.MODERATE, folder: Path = Path()
) -> Conversion:
    """Convert without changing results: with the sign of 0 given where asked for, and strictly where signs were inserted.

    `folder` has the model's external data.
    """
    zero = "auto"
    while True:
        graph = from_model(model, folder)
        try:
            report = passes.run(graph, mode, sign_zero=zero)
        except ConversionError as error:
            if SIGN_ZERO not in str(error) or zero != "auto":
                raise
            zero = "+1"
            continue
        if not report.changed:
            return Conversion(graph, report, lower(graph, {}))
        mode = Mode.STRICT


def promised(model: onnx.ModelProto) -> set[str]:
    """Outputs of the layers that the generator made to be binary."""
    return set(facts(model).get("binary", "").split())


def exact(model: onnx.ModelProto) -> bool:
    """Whether no sum of the network rounds."""
    return facts(model).get("exact") == "1"


def facts(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def samples(graph: Graph, is_exact: bool) -> list[Arrays]:
    """Inputs: quarters within +-2, zeros of both signs among them, or normal random numbers."""
    rng = np.random.default_rng(1)

    def make(name: str) -> Array:
        shape = graph.shape(name)
        if not is_exact:
            return np.clip(rng.standard_normal(shape), -2, 2).astype(np.float32)
        data = (rng.integers(-8, 9, shape) / 4).astype(np.float32)
        return np.where(data == 0, rng.choice(np.array([-0.0, 0.0], np.float32), shape), data)

    return [{name: make(name) for name in graph.inputs} for _ in range(2)]


def native(data: bytes, inputs: list[Array]) -> list[Array]:
    """Run the library in this process."""
    model = Model(data)
    named = zip((tensor.name for tensor in model.inputs), inputs, strict=True)
    result = model.run(dict(named))
    return list(result.values()) if isinstance(result, dict) else [result]


def equal(got: Sequence[Array], want: Sequence[Array], tolerance: float) -> bool:
    """Whether all outputs agree: bit for bit (but for the sign of 0), or within a share of the largest magnitude."""
    for g, w in zip(got, want, strict=True):
        if g.shape != w.shape or not np.all(np.isfinite(g) | ~np.isfinite(w)):
            return False
        if np.max(np.abs(g - w), initial=0.0) > tolerance * np.max(np.abs(w), initial=0.0):
            return False
    return True


def source_of(model: onnx.ModelProto, report: Report) -> onnx.ModelProto:
    """The model in plain ONNX, with a sign where the conversion gave one to ONNX Sign's 0."""
    if not report.zeros:
        return plain(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return plain(changed(path, report, 1))


def plain(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without QONNX's BipolarQuant, which onnxruntime does not know."""
    if not any(node.domain == QONNX for node in model.graph.node):
        return model
    result = onnx.ModelProto.FromString(model.SerializeToString())
    del result.graph.node[:]
    result.graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "zero"))
    for node in model.graph.node:
        if node.domain == QONNX:
            (x, scale), y = node.input, node.output[0]
            above, below = f"{y}.above", f"{y}.below"
            result.graph.node.extend(
                (
                    helper.make_node("GreaterOrEqual", [x, "zero"], [above]),
                    helper.make_node("Neg", [scale], [below]),
                    helper.make_node("Where", [above, scale, below], [y], name=node.name),
                )
            )
        else:
            result.graph.node.append(node)
    return result


def rounding_decides(model: onnx.ModelProto, inputs: Arrays, want: Sequence[Array]) -> bool:
    """Whether moving all numbers of a model of real numbers by a hair changes its results: then they prove nothing."""
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)

        def moved(data: Array, rng: np.random.Generator = rng) -> Array:
            noise = 1 + NOISE * rng.standard_normal(data.shape)
            return np.asarray(data * noise, np.float32) if data.dtype == np.float32 else data

        other = onnx.ModelProto.FromString(model.SerializeToString())
        values = [a.t for n in other.graph.node if n.op_type == "Constant" for a in n.attribute]
        for tensor in (*other.graph.initializer, *values):
            data = moved(numpy_helper.to_array(tensor))
            tensor.CopyFrom(numpy_helper.from_array(data, tensor.name))
        if not equal(runtime(other, {k: moved(x) for k, x in inputs.items()}), want, TOLERANCE):
            return True
    return False


def is_binary(row: Row) -> bool:
    """Whether a layer became binary; one whose input turns out to be constant need not."""
    return row.kind == BINARY or "its input is always" in row.reason


def check(model: onnx.ModelProto, run: Run = native, mode: Mode = Mode.MODERATE) -> Conversion:
    """Convert, run, compare with onnxruntime; AssertionError says what differs and who is wrong."""
    done = convert(model, mode)
    SEEN["graphs"] += 1
    if done.report.mode == Mode.MODERATE.value:
        rows = {row.output: row for row in done.report.rows}
        missed = [rows[name] for name in sorted(promised(model)) if not is_binary(rows[name])]
        assert not missed, "; ".join(f"{row.node} is {row.kind}: {row.reason}" for row in missed)
    source = source_of(model, done.report)
    imported, tolerance = from_model(source), 0.0 if exact(model) else TOLERANCE
    for inputs in samples(imported, exact(model)):
        want = runtime(source, inputs)
        got = run(done.dab, [inputs[name] for name in imported.inputs])
        SEEN["real runs"] += not exact(model)
        if equal(got, want, tolerance):
            continue
        if not exact(model) and rounding_decides(source, inputs, want):
            SEEN["undecided"] += 1
            continue
        raise AssertionError(_blame(imported, done, inputs, want, got, tolerance))
    return done


def _blame(
    imported: Graph,
    done: Conversion,
    inputs: Arrays,
    want: list[Array],
    got: list[Array],
    tolerance: float,
) -> str:
    """Which stage is the first that does not agree with onnxruntime."""
    ordered = [inputs[name] for name in imported.inputs]

    def interpreted(graph: Graph) -> list[Array]:
        values = interp.run(graph, inputs)
        return [values[name] for name in graph.outputs]

    stages: dict[str, Callable[[], list[Array]]] = {
        "the import (its numpy interpreter)": lambda: interpreted(imported),
        "the passes (numpy interpreter of their result)": lambda: interpreted(done.graph),
        "lowering (numpy run of the .dab file)": lambda: dab_run.run(dab.read(done.dab), ordered),
    }
    culprit = next((k for k, f in stages.items() if not equal(f(), want, tolerance)), "the library")
    worst = [float(np.max(np.abs(g - w))) for g, w in zip(got, want, strict=True)]
    return f"results differ by {worst} from onnxruntime's; the first that differs: {culprit}\n{done.report}"
