# SPDX-License-Identifier: BSD-3-Clause
"""bnn-run: what it writes, and that every error says what is wrong, exits with 1 and leaves no file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import dab, dab_run
from converter.dab_model import Kind, Type
from model.cases import Net
from targets import Target

SAMPLES = 3
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def command_of(target: Target) -> list[str]:
    """bnn-run of the target, next to the probe that the target runs."""
    probe = target.machine.probe.command[:-1]
    return [*probe[:-1], str(Path(probe[-1]).with_name("bnn-run"))]


@pytest.fixture
def runner(target: Target) -> Run:
    command = command_of(target)

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *map(str, arguments)], capture_output=True, text=True, check=False, **options
        )

    return run


class Files:
    """A model of two inputs and two outputs, samples for it, and the answers."""

    def __init__(self, folder: Path) -> None:
        net = Net(np.random.default_rng(0))
        a, b = net.floats(2, 3), net.floats(4, 3)
        joined = net.op(Kind.CONCAT, [a, b], [(Type.F32, (6, 3))], [0])
        net.show([*joined, *net.op(Kind.SOFTMAX, joined, [(Type.F32, (6, 3))], [1])])
        data, _ = net.finish()
        self.samples = np.random.default_rng(1).standard_normal((SAMPLES, 18)).astype("<f4")
        self.model, self.input, self.output = (
            folder / name for name in ("m.dab", "in.bin", "out.bin")
        )
        self.model.write_bytes(data)
        self.input.write_bytes(self.samples.tobytes())

    @property
    def paths(self) -> tuple[Path, Path, Path]:
        return self.model, self.input, self.output

    def answers(self) -> npt.NDArray[np.float32]:
        model = dab.read(self.model.read_bytes())
        inputs = [[s[:6].reshape(2, 3), s[6:].reshape(4, 3)] for s in self.samples]
        return np.concatenate([out.ravel() for x in inputs for out in dab_run.run(model, x)])


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.one_cpu
@pytest.mark.parametrize(
    "more", [(), ("--repeat", 3), ("--isa", "c"), ("--threads", 2), ("--profile",)]
)
def test_outputs(runner: Run, files: Files, more: tuple[object, ...]) -> None:
    """All samples in order, the outputs of each one after the other."""
    result = runner(*files.paths, *more)
    assert (result.returncode, result.stderr) == (0, "")
    got = np.fromfile(files.output, "<f4")
    np.testing.assert_allclose(got, files.answers(), rtol=1e-6)
    assert sorted(files.output.parent.iterdir()) == sorted(files.paths)


def test_profile(runner: Run, files: Files) -> None:
    """A row per step, their sum, and what is binary and not; rates where there are multiply-adds."""
    lines = runner(*files.paths, "--profile").stdout.splitlines()
    head = "step kind ms share Mmac Gmac/s bound weights K activ. K name"
    assert lines[0].split() == head.split()
    assert [line.split()[1] for line in lines[1:3]] == ["concat", "softmax"]
    assert [line.split()[-2:] for line in lines[1:3]] == [["0.1", "concat"], ["0.1", "softmax"]]
    assert [line.split()[0] for line in lines[3:]] == ["all", "binary", "others"]
    assert lines[4].split()[1:3] == ["0.0000", "0.0%"]


def patched(files: Files, at: int, value: bytes) -> None:
    data = bytearray(files.model.read_bytes())
    data[at : at + len(value)] = value
    files.model.write_bytes(data)


def with_nan(files: Files) -> None:
    samples = files.samples.copy()
    samples[1, 7] = np.nan
    files.input.write_bytes(samples.tobytes())


def elsewhere(files: Files) -> None:
    files.output = files.output.parent / "missing" / "out.bin"


AGAIN = "convert the model again"
# What is done to the files, and words of the message.
DAMAGE: dict[str, tuple[Callable[[Files], object], tuple[str, ...]]] = {
    "nan": (with_nan, ("in.bin", "sample 1", "NaN")),
    "rest": (lambda f: f.input.write_bytes(bytes(215)), ("in.bin", "215 bytes", "multiple of 72")),
    "empty": (lambda f: f.input.write_bytes(b""), ("in.bin", "0 bytes")),
    "cut": (
        lambda f: f.model.write_bytes(f.model.read_bytes()[:-1]),
        ("m.dab", "truncated", AGAIN),
    ),
    "checksum": (lambda f: patched(f, 16, b"0000"), ("m.dab", "checksum", AGAIN)),
    "magic": (lambda f: patched(f, 0, b"ONNX"), ("m.dab", "not a .dab file", "converter")),
    "version": (lambda f: patched(f, 8, b"\2"), ("m.dab", "version", "build bnn-run")),
    "rule": (lambda f: patched(f, 56, b"\1"), ("m.dab", "breaks a rule", "reserved", AGAIN)),
    "no model": (lambda f: f.model.unlink(), ("m.dab", "No such file")),
    "no input": (lambda f: f.input.unlink(), ("in.bin", "No such file")),
    "no folder": (elsewhere, ("out.bin", "No such file")),
}


@pytest.mark.one_cpu
@pytest.mark.parametrize("case", DAMAGE)
def test_error(runner: Run, files: Files, case: str) -> None:
    damage, words = DAMAGE[case]
    damage(files)
    before = sorted(files.model.parent.iterdir())
    result = runner(*files.paths)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("bnn-run: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
    assert sorted(files.model.parent.iterdir()) == before


@pytest.mark.one_cpu
def test_isa(runner: Run, files: Files) -> None:
    """--isa, and BNN_ISA where there is none."""
    result = runner(*files.paths, "--isa", "none")
    assert result.returncode == 1
    assert "choose one of: c" in result.stderr
    assert not files.output.exists()


def test_isa_of_the_environment(runner: Run, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNN_ISA", "none")
    assert runner(*files.paths).returncode == 1
    assert runner(*files.paths, "--isa", "c").returncode == 0
    monkeypatch.setenv("BNN_ISA", "c")
    assert runner(*files.paths).returncode == 0


@pytest.mark.one_cpu
def test_device(runner: Run, files: Files) -> None:
    """Devices are written to, not replaced."""
    with files.output.open("wb") as taken:
        number = taken.fileno()
        result = runner(files.model, files.input, f"/dev/fd/{number}", pass_fds=[number])
    assert (result.returncode, result.stderr) == (0, "")
    np.testing.assert_allclose(np.fromfile(files.output, "<f4"), files.answers(), rtol=1e-6)


@pytest.mark.one_cpu
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a", "b", "b"),
        ("a", "b", "a"),
        ("a", "b"),
        ("a", "b", "c", "d"),
        ("--isa",),
        ("a", "b", "c", "--repeat", "0"),
        ("a", "b", "c", "--threads", "0"),
        ("a", "b", "c", "--threads", "257"),
        ("a", "b", "c", "--x"),
    ],
)
def test_usage(runner: Run, arguments: tuple[str, ...]) -> None:
    result = runner(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "usage: bnn-run MODEL.dab IN.bin OUT.bin" in result.stderr


@pytest.mark.one_cpu
def test_help(runner: Run) -> None:
    result = runner("--help")
    assert (result.returncode, result.stderr) == (0, "")
    for option in ("--isa NAME", "--threads N", "--repeat N", "--profile", "--mark", "BNN_ISA"):
        assert option in result.stdout
