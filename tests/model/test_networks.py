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

from converter import dab, interp, lower, onnx_import, passes
from converter.dab_model import Kind, Step
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


def run(target: Target, data: bytes, images: Iterable[Array], isa: str | None) -> Array:
    """Run single images and return the first outputs, stacked."""
    model = target.load(data, isa)
    return np.concatenate([model.run([image[np.newaxis]])[0] for image in images])


def onnxruntime_outputs(path: Path, x: Array) -> Array:
    """Return what onnxruntime makes of single images."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return np.concatenate([session.run(None, {given.name: image[np.newaxis]})[0] for image in x])


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
