# SPDX-License-Identifier: BSD-3-Clause
"""--verify names the first tensor that differs, and says whose mistake it is; its inputs reach the boundaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from converter import lower, passes, verify
from converter.errors import ConversionError
from converter.graph import Graph
from converter.onnx_import import load
from converter.report import Report
from converter.verify_inputs import BOUNDARY, RANDOM, Arrays, make_inputs
from converter.verify_runners import Runner, library
from ir_builder import Net
from onnx_builder import Array, model, node

RNG = np.random.default_rng(3)


def signs(*shape: int) -> Array:
    return RNG.choice(np.array([-1, 1], np.float32), shape)


@pytest.fixture(autouse=True)
def _needs_runtimes() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pylibbnn", exc_type=ImportError)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Three convolutions, each with a sign in front of it."""
    nodes = []
    for index, x in enumerate(("x", "c0", "c1")):
        nodes.append(node("Greater", f"{x} zero", f"g{index}", name=f"greater{index}"))
        nodes.append(node("Where", f"g{index} one minus", f"s{index}", name=f"where{index}"))
        y = "y" if index == 2 else f"c{index}"
        nodes.append(node("Conv", f"s{index} w{index}", y, name=f"conv{index}"))
    consts: dict[str, Array] = {f"w{index}": signs(8, 8, 2, 2) for index in range(3)}
    consts |= {n: np.float32(v) for n, v in (("zero", 0), ("one", 1), ("minus", -1))}
    result = tmp_path / "m.onnx"
    onnx.save(model(nodes, {"x": (1, 8, 6, 6)}, consts), result)
    return result


def converted(path: Path) -> tuple[Graph, Report]:
    graph = load(path)
    return graph, passes.run(graph)


def test_no_difference(path: Path) -> None:
    graph, report = converted(path)
    text = verify.verify(path, lower.lower(graph, {}), report, count=3, converted=graph)
    assert f"on {3 + len(BOUNDARY) + 1} inputs" in text


def test_mistake_of_the_rewrites(path: Path) -> None:
    """A weight that the passes got wrong: its convolution is named, and they are blamed."""
    graph, report = converted(path)
    (wrong,) = [n for n in graph.nodes if n.attrs.get("result") == "c1"]
    weight = graph.const(wrong.inputs[1])
    assert weight is not None
    wrong.inputs[1] = graph.add_const(-weight, "wrong")
    message = r"'normal'; the first tensor that differs is 'c1' \(node 'conv1'\), by .*: a mistake of the rewrites"
    with pytest.raises(ConversionError, match=message):
        verify.verify(path, lower.lower(graph, {}), report, converted=graph)


def test_mistake_of_the_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two-valued tensors come out right, sums do not."""

    def wrong(dab: bytes) -> Runner:
        right = library(dab)
        return lambda inputs: {n: v + (abs(v) > 1) for n, v in right(inputs).items()}

    monkeypatch.setattr(verify, "library", wrong)
    graph, report = converted(path)
    with pytest.raises(
        ConversionError,
        match=r"first tensor that differs is 'c0' .*: a mistake of layout or the li",
    ):
        verify.verify(path, lower.lower(graph, {}), report, converted=graph)


def test_mistake_that_no_part_shows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the network as a whole is wrong."""
    first = True

    def wrong(dab: bytes) -> Runner:
        nonlocal first
        right, factor = library(dab), 2 if first else 1
        first = False
        return lambda inputs: {n: factor * v for n, v in right(inputs).items()}

    monkeypatch.setattr(verify, "library", wrong)
    graph, report = converted(path)
    with pytest.raises(ConversionError, match=r"none of the .* tensors in between differs"):
        verify.verify(path, lower.lower(graph, {}), report, converted=graph)


def test_progress(path: Path) -> None:
    said: list[str] = []
    graph, report = converted(path)
    verify.verify(path, lower.lower(graph, {}), report, count=1, tell=said.append)
    assert said[0] == "verifying: input 1 of 6 (normal)"
    assert len(said) == 6


# -- inputs --------------------------------------------------------------------------------------
def test_inputs() -> None:
    net = Net(1, 4, 2, 2)
    net.input("z", 1, 3)
    found = make_inputs(net.graph, 2 * len(RANDOM) + 1)
    assert [*RANDOM, *BOUNDARY] == [kind for kind in found if "," not in kind]
    again = [kind for kind in found if "," in kind]
    assert (len(again), again[0], again[-1]) == (6, "normal, 2", "normal, 3")
    for inputs in found.values():
        assert inputs["x"].shape == (1, 4, 2, 2)
        assert inputs["z"].shape == (1, 3)
        assert inputs["x"].dtype == np.float32
    assert len({inputs["x"].tobytes() for inputs in found.values()}) == len(found)
    assert 0 < np.abs(found["denormals"]["x"]).max() < np.finfo(np.float32).tiny
    assert make_inputs(net.graph, 0).keys() == BOUNDARY.keys()


def test_values_at_thresholds() -> None:
    """The thresholds themselves and both neighbours, for the input that has them."""
    net = Net(1, 4, 8, 8)
    z = net.input("z", 1, 4, 8, 8)
    thresholds = np.array([0.5, -2, np.inf, 3], np.float32)
    net.op("quantise", net.x, thresholds, np.zeros(4, bool))
    net.done(z)
    found: Arrays = make_inputs(net.graph, 1, net.graph)["thresholds"]
    finite = thresholds[np.isfinite(thresholds)]
    around = [np.nextafter(finite, np.float32(side)) for side in (-np.inf, np.inf)]
    np.testing.assert_array_equal(np.unique(found["x"]), np.unique([finite, *around]))
    assert len(np.unique(found["z"])) > 100


def test_denormal_input_that_only_rounding_tells_from_0(tmp_path: Path) -> None:
    """x > 0 is true for a denormal x, but not where denormals count as 0, as they do in thresholds of files."""
    nodes = [
        node("Greater", "x zero", "g"), node("Where", "g one minus", "s"), node("Conv", "s w", "y")
    ]  # fmt: skip
    consts: dict[str, Array] = {"w": signs(8, 8, 2, 2)}
    consts |= {n: np.float32(v) for n, v in (("zero", 0), ("one", 1), ("minus", -1))}
    path = tmp_path / "m.onnx"
    onnx.save(model(nodes, {"x": (1, 8, 6, 6)}, consts), path)
    graph, report = converted(path)
    text = verify.verify(path, lower.lower(graph, {}), report, count=6)
    assert "of which rounding decides 1" in text
