# SPDX-License-Identifier: BSD-3-Clause
"""`pylibbnn.Model`: numpy in, numpy out, and a clear error for everything else."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pylibbnn import BnnError, Model, isas

pytestmark = pytest.mark.self

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny.dab"  # image [1, 3, 5, 5] -> scores [1, 4]
PAIR = DATA / "pair.dab"  # left [1, 4], right [1, 4] -> total [1, 4], positive [1, 4]
EXPECTED = dict(np.load(DATA / "expected.npz"))


@pytest.fixture(params=isas())
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction set that this cpu has."""
    return str(request.param)


def test_same_answer_everywhere(isa: str) -> None:
    """The committed outputs were computed by the numpy executor; every machine and variant gives the same bits."""
    model = Model(TINY, isa)
    np.testing.assert_array_equal(model.run(EXPECTED["image"]), EXPECTED["scores"])


def test_two_inputs_two_outputs(isa: str) -> None:
    model = Model(PAIR, isa)
    left, right = EXPECTED["left"], EXPECTED["right"]
    for given in ({"right": right, "left": left}, [left, right], (left, right)):
        result = model.run(given)
        assert list(result) == ["total", "positive"]
        np.testing.assert_array_equal(result["total"], EXPECTED["total"])
        np.testing.assert_array_equal(result["positive"], EXPECTED["positive"])


def test_description() -> None:
    model = Model(TINY)
    assert [(t.name, t.shape, t.dtype) for t in model.inputs] == [
        ("image", (1, 3, 5, 5), np.dtype("f4"))
    ]
    assert [(t.name, t.shape) for t in model.outputs] == [("scores", (1, 4))]
    assert model.file_bytes == TINY.stat().st_size
    assert model.arena_bytes % 64 == 0
    assert "producer" in model.metadata
    assert {step.kind for step in model.steps} >= {"bconv2d", "conv2d"}
    assert all(step.macs > 0 for step in model.steps if step.kind.endswith("conv2d"))
    assert "image[1, 3, 5, 5] -> scores[1, 4]" in repr(model)


def test_batches_are_single_runs() -> None:
    model = Model(TINY)
    x = np.random.default_rng(2).standard_normal((7, 3, 5, 5)).astype(np.float32)
    single = np.concatenate([model.run(x[i : i + 1]) for i in range(7)])
    np.testing.assert_array_equal(model.run(x), single)
    np.testing.assert_array_equal(model.run(x[0]), single[0])
    assert model.run(x).shape == (7, 4)
    assert model.run(x[0]).shape == (4,)


@pytest.mark.parametrize("dtype", ["f8", "f2", ">f4", "i4", "u1", "?"])
def test_numbers_are_converted(dtype: str) -> None:
    model = Model(TINY)
    x = np.arange(75).reshape(1, 3, 5, 5) % 3
    np.testing.assert_array_equal(
        model.run(x.astype(dtype)), model.run(x.astype(dtype).astype(np.float32))
    )


def test_strided_input() -> None:
    model = Model(TINY)
    x = (
        np.random.default_rng(3)
        .standard_normal((2, 5, 5, 3))
        .astype(np.float32)
        .transpose(0, 3, 1, 2)
    )
    np.testing.assert_array_equal(model.run(x), model.run(np.ascontiguousarray(x)))


@pytest.mark.parametrize(
    ("value", "error", "says"),
    [
        (
            np.zeros((1, 3, 5, 6)),
            ValueError,
            r"'image' needs shape \[1, 3, 5, 5\] or \[n, 3, 5, 5\], got \[1, 3, 5, 6\]",
        ),
        (np.zeros(75), ValueError, r"got \[75\]"),
        (np.zeros((0, 3, 5, 5)), ValueError, "empty batch"),
        (np.zeros((1, 3, 5, 5), complex), TypeError, "'image' must hold numbers .* complex128"),
        (np.full((1, 3, 5, 5), "x"), TypeError, "'image' must hold numbers"),
        (np.full((1, 3, 5, 5), None), TypeError, "object"),
        (np.full((1, 3, 5, 5), np.nan), ValueError, "'image' contains NaN"),
        (np.full((1, 3, 5, 5), 1e300), ValueError, "beyond the range of float32"),
        ({}, ValueError, "'image' is missing"),
        (
            {"picture": np.zeros((1, 3, 5, 5))},
            ValueError,
            r"no input 'picture'; its inputs are \['image'\]",
        ),
    ],
)
def test_wrong_input(value: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        Model(TINY).run(value)


def test_wrong_number_of_inputs_and_batches() -> None:
    model = Model(PAIR)
    with pytest.raises(ValueError, match="needs 2 inputs"):
        model.run([np.zeros((1, 4))])
    with pytest.raises(ValueError, match="different batch sizes"):
        model.run([np.zeros((1, 4)), np.zeros((2, 4))])


def test_unknown_isa(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BnnError, match="no instruction set 'mmx' here: choose one of c"):
        Model(TINY, "mmx")
    monkeypatch.setenv("BNN_ISA", "mmx")
    with pytest.raises(BnnError, match="mmx"):
        Model(TINY)
    Model(TINY, "c")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.dab"):
        Model(tmp_path / "none.dab")
    with pytest.raises(IsADirectoryError):
        Model(tmp_path)
    (tmp_path / "empty.dab").touch()
    with pytest.raises(ValueError, match=r"empty\.dab: the file is empty"):
        Model(tmp_path / "empty.dab")


def test_every_truncation_is_refused() -> None:
    data = TINY.read_bytes()
    for size in {*range(1, 200), *range(200, len(data), 37), len(data) - 1}:
        with pytest.raises(BnnError):
            Model(data[:size])


def test_every_flipped_bit_is_noticed() -> None:
    """By a rule or by the checksum, which Model compares."""
    data = TINY.read_bytes()
    rng = np.random.default_rng(4)
    for position in rng.integers(0, 8 * len(data), 300):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(BnnError):
            Model(damaged)


def test_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(BnnError, match=r"picture\.png: .*python -m converter"):
        Model(path)


def test_models_do_not_disturb_each_other() -> None:
    """Two plans of one file and one of another, interleaved and from threads, give the same bits each time."""
    one, two, pair = Model(TINY), Model(TINY), Model(PAIR)
    x = np.random.default_rng(5).standard_normal((20, 3, 5, 5)).astype(np.float32)
    expected = one.run(x)
    wrong: list[str] = []

    def work(model: Model) -> None:
        for _ in range(5):
            if not np.array_equal(model.run(x), expected):
                wrong.append("scores differ")
            pair.run([EXPECTED["left"], EXPECTED["right"]])

    threads = [
        threading.Thread(target=work, args=(model,)) for model in (one, one, two, Model(TINY, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_version() -> None:
    """The C library, the packages and the project file agree."""
    import converter
    import pylibbnn

    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    assert pylibbnn.__version__ == converter.__version__
    if project.is_file():
        assert f'version = "{pylibbnn.__version__}"' in project.read_text(encoding="utf-8")
