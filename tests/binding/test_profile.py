# SPDX-License-Identifier: BSD-3-Clause
"""`python -m pylibbnn profile`: rows, shares and bytes that are known, times and bounds that are plausible."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pylibbnn import Model, isas
from pylibbnn.__main__ import main
from pylibbnn.profile import Profile, profile

pytestmark = pytest.mark.self

TINY = Path(__file__).parent / "data" / "tiny.dab"  # image [1, 3, 5, 5] -> scores [1, 4]


@pytest.fixture(params=[1, 2])
def result(request: pytest.FixtureRequest) -> Profile:
    return profile(TINY, None, request.param, 3)


def test_rows(result: Profile) -> None:
    model = Model(TINY)
    assert [row.step.kind for row in result.rows] == [step.kind for step in model.steps]
    assert {row.step.kind for row in result.rows if row.step.binary} == {"bconv2d"}
    for row in result.rows:
        assert row.milliseconds >= 0
        assert (row.of_bound is None) == (row.rate is None)
        assert row.rate is None or row.step.macs > 0


def test_sums(result: Profile) -> None:
    assert result.milliseconds == pytest.approx(sum(row.milliseconds for row in result.rows))
    assert sum(row.share for row in result.rows) == pytest.approx(1)
    binary = sum(row.milliseconds for row in result.rows if row.step.binary)
    assert result.binary_share * result.milliseconds == pytest.approx(binary)


def test_bytes(result: Profile) -> None:
    """The first op reads the image, the last writes the scores."""
    image, scores = 4 * 3 * 5 * 5, 4 * 4
    assert result.rows[0].step.activation_bytes >= 2 * image
    assert result.rows[-1].step.activation_bytes > scores
    assert sum(row.step.weight_bytes for row in result.rows) < TINY.stat().st_size


def test_bound_is_faster_than_any_op(result: Profile) -> None:
    """Layers as small as these are far from the machine's bound, which is of many signs and of fewer floats a second."""
    assert result.bound.binary > result.bound.floats > 1e6
    assert all(row.of_bound < 1 for row in result.rows if row.of_bound is not None)


def test_times_only_where_asked() -> None:
    plain, taken = Model(TINY), Model(TINY, profile=True)
    assert set(taken.step_milliseconds) == {-1}
    for model in (plain, taken):
        model.run(np.zeros((1, 3, 5, 5), np.float32))
    assert set(plain.step_milliseconds) == {-1}
    assert min(taken.step_milliseconds) >= 0


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    """In order, or the slowest first."""
    assert main(["profile", str(TINY), "--repeat", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    count = len(Model(TINY).steps)
    assert [line.split()[0] for line in lines[1 : count + 1]] == list(map(str, range(count)))
    assert [line.split()[0] for line in lines[count + 2 :]] == ["all", "binary", "others"]
    assert main(["profile", str(TINY), "--sort", "--isa", "c"]) == 0
    times = [float(line.split()[2]) for line in capsys.readouterr().out.splitlines()[1 : count + 1]]
    assert times == sorted(times, reverse=True)


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), "--json", "--threads", "2", "--isa", isas()[0]]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["threads"] == 2
    assert [row["kind"] for row in plain["rows"]] == [step.kind for step in Model(TINY).steps]
    assert set(plain["bound"]) == {"binary", "floats"}


@pytest.mark.parametrize("wrong", [["--repeat", "0"], ["--threads", "0"], ["--isa", "none"]])
def test_errors(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(TINY), *wrong]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(tmp_path / "missing.dab")]) == 1
    assert "missing.dab" in capsys.readouterr().err
