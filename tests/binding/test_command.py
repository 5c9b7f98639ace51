# SPDX-License-Identifier: BSD-3-Clause
"""`python -m pylibbnn`: results, messages and exit codes that scripts can trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pylibbnn.__main__ import main

pytestmark = pytest.mark.self

DATA = Path(__file__).parent / "data"
TINY, PAIR = str(DATA / "tiny.dab"), str(DATA / "pair.dab")
EXPECTED = dict(np.load(DATA / "expected.npz"))


def test_run_one_array(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given, taken = tmp_path / "x.npy", tmp_path / "y.npy"
    np.save(given, EXPECTED["image"])
    assert main(["run", TINY, "--input", str(given), "--output", str(taken), "--isa", "c"]) == 0
    np.testing.assert_array_equal(np.load(taken), EXPECTED["scores"])
    assert "scores" in capsys.readouterr().out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.npy", "y.npy"]


def test_run_several_arrays(tmp_path: Path) -> None:
    given, taken = tmp_path / "x.npz", tmp_path / "y.npz"
    np.savez(given, left=EXPECTED["left"], right=EXPECTED["right"])
    assert main(["run", PAIR, "--input", str(given), "--output", str(taken)]) == 0
    result = np.load(taken)
    np.testing.assert_array_equal(result["total"], EXPECTED["total"])
    np.testing.assert_array_equal(result["positive"], EXPECTED["positive"])


def test_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", TINY]) == 0
    text = capsys.readouterr().out
    for word in ("bconv2d", "conv2d", "image", "scores", "arena", "bytes", "producer"):
        assert word in text


@pytest.mark.parametrize("command", ["run", "inspect"])
def test_refused_model(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.dab"
    bad.write_bytes(Path(TINY).read_bytes()[:100])
    np.save(tmp_path / "x.npy", EXPECTED["image"])
    files = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]
    assert main([command, str(bad), *(files if command == "run" else [])]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {bad}: ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "y.npy").exists()


@pytest.mark.parametrize(
    ("model", "given", "taken", "says"),
    [
        ("none.dab", "x.npy", "y.npy", "none.dab: No such file"),
        (TINY, "none.npy", "y.npy", "none.npy: No such file"),
        (TINY, "text.npy", "y.npy", "text.npy: not a .npy or .npz file"),
        (TINY, "shape.npy", "y.npy", "shape.npy: input 'image' needs shape"),
        (TINY, "x.npy", "x.npy", "x.npy: the output would replace"),
        (TINY, "x.npy", ".", "is no regular file"),
        (TINY, "x.npy", "no/such/folder/y.npy", "y.npy: No such file"),
        (PAIR, "pair.npz", "y.npy", "2 outputs: give a name that ends in .npz"),
    ],
)
def test_refused_files(
    model: str,
    given: str,
    taken: str,
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.save(tmp_path / "x.npy", EXPECTED["image"])
    np.save(tmp_path / "shape.npy", np.zeros((2, 2)))
    np.savez(tmp_path / "pair.npz", left=EXPECTED["left"], right=EXPECTED["right"])
    (tmp_path / "text.npy").write_text("hello", encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    path = model if Path(model).is_absolute() else str(tmp_path / model)
    assert (
        main(["run", path, "--input", str(tmp_path / given), "--output", str(tmp_path / taken)])
        == 1
    )
    assert says in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run", TINY], ["inspect"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_unknown_isa(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", EXPECTED["image"])
    files = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]
    assert main(["run", TINY, *files, "--isa", "mmx"]) == 1
    assert "choose one of c" in capsys.readouterr().err
