# SPDX-License-Identifier: BSD-3-Clause
"""The networks of `python -m pylibbnn zoo`: sizes as published, layers as meant, onnxruntime's outputs on every machine.

Images hold small multiples of 1/4, on which the first layers are exact in any order of summation (pylibbnn/zoo/net.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from converter import lower, onnx_import, passes
from converter.report import BINARY, BINARY_WEIGHT, FLOAT, Report
from onnx_builder import session
from pylibbnn import Model, zoo
from pylibbnn.__main__ import main
from targets import Target

Array = npt.NDArray[Any]
TORCH = Path(__file__).resolve().parents[1] / "converter" / "zoo"
#: Largest difference from onnxruntime allowed, as a share of the largest magnitude of the output.
TOLERANCE = 3e-6
SMALL = zoo.Scale(width=0.125, image=0.3)
FULL = zoo.Scale()


@dataclass(frozen=True)
class Published:
    """Parameters of all convolutions and dense layers (weights and biases), and layers by kind and border."""

    parameters: int
    layers: dict[tuple[str, int | None], int]
    torch: str = ""  # the export of the same architecture in tests/converter/zoo


ZERO, PLUS, NONE = 0, 1, None
RESNET18 = 11_679_912  # torchvision's 11,689,512 without the 9,600 parameters of its BatchNorms
REACTNET = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)  # table of MobileNet
QUICKNET = (64, 128, 256, 512)
PUBLISHED = {
    "bireal18": Published(RESNET18, {(BINARY, ZERO): 16, (FLOAT, NONE): 5}, "bireal18"),
    "bireal18-stem": Published(
        RESNET18 - 64 * 147 + 32 * 27 + 16 * 32 + 32 * 144 + 64 * 64,
        {(BINARY, ZERO): 16, (FLOAT, NONE): 8},
    ),
    # The first stage's shortcut is a layer, too.
    "bmxnet-resnet18": Published(
        RESNET18 + 64 * 64, {(BINARY, PLUS): 16, (BINARY, NONE): 4, (FLOAT, NONE): 2}
    ),
    # AlexNet in one column (Krizhevsky, 2014) with 384 channels in its fourth layer.
    "xnor-alexnet": Published(
        62_378_344, {(BINARY, ZERO): 4, (BINARY, NONE): 2, (FLOAT, NONE): 2}, "xnor_alexnet"
    ),
    "bwn-alexnet": Published(62_378_344, {(BINARY_WEIGHT, NONE): 6, (FLOAT, NONE): 2}),
    "binarynet-cifar10": Published(
        14_022_016 + 10 + 2 * 1024 + 2 * (128 + 256 + 512),
        {(BINARY_WEIGHT, NONE): 1, (BINARY, ZERO): 5, (BINARY, NONE): 3},
        "binarynet_cifar10",
    ),
    "reactnet-a": Published(
        27 * 32 + sum(9 * a * a + a * b for a, b in pairwise(REACTNET)) + 1024 * 1000 + 1000,
        {(BINARY, ZERO): 13, (BINARY, NONE): 18, (FLOAT, NONE): 2},
        "reactnet_a",
    ),
    "quicknet": Published(
        (27 + 9 + 64) * 8
        + sum(4 * 9 * c * c for c in QUICKNET)
        + sum((9 + b) * a for a, b in pairwise(QUICKNET))
        + 512 * 1000
        + 1000,
        {(BINARY, PLUS): 16, (FLOAT, NONE): 10},
    ),
}


@lru_cache
def built(name: str, scale: zoo.Scale = SMALL) -> onnx.ModelProto:
    return zoo.build(name, scale)


@lru_cache
def converted(name: str) -> tuple[bytes, Report]:
    graph = onnx_import.from_model(built(name))
    report = passes.run(graph, "moderate")
    return lower.lower(graph, {"producer": "test"}), report


def image(model: onnx.ModelProto, seed: int) -> Array:
    shape = [size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim]
    return np.random.default_rng(seed).integers(-8, 9, shape).astype(np.float32) / 4


@lru_cache
def outputs(name: str) -> tuple[list[Array], Array]:
    """Images and onnxruntime's outputs."""
    model = built(name)
    images, runtime = [image(model, seed) for seed in range(2)], session(model)
    return images, np.stack([runtime.run(None, {"image": x})[0] for x in images])


def layers(report: Report) -> list[tuple[str, float | None]]:
    return [(row.kind, row.border) for row in report.rows]


def test_all_networks_are_expected() -> None:
    assert set(PUBLISHED) == set(zoo.NETWORKS)


@pytest.mark.long
@pytest.mark.parametrize("name", PUBLISHED)
def test_full_size(name: str) -> None:
    """As many parameters as published."""
    model = built(name, FULL)
    sizes = {c.name: int(np.prod(c.dims)) for c in model.graph.initializer}
    counted = [
        sum(sizes[constant] for constant in node.input[1:])
        for node in model.graph.node
        if node.op_type in ("Conv", "Gemm")
    ]
    built.cache_clear()  # of up to 250 MB
    assert sum(counted) == PUBLISHED[name].parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_layers(name: str) -> None:
    """Every layer is of the kind that its authors meant, without hints."""
    _, report = converted(name)
    assert Counter(layers(report)) == PUBLISHED[name].layers
    assert not report.changed


@pytest.mark.parametrize("name", [name for name in PUBLISHED if PUBLISHED[name].torch])
def test_same_structure_as_exported(name: str) -> None:
    """The same layers in the same order as in PyTorch's export of the architecture."""
    graph = onnx_import.load(TORCH / f"{PUBLISHED[name].torch}_legacy.onnx")
    assert layers(converted(name)[1]) == layers(passes.run(graph, "moderate"))


@pytest.mark.parametrize("name", PUBLISHED)
def test_outputs(name: str, target: Target, isa: str | None) -> None:
    """onnxruntime's outputs on every machine."""
    images, want = outputs(name)
    model = target.load(converted(name)[0], isa)
    got = np.stack([model.run([x])[0] for x in images])
    assert len(np.unique(want)) > want.size / 2
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())


@pytest.mark.parametrize("name", ["bireal18", "binarynet-cifar10"])
def test_full_size_outputs(name: str) -> None:
    """A whole network as published gives onnxruntime's outputs."""
    model = zoo.build(name)
    x = image(model, 0)
    want = session(model).run(None, {"image": x})[0]
    graph = onnx_import.from_model(model)
    passes.run(graph, "moderate")
    got = Model(lower.lower(graph, {})).run(x)
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())


def test_depth_multiplies_blocks() -> None:
    model = built("quicknet", zoo.Scale(width=0.125, image=0.3, depth=2))
    assert sum(node.op_type == "Less" for node in model.graph.node) == 32


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same bytes every time."""
    files = [tmp_path / "one.onnx", tmp_path / "two.onnx"]
    for file in files:
        small = ["--width", "0.125", "--image", "0.3", "--depth", "0.5"]
        assert main(["zoo", "bireal18", "-o", str(file), *small]) == 0
        assert f"{file}: bireal18, image [1, 3, 64, 64]" in capsys.readouterr().out
    assert files[0].read_bytes() == files[1].read_bytes()
    onnx.checker.check_model(onnx.load(str(files[0])), full_check=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bireal18", "--width", "0"], "width 0 is no factor above 0"),
        (["bireal18", "--image", "nan"], "image nan is no factor"),
        (["xnor-alexnet", "--depth", "2"], "xnor-alexnet has no stages of equal blocks"),
        (["bwn-alexnet", "--image", "0.1"], "image 0.1 is too small"),
        (["quicknet", "--image", "0.01"], "image 0.01 is too small"),
    ],
)
def test_refused(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["zoo", *arguments, "-o", str(tmp_path / "m.onnx")]) == 1
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_unwritable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "missing" / "m.onnx"
    small = ["--width", "0.125", "--image", "0.3"]
    assert main(["zoo", "quicknet", "-o", str(path), *small]) == 1
    assert str(path) in capsys.readouterr().err


def test_unknown_network() -> None:
    with pytest.raises(ValueError, match="there is no network 'vgg'; there are bireal18"):
        zoo.build("vgg")
