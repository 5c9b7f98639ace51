# SPDX-License-Identifier: BSD-3-Clause
"""The comparison with other programs: what they are given, and that one that fails is named and the others are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import pylibbnn
from ci.bench import peers
from ci.bench.__main__ import parse
from onnx_builder import runtime
from pylibbnn import zoo

SHAPE = "6,6,8,16,3,1,1"


def test_layer_in_both_layouts() -> None:
    """Of the same weights."""
    x = np.random.default_rng(0).standard_normal((1, 8, 6, 6)).astype(np.float32)
    first = runtime(peers.layer(SHAPE, channels_last=False), {"image": x})[0]
    last = runtime(peers.layer(SHAPE, channels_last=True), {"image": x.transpose(0, 2, 3, 1)})[0]
    assert first.shape == (1, 16, 6, 6)
    np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), first)


def test_without_signs() -> None:
    """On an image of signs a layer without its sign gives the same; of a network the other nodes stay."""
    model = peers.layer(SHAPE, channels_last=False)
    x = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), (1, 8, 6, 6))
    plain = peers.without_signs(model)
    np.testing.assert_array_equal(runtime(plain, {"image": x})[0], runtime(model, {"image": x})[0])
    network = zoo.build("bireal18", zoo.Scale(width=0.125, image=0.3))
    left = [node.op_type for node in peers.without_signs(network).graph.node]
    assert left == [n.op_type for n in network.graph.node if n.op_type not in ("Less", "Where")]
    onnx.checker.check_model(peers.without_signs(network), full_check=True)


def test_measures_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer without a model fails; the others have times."""
    monkeypatch.setattr(peers, "ROUND_NS", 1e6)
    peers.write_models(tmp_path, "layer", SHAPE)
    failures = {p.name: "not wanted" for p in peers.PEERS if p.ending.endswith("tflite")}
    workers = peers.start(failures)
    (tmp_path / f"{SHAPE}.float.onnx").unlink()
    try:
        found = peers.rounds(workers, failures, tmp_path, {"layer": SHAPE})
    finally:
        for worker in workers.values():
            worker.stop()
    expected = {
        peer.name
        for peer in peers.PEERS
        if peer.ending.endswith(("dab", "int8.onnx")) and peer.isa in ("", *pylibbnn.isas())
    }
    assert {name for _, name in found} == expected
    assert all(ns > 100 for ns in found.values())
    assert failures["onnxruntime float"].startswith("error")


@pytest.mark.long
def test_package_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBBNN_CACHE", str(tmp_path))
    with pytest.raises(peers.PeerError, match=r"not installed: .*missing"):
        peers.environment("none", [str(tmp_path / "missing.whl")])
    assert not (tmp_path / "peers" / "none" / "installed").exists()


def test_table() -> None:
    found = {("a", peers.LIBBNN): 2e3, ("a", "LCE"): 5e3}
    head, _, line = peers.peer_table(found).splitlines()
    assert "LiteRT int8" in head
    assert line.endswith("5 (2.5 x) |")
    assert peers.missing({}) == ""
    assert peers.missing({"LCE": "not installed: x"}).endswith("Not run: LCE: not installed: x.")


@pytest.mark.parametrize("option", ["--peers", "--threads"])
def test_only_here(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([option, "--target", "aarch64"])
    assert "measure time" in capsys.readouterr().err
