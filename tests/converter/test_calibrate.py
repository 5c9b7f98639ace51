# SPDX-License-Identifier: BSD-3-Clause
"""--int8 FILE.npz: layers that stay non-binary compute with 8 bits."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import __main__ as cli
from converter import calibrate, dab, dab_run, int8, lower, passes
from converter.dab_model import Kind, Type
from converter.errors import ConversionError
from converter.graph import Array, Graph
from converter.onnx_import import load
from converter.verify_runners import library
from ir_builder import Net

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"


def small(seed: int = 0) -> Graph:
    """A convolution, an activation, pooling, a dense layer behind a reshape."""
    net = Net(1, 3, 8, 8)
    net.rng = np.random.default_rng(seed)
    window: dict[str, Any] = {"strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1)}
    y = net.op("conv", net.x, net.real(10, 3, 3, 3), groups=1, **window)
    y = net.op("clip", y, low=0.0, high=np.inf)
    y = net.op("maxpool", y, kernel=(2, 2), strides=(2, 2), dilations=(1, 1), pads=(0, 0, 0, 0))
    y = net.op("reshape", y, shape=(1, 160))
    return net.done(net.op("dense", y, net.real(6, 160)))


def samples(graph: Graph, count: int, seed: int = 1) -> calibrate.Samples:
    rng = np.random.default_rng(seed)
    (name,) = graph.inputs
    shape = graph.shape(name)
    arrays = [rng.standard_normal(shape).astype(np.float32) for _ in range(count)]
    return calibrate.Samples([{name: array} for array in arrays], None)


def test_close_to_floats() -> None:
    graph = small()
    report = passes.run(graph)
    rows = samples(graph, 20)
    before = dab.read(lower.lower(graph, {}))
    calibrate.quantise(graph, rows, report)
    after = dab.read(lower.lower(graph, {}, report))
    assert [row.kind for row in report.rows] == ["int8", "int8"]
    kinds = [op.kind for op in after.ops]
    assert kinds.count(Kind.QCONV2D) == kinds.count(Kind.QDENSE) == 1
    assert {t.type for t in after.tensors if t.type > Type.BITS} == {Type.W_S8}
    for inputs in rows.inputs:
        (x,) = inputs.values()
        want, got = dab_run.run(before, [x])[0], dab_run.run(after, [x])[0]
        assert 0 < np.abs(got - want).max() < 0.03 * np.abs(want).max()


def test_values_beyond_the_samples_saturate() -> None:
    graph = small()
    report = passes.run(graph)
    rows = samples(graph, 5)
    calibrate.quantise(graph, rows, report)
    model = dab.read(lower.lower(graph, {}))
    one = np.full((1, 3, 8, 8), 50.0, np.float32)
    np.testing.assert_array_equal(dab_run.run(model, [one])[0], dab_run.run(model, [20 * one])[0])


@pytest.mark.parametrize(("low", "high"), [(-1.0, 3.0), (0.5, 3.0), (-4.0, -1.0), (-1e-3, 1e6)])
def test_parameters_hold_the_range_and_zero(low: float, high: float) -> None:
    scale, zero = int8.parameters(low, high)
    assert -128 <= zero <= 127
    ends = int8.to_int8(np.array([low, 0.0, high], np.float32), scale, zero)
    back = (ends.astype(np.float64) - zero) * scale
    assert back[1] == 0
    np.testing.assert_allclose(back, [low, 0, high], rtol=0, atol=1.01 * scale)


def test_parameters_of_zeros() -> None:
    assert int8.parameters(0.0, 0.0) == (1.0, 0)


def test_digits_lose_at_most_half_a_point() -> None:
    graph = load(DIGITS / "digits.onnx")
    report = passes.run(graph, mode="moderate")
    with np.load(DIGITS / "test.npz") as file:
        images, labels = file["x"], file["y"]
    before = lower.lower(graph, {})
    rows = [{"image": images[i : i + 1]} for i in range(0, 500, 25)]
    calibrate.quantise(graph, calibrate.Samples(rows, None), report)
    after = lower.lower(graph, {}, report)
    assert len(after) < len(before)
    assert report.count("int8") == 2
    assert report.count("binary") == 5
    shares = [accuracy(data, images, labels) for data in (before, after)]
    assert shares[1] >= shares[0] - 0.005


def accuracy(data: bytes, images: Array, labels: Array) -> float:
    run = library(data)
    results = [run({"image": images[i : i + 1]})["logits"].argmax() for i in range(len(images))]
    return float(np.mean(np.array(results) == labels))


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(DIGITS / "test.npz") as file:
        np.savez(tmp_path / "c.npz", x=file["x"][:12], y=file["y"][:12])
    output = tmp_path / "d.dab"
    argv = [DIGITS / "digits.onnx", "--int8", tmp_path / "c.npz", "-o", output]
    assert cli.main([str(a) for a in argv]) == 0
    out = capsys.readouterr().out
    assert f"-> {output.stat().st_size} bytes" in out
    assert "accuracy" in out
    assert "2 int8" in out


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"z": np.zeros((2, 3, 8, 8))}, "it has no array 'x'"),
        ({"x": np.zeros((2, 3, 8, 7))}, "it must be samples x"),
        ({"x": np.zeros((0, 3, 8, 8))}, "at least 1"),
        ({"x": np.full((2, 3, 8, 8), np.nan)}, "finite numbers"),
        ({"x": np.zeros((2, 3, 8, 8)), "y": np.zeros(3)}, "3 labels for 2 samples"),
    ],
    ids=["name", "shape", "empty", "nan", "labels"],
)
def test_refused(tmp_path: Path, arrays: dict[str, Array], text: str) -> None:
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as file:
        for name, array in arrays.items():
            with file.open(f"{name}.npy", "w") as member:
                np.save(member, array)
    with pytest.raises(ConversionError, match=text):
        calibrate.read(tmp_path / "c.npz", small())


def test_no_npz(tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_bytes(b"text")
    with pytest.raises(ConversionError, match="cannot be read"):
        calibrate.read(tmp_path / "c.npz", small())
