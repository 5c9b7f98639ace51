# SPDX-License-Identifier: BSD-3-Clause
"""--verify finds what is wrong, accepts what is right, and makes the changes that the conversion made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from converter import interp, passes, verify
from converter.errors import ConversionError
from converter.graph import Graph
from converter.onnx_import import load
from converter.report import Report
from converter.verify_inputs import Arrays, make_inputs
from onnx_builder import Array, model, node

RNG = np.random.default_rng(11)
DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits" / "digits.onnx"


def signs(*shape: int) -> Array:
    return np.asarray(np.where(RNG.random(shape) < 0.5, -1, 1), np.float32)


def f32(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.fixture(autouse=True)
def _needs_onnxruntime() -> None:
    pytest.importorskip("onnxruntime")


class Library:
    """Stands for the library: runs the recognised graph with numpy, with a mistake if asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.graph = Graph()
        self.factor, self.calls = np.float32(1), 0
        monkeypatch.setattr(verify, "library", lambda dab: self.run)

    def run(self, inputs: Arrays) -> Arrays:
        self.calls += 1
        values = interp.run(self.graph, inputs)
        return {name: values[name] * self.factor for name in self.graph.outputs}

    def convert(self, path: Path, **options: Any) -> Report:
        self.graph = load(path)
        return passes.run(self.graph, **options)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    return Library(monkeypatch)


def save(folder: Path, proto: onnx.ModelProto) -> Path:
    path = folder / "m.onnx"
    onnx.save(proto, path)
    return path


def test_right_result(library: Library) -> None:
    report = library.convert(DIGITS)
    text = verify.verify(DIGITS, b"", report)
    assert text.startswith("verified: compared with onnxruntime ")
    assert "output 'logits': largest error" in text
    assert library.calls == len(make_inputs(library.graph))


@pytest.mark.parametrize("factor", [1.001, 0.0, np.nan])
def test_wrong_result(tmp_path: Path, library: Library, factor: float) -> None:
    path = save(tmp_path, layers(True, signs(4, 8, 3, 3), 13))
    report = library.convert(path)
    verify.verify(path, b"", report)
    library.factor = np.float32(factor)
    with pytest.raises(ConversionError, match=r"output 'y': largest error .* allowed is 1e-04"):
        verify.verify(path, b"", report)


def layers(sign: bool, weight: Array, opset: int) -> onnx.ModelProto:
    """A float convolution, then one with the weight given, with or without a sign in front."""
    nodes = [
        node("Conv", "x v", "a"),
        node("Sign", "a", "s"),
        node("Conv", "s w", "y", pads=[1, 1, 1, 1]),
    ]
    if not sign:
        nodes = [nodes[0], node("Conv", "a w", "y", pads=[1, 1, 1, 1])]
    consts = {"v": f32(8, 2, 3, 3), "w": weight}
    return model(nodes, {"x": (1, 2, 6, 6)}, consts, opset=opset)


@pytest.mark.parametrize("opset", [7, 13, 26])
def test_inserted_sign(tmp_path: Path, library: Library, opset: int) -> None:
    path = save(tmp_path, layers(False, signs(4, 8, 3, 3), opset))
    report = library.convert(path, mode="aggressive")
    assert [row.inserted_sign for row in report.rows] == [False, True]
    verify.verify(path, b"", report)
    for row in report.rows:
        row.inserted_sign = False
    with pytest.raises(ConversionError, match="output 'y'"):
        verify.verify(path, b"", report)


def test_forced_weight(tmp_path: Path, library: Library) -> None:
    path = save(tmp_path, layers(True, f32(4, 8, 3, 3), 13))
    report = library.convert(path, binary_list=["y"])
    assert [row.forced for row in report.rows] == [False, True]
    verify.verify(path, b"", report)
    report.rows[1].forced = False
    with pytest.raises(ConversionError, match="output 'y'"):
        verify.verify(path, b"", report)


@pytest.mark.parametrize(("choice", "zero"), [("+1", 1), ("-1", -1)])
def test_zero_reaches_sign(tmp_path: Path, library: Library, choice: str, zero: int) -> None:
    """The picture of zeros gives Sign its 0: the comparison counts it as the conversion does."""
    path = save(tmp_path, layers(True, signs(4, 8, 3, 3), 13))
    report = library.convert(path, sign_zero=choice)
    verify.verify(path, b"", report, zero)
    with pytest.raises(ConversionError, match="output 'y'"):
        verify.verify(path, b"", report, -zero)


def test_zero_padding_in_front_of_sign_stays_zero(tmp_path: Path, library: Library) -> None:
    """Also where the sign of another 0 is decided."""
    nodes = [
        node("Conv", "x v", "a"),
        node("Pad", "a p", "b"),
        node("Sign", "b", "s"),
        node("Conv", "s w", "y"),
    ]
    pads = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    consts = {"v": f32(8, 2, 1, 1), "p": pads, "w": signs(4, 8, 3, 3)}
    path = save(tmp_path, model(nodes, {"x": (1, 2, 6, 6)}, consts))
    report = library.convert(path, sign_zero="+1")
    assert "s" in report.zeros
    verify.verify(path, b"", report)


def test_zero_that_the_network_handles_itself(tmp_path: Path, library: Library) -> None:
    """Sign(Sign(x) + 0.1) gives +1 at 0 in any case."""
    nodes = [
        node("Sign", "x", "s"), node("Add", "s tenth", "a"), node("Sign", "a", "b"),
        node("Conv", "b w", "y"),
    ]  # fmt: skip
    consts = {"tenth": np.float32(0.1), "w": signs(4, 8, 3, 3)}
    path = save(tmp_path, model(nodes, {"x": (1, 8, 6, 6)}, consts))
    report = library.convert(path)
    for zero in (1, -1):
        verify.verify(path, b"", report, zero)


def test_unknown_to_onnxruntime(tmp_path: Path, library: Library) -> None:
    """Then numpy says what is right."""
    quant = node("BipolarQuant", "x one", "b")
    quant.domain = "qonnx.custom_op.general"
    proto = model([quant, node("Conv", "b w", "y")], {"x": (1, 8, 6, 6)},
                  {"one": np.float32(1), "w": signs(4, 8, 3, 3)})  # fmt: skip
    proto.opset_import.append(onnx.helper.make_opsetid("qonnx.custom_op.general", 1))
    path = save(tmp_path, proto)
    assert "with numpy (onnxruntime cannot load" in verify.verify(path, b"", library.convert(path))


def test_float16_source(tmp_path: Path, library: Library) -> None:
    consts: dict[str, Array] = {"w": signs(4, 8, 3, 3).astype(np.float16)}
    proto = model(
        [node("Conv", "x w", "y")], {"x": (1, 8, 6, 6)}, consts, dtype=TensorProto.FLOAT16
    )
    path = save(tmp_path, proto)
    assert "with numpy in float32" in verify.verify(path, b"", library.convert(path))


def on_the_edge(folder: Path, shift: float) -> Path:
    """The first of the random inputs gives a sum within rounding of 0, and the network takes its sign."""
    nodes = [
        node("MatMul", "x v", "a"),
        node("Add", "a b", "c"),
        node("Sign", "c", "s"),
        node("MatMul", "s w", "y"),
    ]
    v = np.array([[1.5], [-0.25], [0.75], [2.0]], np.float32)
    shapes = Graph()
    shapes.add_value("x", (1, 4))
    shapes.inputs = ["x"]
    total = (make_inputs(shapes)["normal"]["x"] @ v)[0]
    consts = {"v": v, "b": (-total * (1 + shift)).astype(np.float32), "w": signs(1, 3)}
    return save(folder, model(nodes, {"x": (1, 4)}, consts))


@pytest.mark.parametrize(("shift", "decided"), [(1e-6, True), (-1e-6, True), (1e-2, False)])
def test_rounding_decides(tmp_path: Path, library: Library, shift: float, decided: bool) -> None:
    """A sign that rounding may flip proves nothing; one that only a mistake flips does."""
    state = RNG.bit_generator.state
    report = library.convert(on_the_edge(tmp_path, shift))
    RNG.bit_generator.state = state
    path = on_the_edge(tmp_path, -shift)
    if decided:
        assert "of which rounding decides 1\n" in verify.verify(path, b"", report)
    else:
        with pytest.raises(ConversionError, match="output 'y'"):
            verify.verify(path, b"", report)


def test_rounding_decides_everything(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path, layers(True, signs(4, 8, 3, 3), 13))
    report = library.convert(path)
    library.factor = np.float32(2)
    monkeypatch.setattr(verify, "NOISE", 0.5)
    monkeypatch.setattr("converter.verify_inputs.BOUNDARY", {})
    with pytest.raises(ConversionError, match="rounding decides 6: too many"):
        verify.verify(path, b"", report)


@pytest.mark.parametrize(
    ("module", "message"),
    [("pylibbnn", "pip install ."), ("onnxruntime", "pip install onnxruntime")],
)
def test_missing_package(monkeypatch: pytest.MonkeyPatch, module: str, message: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    if module != "pylibbnn":
        monkeypatch.setattr(verify, "library", lambda dab: None)
    with pytest.raises(ConversionError, match=f"--verify needs {module}.*{message}"):
        verify.verify(DIGITS, b"", Report())


def test_file_that_the_library_refuses() -> None:
    pytest.importorskip("pylibbnn", exc_type=ImportError)
    with pytest.raises(ConversionError, match="the library refuses the converted network"):
        verify.verify(DIGITS, b"no file", Report())


@pytest.mark.parametrize("choice", ["+1", "-1"])
def test_sign_behind_pooled_relu(tmp_path: Path, library: Library, choice: str) -> None:
    """The sign moves in front of the pool, whose bits then forbid that it becomes the {0, 1} of sign(relu)."""
    nodes = [
        node("Conv", "x v", "a"), node("Relu", "a", "r"), node("MaxPool", "r", "p", kernel_shape=[2, 2]),
        node("Sign", "p", "s"), node("Conv", "s w", "y"),
    ]  # fmt: skip
    consts = {"v": f32(8, 2, 3, 3), "w": signs(4, 8, 2, 2)}
    path = save(tmp_path, model(nodes, {"x": (1, 2, 8, 8)}, consts))
    report = library.convert(path, sign_zero=choice)
    assert any(n.op == "bmaxpool" for n in library.graph.nodes)
    verify.verify(path, b"", report, int(choice))


def test_ties_of_integers_are_not_rounding(tmp_path: Path, library: Library) -> None:
    """Sums of signs round nowhere: a sign that is wrong at 0 is a mistake."""
    nodes = []
    for index, x in enumerate(("x", "c0")):
        nodes.append(node("Greater", f"{x} zero", f"g{index}"))
        nodes.append(node("Where", f"g{index} one minus", f"s{index}"))
        nodes.append(node("Conv", f"s{index} w", "y" if index else "c0"))
    consts: dict[str, Array] = {"w": signs(8, 8, 2, 2)}
    consts |= {n: np.float32(v) for n, v in (("zero", 0), ("one", 1), ("minus", -1))}
    path = save(tmp_path, model(nodes, {"x": (1, 8, 6, 6)}, consts))
    report = library.convert(path)
    verify.verify(path, b"", report)
    (tie,) = [n for n in library.graph.nodes if n.op == "threshold"]
    limits = library.graph.const(tie.inputs[1])
    assert limits is not None
    tie.inputs[1] = library.graph.add_const(limits - 2, "limits")
    with pytest.raises(ConversionError, match="output 'y'"):
        verify.verify(path, b"", report)
