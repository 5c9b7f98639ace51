# SPDX-License-Identifier: BSD-3-Clause
"""Whole networks in the benchmark: every op is measured, sums and verdicts follow from that, growth is judged by a line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from ci.bench import growth, networks, ops
from ci.bench.__main__ import parse
from ci.bench.region import CountError
from ci.qemu.targets import find
from converter.dab_model import Kind
from pylibbnn import zoo
from targets import Target

PRODUCTS = (Kind.BCONV2D, Kind.CONV2D, Kind.DENSE, Kind.QCONV2D, Kind.QDENSE)
SMALL = zoo.Scale(width=0.125, image=0.3)


@pytest.mark.one_cpu
def test_costs(target: Target, tmp_path: Path) -> None:
    """A cost per op; counts repeat exactly, and grow with the number of images."""
    row = find(target.name)
    network = networks.prepare("bireal18", SMALL, tmp_path)
    found = networks.costs(row, None, network)
    assert len(found) == len(network.model.ops)
    assert all(cost >= 0 for cost in found)
    if not row.emulator:
        assert "usage:" in mark(row.build / "bnn-run", network)
        return
    two = networks.prepare("bireal18", SMALL, tmp_path, samples=2)
    assert networks.costs(row, None, two)[: len(found)] == found
    assert sum(networks.costs(row, None, two)) == pytest.approx(2 * sum(found), rel=0.01)


def mark(program: Path, network: networks.Prepared) -> str:
    files = [network.path, network.image, network.path.with_suffix(".out")]
    command = [str(program), *map(str, files), "--mark"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    return result.stderr


@pytest.mark.one_cpu
@pytest.mark.parametrize("name", ["bireal18", "bireal18-int8"])
def test_ops(name: str, target: Target, tmp_path: Path) -> None:
    """A file's ops: each has its instructions, which are no less than its multiply-adds need, and its memory."""
    row = find(target.name)
    if not row.emulator:
        with pytest.raises(SystemExit):
            parse(["--ops", "bireal18"])
        return
    path = networks.prepare(name, SMALL, tmp_path).path
    isa = "c" if "neon" in row.without else "neon"
    rows, text = ops.measure(row, isa, str(path))
    kinds = [op.kind for op in ops.prepare(str(path), tmp_path).model.ops]
    assert [r["binary"] for r in rows] == [kind == Kind.BCONV2D for kind in kinds]
    assert sum(r["share"] for r in rows) == pytest.approx(1)
    bounds = [r["of_bound"] for r in rows if r["macs"]]
    assert len(bounds) == len([kind for kind in kinds if kind in PRODUCTS])
    assert (
        0.001 < min(bounds) < max(bounds) < 1.2
    )  # without vectors; the chain: 2.5 operations instead of 3
    assert all(r["activation_bytes"] > 0 for r in rows)
    assert "binary" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(None, "No such file"), (b"", "is empty"), (b"no model", "--ops .*magic")],
    ids=str,
)
def test_ops_of_no_model(content: bytes | None, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "model.dab"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CountError, match=expected):
        ops.prepare(str(path), tmp_path)


@pytest.mark.parametrize("name", zoo.NETWORKS)
def test_arena(name: str, tmp_path: Path) -> None:
    """Activations take at most 1.1 times the largest live set."""
    network = networks.prepare(name, SMALL, tmp_path)
    assert network.live <= network.model.activation_bytes <= networks.ARENA_GOAL * network.live


def test_groups(tmp_path: Path) -> None:
    model = networks.prepare("xnor-alexnet", SMALL, tmp_path).model
    groups = networks.by_group(model, [1.0] * len(model.ops))
    kinds = [op.kind for op in model.ops]
    assert groups["binary"] == 6
    assert groups["convolution"] == kinds.count(Kind.CONV2D) == 1
    assert groups["dense"] == 1
    assert sum(groups.values()) == len(kinds)


def found(name: str, binary: float, activations: int) -> dict[str, Any]:
    groups = {**dict.fromkeys(networks.GROUPS, 0.0), "binary": binary, networks.OTHERS: 1 - binary}
    share = {"not_binary": 1 - binary, "cost": 1.0, "groups": groups, "target": "armv7"}
    return {"name": name, **share, "activations": activations, "live": 100}


def test_verdicts() -> None:
    good, bad = found("bireal18", 0.5, 100), found("bireal18", 0.25, 120)
    assert "50.0% |            ok" in networks.cost_table([good, bad])
    assert "75.0% | more than 55%" in networks.cost_table([good, bad])
    assert "1.000 |            ok" in networks.arena_table([good, bad])
    assert "1.200 | more than 1.1" in networks.arena_table([good, bad])


def test_chosen() -> None:
    assert networks.chosen([]) == list(networks.NAMES)
    assert networks.chosen(["bireal18"]) == ["bireal18"]
    assert networks.chosen(["alexnet"]) == ["xnor-alexnet", "bwn-alexnet", "xnor-alexnet-int8"]


def test_line() -> None:
    straight = growth.Line("x", (1, 2, 4), (5, 8, 14))
    assert straight.fit == pytest.approx((3, 2))
    assert straight.distance < 1e-9
    assert growth.Line("x", (1, 2, 3), (1, 4, 9)).distance > growth.WANTED


def test_growth_table_names_curves() -> None:
    depth = growth.SERIES[1]
    line, curve = (
        growth.Line("depth", (1, 2, 3), (1, 2, 3)),
        growth.Line("depth", (1, 2, 3), (1, 4, 9)),
    )
    text = growth.growth_table([growth.Grown(depth, line, curve)], "milliseconds")
    time, arena = text.splitlines()[2:]
    assert time.startswith("| milliseconds over depth")
    assert time.endswith("ok |")
    assert arena.endswith("more than 5% |")
