# SPDX-License-Identifier: BSD-3-Clause
"""Trained and exported networks, from the ONNX file to every machine's answer.

The networks of ../shared/models are no part of the project; without them those tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

from converter import dab, interp, lower, onnx_import, passes
from converter.dab_model import Kind, Step
from converter.report import BINARY, BINARY_WEIGHT, FLOAT
from onnx_builder import session
from targets import Target

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "models"
DIGITS = ROOT / "examples" / "digits"
SPELLINGS = (
    "pad_detach_legacy",
    "pad_signp_dynamo",
    "pad_signp_legacy",
    "pad_torch_dynamo",
    "pad_where_legacy",
    "xnor_nin_legacy",
)
Array = npt.NDArray[Any]


def shared(name: str) -> Path:
    """Return a network that is not part of the project, or skip the test."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"../shared/models/{name} is not there")
    return path


@lru_cache
def converted(path: Path) -> bytes:
    """Convert as the command line does by default."""
    graph = onnx_import.load(path)
    passes.run(graph, passes.Mode.AGGRESSIVE)
    return lower.lower(graph, {"producer": "test"})


#: Binary, binary-weight and float layers in moderate and aggressive mode, and the borders of the binary ones.
LAYERS: dict[str, tuple[int, int, int, set[int | None]]] = {
    "bnn_pynq/cnv_w1a1_cifar10": (8, 1, 0, {None}),
    "bnn_pynq/lfc_w1a1_mnist": (4, 0, 0, {None}),
    "qonnx/TFC_1W1A": (4, 0, 0, {None}),
    "spellings/xnor_nin_legacy": (5, 0, 2, {0, None}),
    **{f"spellings/{name}": (1, 0, 1, {-1}) for name in SPELLINGS if name.startswith("pad")},
}
#: The only one whose weights show no sign in the graph.
FOLDED = "spellings/xnor_nin_legacy"


def run(target: Target, data: bytes, images: Iterable[Array], isa: str | None) -> Array:
    """Run single images and return the first outputs, stacked."""
    model = target.load(data, isa)
    return np.concatenate([model.run([image[np.newaxis]])[0] for image in images])


def onnxruntime_outputs(path: Path, x: Array) -> Array:
    """Return what onnxruntime makes of single images."""
    runtime = session(path)
    given = runtime.get_inputs()[0]  # initializers may be listed behind it
    return np.concatenate([runtime.run(None, {given.name: image[np.newaxis]})[0] for image in x])


@lru_cache
def random_images(path: Path) -> tuple[Array, Array]:
    """Return random inputs of a network and onnxruntime's outputs."""
    (given,) = onnx.load(str(path)).graph.input
    shape = [4, *(dim.dim_value for dim in given.type.tensor_type.shape.dim[1:])]
    x = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    return x, onnxruntime_outputs(path, x)


def source_bytes(path: Path) -> float:
    """Return what a packed model should take: a bit per binary weight, four bytes per other parameter."""
    graph = onnx_import.load(path)
    report = passes.run(graph, passes.Mode.AGGRESSIVE)
    binary = sum(row.bytes_before for row in report.rows if row.kind != "float") // 4
    initializers = onnx.load(str(path)).graph.initializer
    floats = sum(int(np.prod(tensor.dims)) for tensor in initializers) - binary
    return binary / 8 + 4 * floats


def test_cnv_is_exact(target: Target, isa: str | None) -> None:
    """Trained CNV (CIFAR-10): logits equal to the expected ones, bit for bit, on every machine and variant."""
    data = converted(shared("bnn_pynq/cnv_w1a1_cifar10.onnx"))
    expected = np.load(shared("bnn_pynq/cnv_w1a1_cifar10_io.npz"))
    logits = run(target, data, expected["x"], isa)
    np.testing.assert_array_equal(logits, expected["logits"])
    np.testing.assert_array_equal(logits[:5].argmax(1), [4, 4, 0, 5, 1])


def test_cnv_is_binary_with_integer_thresholds() -> None:
    model = dab.read(converted(shared("bnn_pynq/cnv_w1a1_cifar10.onnx")))
    layers = [
        op for op in model.ops if op.kind in (Kind.CONV2D, Kind.DENSE, Kind.BCONV2D, Kind.BDENSE)
    ]
    assert [op.kind for op in layers] == [Kind.CONV2D] + [Kind.BCONV2D] * 5 + [Kind.BDENSE] * 3
    assert all(op.steps == [Step.EMIT_INT] for op in layers[1:-1])


def test_lfc(target: Target, isa: str | None) -> None:
    """Trained LFC (MNIST): its last BatchNormalization rounds, the bits before it are exact."""
    data = converted(shared("bnn_pynq/lfc_w1a1_mnist.onnx"))
    expected = np.load(shared("bnn_pynq/lfc_w1a1_mnist_io.npz"))
    logits = run(target, data, expected["x"], isa)
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-2)
    np.testing.assert_array_equal(logits.argmax(1), expected["logits"].argmax(1))


def test_lfc_hidden_bits() -> None:
    """All hidden signs are those of the source, image by image: the recognised graph against the imported one."""
    path = shared("bnn_pynq/lfc_w1a1_mnist.onnx")
    source, binary = onnx_import.load(path), onnx_import.load(path)
    passes.run(binary, passes.Mode.AGGRESSIVE)
    hidden = [node.output for node in binary.nodes if node.op in ("quantise", "threshold")]
    assert len(hidden) == 4
    for x in np.load(shared("bnn_pynq/lfc_w1a1_mnist_io.npz"))["x"]:
        inputs = {source.inputs[0]: x[np.newaxis]}
        expected, found = interp.run(source, inputs), interp.run(binary, inputs)
        for name in hidden:
            np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("mode", list(passes.Mode))
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, mode: passes.Mode) -> None:
    """Each layer has its kind and border in each mode, without a change of the function."""
    graph = onnx_import.load(shared(f"{name}.onnx"))
    report = passes.run(graph, mode)
    *counts, borders = LAYERS[name]
    if name == FOLDED and mode is passes.Mode.STRICT:
        counts, borders = [0, 0, sum(counts)], set()
    assert [report.count(kind) for kind in (BINARY, BINARY_WEIGHT, FLOAT)] == counts
    assert {row.border for row in report.rows if row.kind == BINARY} == borders
    assert not report.changed


def without_bipolar_quant(path: Path) -> onnx.ModelProto:
    """The network with (x < 0 ? -1 : +1) * scale in place of QONNX's BipolarQuant, as the dialect defines it."""
    model = onnx.load(str(path))
    for name, value in (("zero", 0), ("minus", -1), ("plus", 1)):
        model.graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "BipolarQuant":
            model.graph.node.append(node)
            continue
        (x, scale), (y,) = node.input, node.output
        model.graph.node.extend(
            [
                onnx.helper.make_node("Less", [x, "zero"], [f"{y}_less"]),
                onnx.helper.make_node("Where", [f"{y}_less", "minus", "plus"], [f"{y}_sign"]),
                onnx.helper.make_node("Mul", [f"{y}_sign", scale], [y]),
            ]
        )
    return model


def test_tfc(target: Target, isa: str | None, tmp_path: Path) -> None:
    """Trained TFC (MNIST) in the QONNX dialect, on pixels of 8 bits: one half, where its first sign turns, is none of them."""
    path, plain = shared("qonnx/TFC_1W1A.onnx"), tmp_path / "plain.onnx"
    onnx.save(without_bipolar_quant(path), str(plain))
    pixels = np.random.default_rng(3).integers(0, 256, (20, 1, 28, 28)) / 255
    expected = onnxruntime_outputs(plain, pixels.astype(np.float32))
    logits = run(target, converted(path), pixels.astype(np.float32), isa)
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", SPELLINGS)
def test_spelling(name: str, target: Target, isa: str | None) -> None:
    """What PyTorch exports converts and gives onnxruntime's answer."""
    path = shared(f"spellings/{name}.onnx")
    x, expected = random_images(path)
    found = run(target, converted(path), x, isa)
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert error <= 1e-4


def test_digits(target: Target, isa: str | None) -> None:
    """The project's own network predicts on every machine what onnxruntime does."""
    images = np.load(DIGITS / "test.npz")["x"][:60]
    expected = onnxruntime_outputs(DIGITS / "digits.onnx", images)
    found = run(target, converted(DIGITS / "digits.onnx"), images, isa)
    np.testing.assert_array_equal(found.argmax(1), expected.argmax(1))


@pytest.mark.parametrize(
    "name",
    [
        *(f"spellings/{s}" for s in SPELLINGS),
        "bnn_pynq/cnv_w1a1_cifar10",
        "bnn_pynq/lfc_w1a1_mnist",
    ],
)
def test_file_is_small(name: str) -> None:
    path = shared(f"{name}.onnx")
    assert len(converted(path)) <= 1.05 * source_bytes(path) + 4096


def test_digits_file_is_small() -> None:
    path = DIGITS / "digits.onnx"
    assert len(converted(path)) <= 1.05 * source_bytes(path) + 4096
