# SPDX-License-Identifier: BSD-3-Clause
"""Published architectures as PyTorch's exporters and tf2onnx write them: tests/converter/zoo.

A sign whose argument lies closer to 0 than rounding of floats reaches may fall either way, and then results differ by far more
than rounding. So inputs are taken for which the argument of every sign of the source network keeps a distance from 0: there
all decisions are the same in every sound implementation, and what is left is the rounding of float layers.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import dab, interp, lower, onnx_import, passes
from converter.dab_model import Kind
from converter.graph import Graph
from converter.report import BINARY, BINARY_WEIGHT, FLOAT, Report
from onnx_builder import session
from targets import Target

ROOT = Path(__file__).resolve().parents[2]
ZOO = ROOT / "tests" / "converter" / "zoo"
#: Smallest |x| / max|x| allowed before a sign: some 100 units in the last place of float32.
DISTANCE = 1e-5
#: Largest difference from onnxruntime allowed, as a share of the largest magnitude of the output.
TOLERANCE = 3e-6
IMAGES = 3
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Expected:
    """What must become of an architecture: numbers of layers, borders of the binary ones, why the others are not."""

    binary: int
    real: int
    borders: frozenset[int | None]
    binary_weight: int = 0
    blurs: int = 0


ZERO, PAD, DENSE = 0, -1, None
EXPECTED = {
    "bireal18": Expected(16, 5, frozenset({ZERO})),
    "reactnet_a": Expected(31, 2, frozenset({ZERO, DENSE})),
    "xnor_alexnet": Expected(6, 2, frozenset({ZERO, DENSE})),
    # The means under the windows of K are convolutions too, with one positive weight.
    "xnor_alexnet_scaled": Expected(6, 2, frozenset({ZERO, DENSE}), binary_weight=4),
    "binarynet_cifar10": Expected(8, 0, frozenset({ZERO, DENSE}), binary_weight=1),
    "binary_densenet28": Expected(23, 5, frozenset({PAD})),
    "meliusnet": Expected(6, 5, frozenset({PAD})),
    "quicknet": Expected(4, 5, frozenset({+1}), blurs=1),
    "real_to_binary": Expected(4, 12, frozenset({ZERO})),
    "binary_unet": Expected(14, 3, frozenset({ZERO})),
    "quicknet_nhwc": Expected(4, 5, frozenset({+1}), blurs=1),
    "binarynet_nhwc": Expected(6, 0, frozenset({ZERO, DENSE}), binary_weight=1),
}
EXPORTERS = ("_legacy", "_dynamo")
FILES = {path.stem: path for path in sorted(ZOO.glob("*.onnx"))}


def expected(name: str) -> Expected:
    for exporter in EXPORTERS:
        name = name.removesuffix(exporter)
    return EXPECTED[name]


@lru_cache
def converted(name: str, mode: str) -> tuple[bytes, Report]:
    graph = onnx_import.load(FILES[name])
    report = passes.run(graph, mode)
    return lower.lower(graph, {"producer": "test"}), report


def distance(graph: Graph, x: Array) -> float:
    """Smallest magnitude of what stands before a sign, as a share of the largest in its tensor."""
    values = interp.run(graph, {graph.inputs[0]: x})
    shares = []
    for node in graph.nodes:
        if node.op == "sign":
            size = np.abs(values[node.inputs[0]])
            shares.append(float(size.min() / size.max()))
    return min(shares)


@lru_cache
def images(name: str) -> tuple[Array, Array]:
    """Random inputs whose signs rounding cannot turn, and onnxruntime's outputs."""
    graph = onnx_import.load(FILES[name])
    rng = np.random.default_rng(5)
    found: list[Array] = []
    for _ in range(40):
        x = rng.standard_normal(graph.shape(graph.inputs[0])).astype(np.float32)
        if distance(graph, x) > DISTANCE:
            found.append(x)
        if len(found) == IMAGES:
            break
    assert len(found) == IMAGES
    runtime = session(FILES[name])
    return np.stack(found), np.stack([runtime.run(None, {graph.inputs[0]: x})[0] for x in found])


def test_all_files_are_expected() -> None:
    """No file without expectation, none missing: both of PyTorch's exporters for each of its architectures."""
    nhwc = {name for name in EXPECTED if name.endswith("_nhwc")}
    torch = {name + exporter for name in set(EXPECTED) - nhwc for exporter in EXPORTERS}
    assert set(FILES) == torch | nhwc


@pytest.mark.parametrize("mode", ["moderate", pytest.param("aggressive", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FILES)
def test_layers(name: str, mode: str) -> None:
    """Every layer that its authors made binary is binary, without hints; every other has its reason."""
    want = expected(name)
    _, report = converted(name, mode)
    kinds = {
        kind: [row for row in report.rows if row.kind == kind]
        for kind in (BINARY, BINARY_WEIGHT, FLOAT)
    }
    assert len(kinds[BINARY]) == want.binary
    assert {row.border for row in kinds[BINARY]} == want.borders
    assert not report.changed
    assert len(kinds[BINARY_WEIGHT]) == want.binary_weight
    assert all("its input is real-valued" in row.reason for row in kinds[BINARY_WEIGHT])
    reasons = [row.reason for row in kinds[FLOAT]]
    assert sum("weight is real-valued" in reason for reason in reasons) == want.real
    blurs = [reason for reason in reasons if "weight is real-valued" not in reason]
    assert len(blurs) == want.blurs
    assert all("3 values: 0.0625, 0.125, 0.25" in reason for reason in blurs)


@pytest.mark.parametrize("name", FILES)
def test_file_holds_binary_layers(name: str) -> None:
    """The .dab file has a binary op for each of them, nothing of the surrogate gradients, and is smaller."""
    data, _ = converted(name, "moderate")
    model = dab.read(data)
    binary = [op for op in model.ops if op.kind in (Kind.BCONV2D, Kind.BDENSE)]
    assert len(binary) == expected(name).binary
    assert len(data) < FILES[name].stat().st_size / 2


@pytest.mark.parametrize("name", FILES)
def test_outputs(name: str, target: Target, isa: str | None) -> None:
    """onnxruntime's outputs on every machine."""
    x, want = images(name)
    model = target.load(converted(name, "moderate")[0], isa)
    got = np.stack([model.run([image])[0] for image in x])
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_exported_again(tmp_path: Path) -> None:
    """What the installed PyTorch exports converts to the same layers as the committed files."""
    command = [sys.executable, "-m", "tests.converter.zoo.export", "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for name in FILES:
        graph = onnx_import.load(tmp_path / f"{name}.onnx")
        again = passes.run(graph, "moderate")
        _, report = converted(name, "moderate")
        assert [(row.kind, row.border, row.taps, row.outputs) for row in again.rows] == [
            (row.kind, row.border, row.taps, row.outputs) for row in report.rows
        ]
