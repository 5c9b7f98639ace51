# SPDX-License-Identifier: BSD-3-Clause
"""python -m converter: files, exit status, messages; nothing is left behind when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from converter import __main__ as cli
from converter.verify_inputs import BOUNDARY, Arrays
from onnx_builder import Array, model, node

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    path = tmp_path / "digits.onnx"
    path.write_bytes(DIGITS.read_bytes())
    return path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def error_of(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    """The one line that a failing run prints to stderr."""
    assert cli.main([str(a) for a in argv]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    return captured.err


def test_default_output_and_report(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([str(digits)]) == 0
    out = capsys.readouterr().out
    assert "4 binary" in out or "5 binary" in out
    data = digits.with_suffix(".dab").read_bytes()
    assert f"digits.dab: {len(data)} bytes" in out
    assert data.startswith(b"\x89DAB")
    assert b"source=digits.onnx\n" in data
    assert b"mode=aggressive\n" in data
    assert files(digits.parent) == {"digits.onnx", "digits.dab"}


def test_output_report_and_mode(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, output = digits.with_name("r.json"), digits.with_name("net.dab")
    argv = [str(digits), "-o", str(output), "--moderate", "--report", str(report)]
    assert cli.main(argv) == 0
    content = json.loads(report.read_text())
    assert content["mode"] == "moderate"
    assert [row["kind"] for row in content["layers"]].count("binary") == 5
    assert b"mode=moderate\n" in output.read_bytes()
    assert output.stat().st_mode == report.stat().st_mode
    assert "error" not in capsys.readouterr().err


def test_same_file_every_time(digits: Path) -> None:
    assert cli.main([str(digits)]) == 0
    first = digits.with_suffix(".dab").read_bytes()
    assert cli.main([str(digits)]) == 0
    assert digits.with_suffix(".dab").read_bytes() == first


def test_verify(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pylibbnn", exc_type=ImportError)
    assert cli.main([str(digits), "--verify"]) == 0
    assert "verified: compared with onnxruntime" in capsys.readouterr().out
    assert cli.main(["--verify", "2", str(digits)]) == 0
    assert f"on {2 + len(BOUNDARY)} inputs" in capsys.readouterr().out
    assert cli.main(["--verify", str(digits)]) == 0


# -- explain -------------------------------------------------------------------------------------
def test_explain(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", str(digits), "--moderate"]) == 0
    out = capsys.readouterr().out
    assert "7 layers (moderate): 5 binary" in out
    assert out.count("  change: ") == 7
    assert files(digits.parent) == {"digits.onnx"}


def test_explain_one_layer(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By node or by output."""
    for name in ("node_Conv_94", "conv2d_2"):
        assert cli.main(["explain", str(digits), "--node", name]) == 0
        story = capsys.readouterr().out.split("\n\n")[1:]
        assert len(story) == 1
        assert story[0].startswith("node_Conv_94 (conv writing 'conv2d_2'): binary\n")
        assert "border: -1: padded taps count as -1" in story[0]


def test_explain_unknown_layer(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = error_of(capsys, "explain", digits, "--node", "conv9")
    assert (
        "--node conv9: no convolution or dense layer is called so; there are: node_Conv" in message
    )


def test_explain_what_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The story is told, then the error."""
    path = tmp_path / "m.onnx"
    nodes = [node("Conv", "x w", "c", name="first"), node("Pow", "c c", "y", name="odd")]
    onnx.save(model(nodes, {"x": (1, 2, 4, 4)}, {"w": np.ones((2, 2, 1, 1), np.float32)}), path)
    assert cli.main(["explain", str(path)]) == 1
    captured = capsys.readouterr()
    assert "first (conv writing 'c'): binary-weight" in captured.out
    assert f"error: {path}: node 'odd'" in captured.err


@pytest.mark.parametrize(
    "argv", [[], ["a", "b"], ["a", "--strict", "--moderate"], ["a", "--sign-zero", "2"]]
)
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        cli.main(argv)
    assert status.value.code == 2
    assert "usage: python -m converter" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        cli.main(["--help"])
    assert status.value.code == 0
    out = capsys.readouterr().out
    for option in (
        "--strict",
        "--moderate",
        "--aggressive",
        "--binary-list",
        "--report",
        "--verify",
    ):
        assert option in out
    assert "exit status" in out


def test_program() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "converter", "none.onnx"], cwd=ROOT, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "error: none.onnx: cannot be read: No such file or directory\n"


def test_bad_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(DIGITS.read_bytes()[:5000])
    assert f"error: {path}: is not an ONNX file" in error_of(
        capsys, path, "--report", tmp_path / "r.json"
    )
    assert files(tmp_path) == {"bad.onnx"}


def test_unsupported_operator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Operators that the importer does not know, and those that no layer of the library can do."""
    path = tmp_path / "m.onnx"
    for op, inputs in (("Det", "x"), ("Pow", "x x")):
        onnx.save(model([node(op, inputs, "y", name="odd")], {"x": (1, 2, 4, 4)}), path)
        assert f"error: {path}: node 'odd'" in error_of(capsys, path)
    assert files(tmp_path) == {"m.onnx"}


def test_old_output_survives_errors(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = digits.with_suffix(".dab")
    output.write_bytes(b"old")
    digits.write_bytes(b"no model")
    error_of(capsys, digits)
    assert output.read_bytes() == b"old"


@pytest.mark.parametrize("option", ["-o", "--report"])
def test_unwritable(digits: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    """Neither the file nor its companion is written; a folder in its place is not replaced."""
    for target in (digits.parent / "no" / "such", digits.parent):
        message = error_of(capsys, digits, option, target)
        assert f"error: {target}: cannot be written" in message
    assert files(digits.parent) == {"digits.onnx"}


@pytest.mark.parametrize("argv", [["-o", "digits.onnx"], ["--report", "digits.onnx"]])
def test_model_is_not_overwritten(
    digits: Path, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    option, name = argv
    assert "it has another use" in error_of(capsys, digits, option, digits.parent / name)
    assert digits.read_bytes() == DIGITS.read_bytes()
    assert files(digits.parent) == {"digits.onnx"}


def test_report_and_output_are_different_files(
    digits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By whatever path they are called."""
    output, report = digits.with_name("out"), digits.parent / ".." / digits.parent.name / "out"
    assert "it has another use" in error_of(capsys, digits, "-o", output, "--report", report)
    assert files(digits.parent) == {"digits.onnx"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_devices_are_not_replaced(digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe, report = digits.with_name("pipe"), digits.with_name("r.json")
    os.mkfifo(pipe)
    assert "no regular file" in error_of(capsys, digits, "-o", pipe, "--report", report)
    assert pipe.is_fifo()
    assert files(digits.parent) == {"digits.onnx", "pipe"}


class Ones(dict[str, Array]):
    """Whatever is asked for is a number 1."""

    def __missing__(self, name: str) -> Array:
        return np.ones(())


def wrong(inputs: Arrays) -> Arrays:
    """A library that gives wrong results."""
    return Ones()


def test_failed_verification_writes_nothing(
    digits: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("converter.verify.library", lambda dab: wrong)
    message = error_of(capsys, digits, "--verify", "1")
    assert "output 'logits': largest error" in message
    assert "the first tensor that differs is 'getitem' (node 'node_Conv_92')" in message
    assert files(digits.parent) == {"digits.onnx"}


# -- lists of names ------------------------------------------------------------------------------
@pytest.fixture
def float_net(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    nodes = [
        node("Conv", "x v", "first"),
        node("Conv", "first w b", "second"),
        node("Relu", "second", "y"),
    ]
    consts = {
        name: rng.standard_normal(shape).astype(np.float32)
        for name, shape in {"v": (8, 2, 3, 3), "w": (4, 8, 3, 3), "b": (4,)}.items()
    }
    path = tmp_path / "float.onnx"
    onnx.save(model(nodes, {"x": (1, 2, 8, 8)}, consts), path)
    return path


def test_binary_list(float_net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = float_net.with_name("names.txt")
    names.write_text("\n second \n\n")
    assert cli.main([str(float_net), "--binary-list", str(names)]) == 0
    assert "1 binary" in capsys.readouterr().out


def test_binary_list_unknown_name(float_net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = float_net.with_name("names.txt")
    names.write_text("second\nthird\n")
    message = error_of(capsys, float_net, "--binary-list", names)
    assert "'third'" in message
    assert "first, second" in message
    assert files(float_net.parent) == {"float.onnx", "names.txt"}


def test_binary_list_unreadable(float_net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = float_net.with_name("names.txt")
    assert "names.txt: the list of names cannot be read" in error_of(
        capsys, float_net, "--binary-list", names
    )
    names.write_bytes(b"\xff\xfe\x00")
    assert "names.txt: the list of names cannot be read" in error_of(
        capsys, float_net, "--binary-list", names
    )
