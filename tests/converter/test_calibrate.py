# SPDX-License-Identifier: BSD-3-Clause
"""--int8 FILE.npz: layers that stay non-binary compute with 8 bits."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import __main__ as cli
from converter import calibrate, dab, dab_run, int8, interp, lower, passes, samples
from converter.dab_model import Kind, Type
from converter.errors import ConversionError
from converter.graph import Array, Graph
from converter.onnx_import import load
from converter.verify_runners import library
from ir_builder import Net
from pylibbnn import Model

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


def random_samples(graph: Graph, count: int, seed: int = 1) -> samples.Samples:
    rng = np.random.default_rng(seed)
    (name,) = graph.inputs
    shape = graph.shape(name)
    arrays = [rng.standard_normal(shape).astype(np.float32) for _ in range(count)]
    return samples.Samples([{name: array} for array in arrays], None)


def test_close_to_floats() -> None:
    graph = small()
    report = passes.run(graph)
    rows = random_samples(graph, 20)
    before = dab.read(lower.lower(graph, {}))
    calibrate.static(graph, rows, report)
    after = dab.read(lower.lower(graph, {}, report))
    assert [row.kind for row in report.rows] == ["int8", "int8"]
    kinds = [op.kind for op in after.ops]
    assert kinds.count(Kind.QCONV2D) == kinds.count(Kind.QDENSE) == 1
    assert {t.type for t in after.tensors if t.type > Type.BITS} == {Type.W_S8}
    for inputs in rows.inputs:
        (x,) = inputs.values()
        want, got = dab_run.run(before, [x])[0], dab_run.run(after, [x])[0]
        assert 0 < np.abs(got - want).max() < 0.03 * np.abs(want).max()


def test_dynamic_ranges_hold_any_input() -> None:
    """Near the float network, at any size of the input; and the numpy references of the graph say the same as the file."""
    graph = small()
    report = passes.run(graph)
    before = dab.read(lower.lower(graph, {}))
    calibrate.dynamic(graph, report)
    after = dab.read(lower.lower(graph, {}, report))
    assert [row.kind for row in report.rows] == ["int8", "int8"]
    assert "of the range that its input has in each run" in report.rows[0].reason
    layers = [op for op in after.ops if op.kind in (Kind.QCONV2D, Kind.QDENSE)]
    assert [after.tensors[op.inputs[0]].type for op in layers] == [Type.F32, Type.F32]
    for factor in (1e-3, 1.0, 1e3):
        x = factor * np.random.default_rng(7).standard_normal((1, 3, 8, 8)).astype(np.float32)
        want, got = dab_run.run(before, [x])[0], dab_run.run(after, [x])[0]
        assert 0 < np.abs(got - want).max() < 0.03 * np.abs(want).max()
        np.testing.assert_array_equal(interp.run(graph, {"x": x})[graph.outputs[0]], got)


def test_images_of_a_batch_do_not_meet() -> None:
    """Each has its own range, also where several run at once."""
    graph = small()
    calibrate.dynamic(graph, passes.run(graph))
    data = lower.lower(graph, {})
    batch = np.random.default_rng(2).standard_normal((5, 3, 8, 8)).astype(np.float32)
    batch *= np.array([1, 100, 0, 1e-3, 7], np.float32).reshape(-1, 1, 1, 1)
    alone = np.concatenate([Model(data).run(batch[i : i + 1]) for i in range(5)])
    for threads in (1, 2):
        np.testing.assert_array_equal(Model(data, threads=threads).run(batch), alone)


@pytest.mark.parametrize("ranges", ["static", "dynamic"])
def test_depthwise_stays_float(ranges: str) -> None:
    net = Net(1, 6, 5, 5)
    window: dict[str, Any] = {"strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1)}
    y = net.op("conv", net.x, net.real(6, 1, 3, 3), groups=6, **window)
    graph = net.done(net.op("conv", y, net.real(4, 3, 3, 3), groups=2, **window))
    report = passes.run(graph)
    if ranges == "static":
        calibrate.static(graph, random_samples(graph, 3), report)
    else:
        calibrate.dynamic(graph, report)
    kinds = [op.kind for op in dab.read(lower.lower(graph, {}, report)).ops]
    assert (kinds.count(Kind.CONV2D), kinds.count(Kind.QCONV2D)) == (1, 1)
    assert [row.kind for row in report.rows] == ["float", "int8"]


def test_rows_of_a_matrix_share_a_range() -> None:
    """A dense layer over several rows: one range for all of them."""
    net = Net(5, 12)
    graph = net.done(net.op("dense", net.x, net.real(7, 12)))
    report = passes.run(graph)
    calibrate.dynamic(graph, report)
    x = net.real(5, 12)
    x[2] *= 40
    got = dab_run.run(dab.read(lower.lower(graph, {})), [x])[0]
    np.testing.assert_array_equal(got, interp.run(graph, {"x": x})[graph.outputs[0]])


def test_percentile_leaves_out_the_largest() -> None:
    """Of 2000 elements 10 may lie beyond either end."""
    x = np.linspace(-100, 99.9, 2000, dtype=np.float32)
    ends = calibrate._Ends(11)
    for part in np.split(np.random.default_rng(0).permutation(x), 20):
        ends.add(part)
    assert ends.range == (float(x[10]), float(x[-11]))
    all_of_them = calibrate._Ends(1)
    all_of_them.add(x)
    assert all_of_them.range == (float(x[0]), float(x[-1]))


def test_percentile_gives_smaller_scales() -> None:
    scales = []
    for percentile in (100.0, 99.0):
        graph = small()
        calibrate.static(graph, random_samples(graph, 5), passes.run(graph), percentile)
        scales.append([n.attrs["scale"] for n in graph.nodes if n.op == "to_int8"])
    assert all(a > b for a, b in zip(*scales, strict=True))


def test_values_beyond_the_samples_saturate() -> None:
    graph = small()
    report = passes.run(graph)
    rows = random_samples(graph, 5)
    calibrate.static(graph, rows, report)
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


def digits(images: Array | None) -> tuple[bytes, bytes]:
    """The digits network before and after 8 bits: static by images, or dynamic."""
    graph = load(DIGITS / "digits.onnx")
    report = passes.run(graph, mode="moderate")
    before = lower.lower(graph, {})
    if images is None:
        calibrate.dynamic(graph, report)
    else:
        rows = [{"image": images[i : i + 1]} for i in range(0, len(images), 10)]
        calibrate.static(graph, samples.Samples(rows, None), report)
    after = lower.lower(graph, {}, report)
    assert len(after) < len(before)
    assert report.count("int8") == 2
    assert report.count("binary") == 5
    return before, after


def right(data: bytes, images: Array, labels: Array) -> int:
    """How many images get their label."""
    run = library(data)
    scores = [run({"image": images[i : i + 1]})["logits"] for i in range(len(images))]
    return int(np.sum(np.stack(scores).reshape(len(labels), -1).argmax(1) == labels))


@pytest.mark.parametrize("ranges", ["static", "dynamic"])
def test_digits_lose_at_most_half_a_point(ranges: str) -> None:
    """Of 500 test images. Static ranges come from the half that an image is not in."""
    with np.load(DIGITS / "test.npz") as file:
        images, labels = file["x"], file["y"]
    halves = slice(0, 250), slice(250, 500)
    counts = np.zeros(2, int)
    for shown, tested in (halves, halves[::-1]):
        files = digits(images[shown] if ranges == "static" else None)
        counts += [right(data, images[tested], labels[tested]) for data in files]
    assert counts[1] >= counts[0] - 2


def some_digits(path: Path, first: int, end: int) -> Path:
    """A part of the test images, with labels."""
    with np.load(DIGITS / "test.npz") as file:
        np.savez(path, x=file["x"][first:end], y=file["y"][first:end])
    return path


@pytest.mark.parametrize("ranges", ["dynamic", "file", "file and test"])
def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], ranges: str) -> None:
    shown, tested = some_digits(tmp_path / "c.npz", 0, 12), some_digits(tmp_path / "t.npz", 12, 30)
    output, json_file = tmp_path / "d.dab", tmp_path / "r.json"
    argv = [DIGITS / "digits.onnx", "-o", output, "--report", json_file, "--int8"]
    argv += ["dynamic"] if ranges == "dynamic" else [shown, "--percentile", "99.9"]
    argv += [] if ranges == "file" else ["--test", tested]
    assert cli.main([str(a) for a in argv]) == 0
    out = capsys.readouterr().out
    size = output.stat().st_size
    count = 12 if ranges == "file" else 18
    assert f"-> {size} bytes" in out
    assert f"({count} labelled samples)" in out
    assert "2 int8" in out
    said = json.loads(json_file.read_text())["int8"]
    assert said["file_bytes_after"] == size < said["file_bytes_before"]
    assert said["samples"] == count
    assert min(said["accuracy_before"], said["accuracy_after"]) >= 0.9
    assert 0 < said["largest_change"]["logits"] < 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--test", "t.npz"], "need --int8"),
        (["--percentile", "99"], "need --int8"),
        (["--int8", "dynamic", "--percentile", "99"], "--percentile needs --int8 FILE.npz"),
        (["--int8", "c.npz", "--percentile", "101"], "above 50 and at most 100"),
    ],
    ids=["test", "percentile", "dynamic", "share"],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], words: list[str], text: str) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(["m.onnx", *words])
    assert error.value.code == 2
    assert text in capsys.readouterr().err


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
        samples.read(tmp_path / "c.npz", small())


def test_no_npz(tmp_path: Path) -> None:
    (tmp_path / "c.npz").write_bytes(b"text")
    with pytest.raises(ConversionError, match="cannot be read"):
        samples.read(tmp_path / "c.npz", small())
