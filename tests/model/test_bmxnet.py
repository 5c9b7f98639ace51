# SPDX-License-Identifier: BSD-3-Clause
"""Trained, packed BMXNet networks, from their files to every machine's answer.

The networks of ../shared/models are no part of the project; without them these tests are skipped.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import bmxnet
from converter import dab, interp, lower, passes, sources
from converter.dab_model import Kind
from model.test_networks import run, shared
from targets import Target

Array = npt.NDArray[Any]
MNIST = ("binarized_mnist_32bit", "binarized_mnist_64bit")
RESNET = "binarized_cifar10-resnet18-64bit"
EPOCH = dict.fromkeys(MNIST, "0001") | {RESNET: "0000"}
SHAPE = dict.fromkeys(MNIST, (1, 28, 28)) | {RESNET: (3, 32, 32)}
IMAGES = 4
BINARY = dict.fromkeys(MNIST, 2) | {RESNET: 20}


def files(name: str) -> tuple[Path, Path]:
    """The symbol and the parameters of a network, or skip the test."""
    return shared(f"bmxnet/{name}-symbol.json"), shared(f"bmxnet/{name}-{EPOCH[name]}.params")


@lru_cache
def converted(name: str) -> bytes:
    """Convert as the command line does by default."""
    graph = sources.load(*files(name), {"data": (1, *SHAPE[name])})
    report = passes.run(graph, passes.Mode.AGGRESSIVE)
    assert report.count("binary") == BINARY[name]
    return lower.lower(graph, {"producer": "test"})


@lru_cache
def oracle(name: str) -> tuple[Array, Array]:
    """Images, and what the symbol makes of them; images for which a rounding decides a sign are left out."""
    symbol, params = (path.read_bytes() for path in files(name))
    arrays = bmxnet.read_params(params)
    rng = np.random.default_rng(18)
    chosen: list[tuple[Array, Array]] = []
    for _ in range(12):
        if len(chosen) == IMAGES:
            break
        x = rng.random((1, *SHAPE[name]), np.float32)
        results = [
            bmxnet.evaluate(symbol, arrays, x * factor) for factor in (1, 1 + 1e-6, 1 - 1e-6)
        ]
        if np.ptp(results, axis=0).max() < 1e-4:
            chosen.append((x[0], results[0]))
    assert len(chosen) == IMAGES
    images, expected = zip(*chosen, strict=True)
    return np.stack(images), np.concatenate(expected)


@pytest.mark.parametrize("name", [*MNIST, pytest.param(RESNET, marks=pytest.mark.long)])
def test_import(name: str) -> None:
    """The imported graph, and the one with binary layers, compute what the symbol says."""
    images, expected = oracle(name)
    source = sources.load(*files(name), {"": (1, *SHAPE[name])})
    binary = sources.load(*files(name), {"data": (1, *SHAPE[name])})
    passes.run(binary, passes.Mode.AGGRESSIVE)
    layers = [node.op for node in binary.nodes if node.op in ("bconv", "bdense")]
    assert len(layers) == BINARY[name]
    for graph in (source, binary):
        assert graph.outputs == ["softmax_output"]
        for x, want in zip(images, expected, strict=True):
            values = interp.run(graph, {"data": x[np.newaxis]})
            np.testing.assert_allclose(values["softmax_output"][0], want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", MNIST)
def test_scores(name: str, tmp_path: Path) -> None:
    """The scores in front of the softmax, which is nearly 0 or 1 for these networks."""
    symbol, params = files(name)
    content = json.loads(symbol.read_text())
    content["heads"] = [[32, 0, 0]]
    cut = tmp_path / "scores-symbol.json"
    cut.write_text(json.dumps(content))
    graph = sources.load(cut, params, {"": (1, 1, 28, 28)})
    passes.run(graph, passes.Mode.AGGRESSIVE)
    arrays = bmxnet.read_params(params.read_bytes())
    for x in oracle(name)[0]:
        want = bmxnet.evaluate(cut.read_bytes(), arrays, x[np.newaxis])
        found = interp.run(graph, {"data": x[np.newaxis]})["fullyconnected0_output"]
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize("name", MNIST)
def test_digit(name: str) -> None:
    """A handwritten 3 is a 3: bits, words and channels are in the right order."""
    digit = np.load(shared("bnn_pynq/lfc_w1a1_mnist_io.npz"))["x"][:1] > 0
    graph = sources.load(*files(name), {"": (1, 1, 28, 28)})
    assert interp.run(graph, {"data": digit})["softmax_output"].argmax() == 3


@pytest.mark.parametrize("name", EPOCH)
def test_run(name: str, target: Target, isa: str | None) -> None:
    images, expected = oracle(name)
    found = run(target, converted(name), images, isa)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", EPOCH)
def test_binary_layers(name: str) -> None:
    """Binary layers are binary in the file, and nearly all of BMXNet's packed size is in them."""
    data = converted(name)
    kinds = [op.kind for op in dab.read(data).ops]
    assert sum(kind in (Kind.BCONV2D, Kind.BDENSE) for kind in kinds) == BINARY[name]
    assert len(data) <= 1.05 * files(name)[1].stat().st_size + 4096
