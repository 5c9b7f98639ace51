# SPDX-License-Identifier: BSD-3-Clause
"""Random networks: what the converter makes of them computes what onnxruntime does. `nox -s generated` runs many.

`--graphs N` says how many, `--graphs-seed fresh` takes others than the last time. A failure shrinks to a small network, which
is written to build/generated; `--keep-failure NAME` writes it to regressions/NAME.onnx, where each file is a test from then on.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, seed, settings

from ci.paths import ROOT
from converter.onnx_file import read_model
from converter.passes import Mode
from generator.check import SEEN, check, convert
from generator.network import networks
from generator.order import content, in_other_order, nameless, other_visits, summary
from targets import Target

REGRESSIONS = Path(__file__).parent / "regressions"
FAILURES = ROOT / "build" / "generated"
#: Real networks whose nodes are shuffled as well, the smaller ones, and how often.
FILES = sorted(
    path
    for folder in (Path(__file__).parent / "zoo", REGRESSIONS, ROOT.parent / "shared" / "models")
    for path in folder.rglob("*.onnx")
    if path.stat().st_size < 5_000_000
)
ORDERS = 2
Look = Callable[[onnx.ModelProto], object]
Graphs = Callable[[Look, float], None]


def independent(model: onnx.ModelProto, orders: int = 1) -> None:
    """Convert with nodes and visits in the model's order and in random ones: the results are the same."""
    rng = np.random.default_rng(len(model.graph.node))
    first = convert(model)
    for _ in range(orders):
        with other_visits(rng):
            second = convert(in_other_order(model, rng))
        assert summary(first.report) == summary(second.report)
        assert content(first.graph) == content(second.graph)
        assert nameless(first.dab) == nameless(second.dab)


@pytest.fixture
def graphs(request: pytest.FixtureRequest) -> Graphs:
    """graphs(look, share) looks at that share of the networks asked for, real ones where the test's name says so."""
    config, name = request.config, request.node.originalname
    chosen = config.getoption("--graphs-seed")
    start = zlib.crc32(os.urandom(8)) if chosen == "fresh" else int(chosen)
    kept = config.getoption("--keep-failure")
    path = REGRESSIONS / f"{kept}.onnx" if kept else FAILURES / f"{name}.onnx"

    def run(look: Look, share: float) -> None:
        print(f"--graphs-seed {start}")

        @seed(zlib.crc32(f"{name} {start}".encode()))
        @settings(
            max_examples=max(1, round(share * config.getoption("--graphs"))),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(networks(real="real" in name))
        def each(model: onnx.ModelProto) -> None:
            try:
                look(model)
            except Exception:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(model.SerializeToString())
                print(f"the network is in {path}")
                raise

        each()

    return run


def test_exact(graphs: Graphs) -> None:
    """No sum rounds: results are equal bit for bit, at ties too."""
    graphs(check, 0.75)


def test_real(graphs: Graphs) -> None:
    """Real factors, weights with noise: equal within a tolerance wherever rounding does not decide."""
    before = SEEN.copy()
    graphs(check, 0.2)
    runs, undecided = (SEEN[key] - before[key] for key in ("real runs", "undecided"))
    assert undecided <= 0.1 * runs


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.AGGRESSIVE])
def test_mode(mode: Mode, graphs: Graphs) -> None:
    """Other modes make other layers binary; the results are the same."""
    graphs(lambda model: check(model, mode=mode), 0.05)


def test_order(graphs: Graphs) -> None:
    """Neither the order of independent nodes in the file nor the order of visits decides anything."""

    graphs(independent, 0.1)


@pytest.mark.long
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_order_in_files(path: Path) -> None:
    """Nor in networks as exporters write them."""
    independent(read_model(path), ORDERS)


def test_external(graphs: Graphs, tmp_path: Path) -> None:
    """Constants may stand in a file beside the model."""
    inside, outside = tmp_path / "inside.onnx", tmp_path / "outside.onnx"

    def look(model: onnx.ModelProto) -> None:
        onnx.save(model, inside)
        (tmp_path / "data").unlink(missing_ok=True)
        onnx.save(model, outside, save_as_external_data=True, location="data", size_threshold=0)
        assert convert(read_model(inside)).dab == convert(read_model(outside), folder=tmp_path).dab

    graphs(look, 0.02)


@pytest.mark.one_cpu
def test_on_machines(target: Target, graphs: Graphs) -> None:
    """The same on every machine."""

    graphs(lambda model: check(model, Target(target.machine).run), 0.1)


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.onnx")), ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
def test_regression(path: Path, mode: Mode) -> None:
    """Networks that once went wrong."""
    check(onnx.load(str(path)), mode=mode)
