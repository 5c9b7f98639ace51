# SPDX-License-Identifier: BSD-3-Clause
"""Wrong, damaged and hostile MXNet files: each gives one clear error, without a crash and without much memory."""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bmxnet import SymbolWriter, network, write_params
from converter import __main__ as cli
from converter import sources
from converter.errors import ConversionError

Array = npt.NDArray[Any]
Shapes = Mapping[str, tuple[int, ...]]
SHAPE = (1, 64, 6, 6)


def load(folder: Path, symbol: bytes, params: bytes, shapes: Shapes | None = None) -> None:
    """Import two files."""
    (folder / "net-symbol.json").write_bytes(symbol)
    (folder / "net.params").write_bytes(params)
    sources.load(folder / "net-symbol.json", folder / "net.params", shapes or {"data": SHAPE})


def error_of(folder: Path, symbol: bytes, params: bytes, shapes: Shapes | None = None) -> str:
    with pytest.raises(ConversionError) as caught:
        load(folder, symbol, params, shapes)
    assert str(caught.value).startswith(str(folder / "net-symbol.json"))
    return str(caught.value)


def test_good(tmp_path: Path) -> None:
    """The files that the others damage."""
    symbol, params = network()
    for version in (0, 1, 2):
        load(tmp_path, symbol, write_params(params, version))


# -- what users get wrong ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("attrs", "text"),
    [
        ({"act_bit": 2}, "act_bit = 2"),
        ({"weight_bit": 4}, "weight_bit = 4"),
        ({"weight_bit": 32}, "binarized_weights_only needs"),
        ({"scaling_mode": "forward"}, "have lost"),
        ({"num_filter": 5}, "'conv_weight' holds 72 words of 32 bits, but 5 outputs"),
        ({"num_filter": 0}, "do not fit"),
        ({"num_filter": 1 << 30}, "'conv_weight' holds 72 words"),
        ({"num_filter": "9" * 400}, "which cannot be"),
        ({"kernel": (3,)}, "two numbers"),
        ({"kernel": (9, 9)}, "'conv_weight' holds 72 words"),
        ({"kernel": "three"}, "attribute kernel is 'three'"),
        ({"kernel": "None"}, "attribute kernel [] must be"),
        ({"num_filter": "None"}, "has no attribute num_filter"),
        ({"stride": (0, 1)}, "from 1 on"),
        ({"num_group": 2}, "'conv_weight'|packed weights in groups"),
        ({"layout": "NHWC"}, "layout = 'NHWC'"),
        ({"no_bias": "maybe"}, "attribute no_bias is 'maybe'"),
        ({"no_bias": False}, "its bias must be a parameter"),
    ],
    ids=str,
)
def test_attributes(attrs: dict[str, Any], text: str, tmp_path: Path) -> None:
    symbol, params = network(**attrs)
    message = error_of(tmp_path, symbol, write_params(params))
    assert "node 'conv' (QConvolution): " in message
    assert any(part in message for part in text.split("|"))


def replaced(name: str, array: Array | None) -> bytes:
    params = network()[1]
    if array is None:
        del params[name]
    else:
        params[name] = array
    return write_params(params)


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        ("conv_weight", None, "'conv_weight' is not in the parameter file"),
        ("conv_weight", np.zeros(72, np.float64), "holds 72 words of 64 bits, but 4 outputs"),
        ("conv_weight", np.zeros(36, np.float32), "holds 36 words of 32 bits, but 4 outputs"),
        ("conv_weight", np.zeros(72, np.int8), "elements of 8 bits"),
        ("conv_weight", np.zeros((4, 64, 3, 3), np.float32), "holds 2304 words of 32 bits"),
        ("beta", np.zeros(5, np.float32), "'beta' has shape [5]; its input has 4 channels"),
        ("gamma", np.array([1, np.nan, 1, 1], np.float32), "array 'gamma'"),
        ("var", -np.ones(4, np.float32), "not positive"),
        ("w", np.ones((3, 60), np.float32), "'w' has shape [3, 60], but needs [3, 64]"),
        ("w", None, "'w' is not in the parameter file"),
    ],
)
def test_parameters(name: str, array: Array | None, text: str, tmp_path: Path) -> None:
    assert text in error_of(tmp_path, network()[0], replaced(name, array))


def test_input_shape(tmp_path: Path) -> None:
    """Asked for where it is missing; refused where it fits nothing."""
    symbol, params = network()
    files = symbol, write_params(params)
    assert "'conv_weight' holds 72 words" in error_of(tmp_path, *files, {"data": (1, 32, 6, 6)})
    assert "data=1,C,H,W" in error_of(tmp_path, *files, {"image": SHAPE})
    for op, name, array in (
        ("BatchNorm", "gamma", np.ones(5, np.float32)),
        ("Convolution", "w", np.ones((2, 5, 1, 1), np.float32)),
    ):
        writer = SymbolWriter()
        writer.node(op, "first", [writer.variable("data"), writer.variable(name)])
        one = writer.json(), write_params({name: array})
        assert "data=1,5,H,W" in error_of(tmp_path, *one, {"image": SHAPE})
    load(tmp_path, *files, {"": SHAPE})
    with pytest.raises(ConversionError, match="is for 'image', but the inputs are: data"):
        load(tmp_path, *files, {"data": SHAPE, "image": SHAPE})
    assert "the limit is 2 GiB" in error_of(tmp_path, *files, {"data": (1, 64, 1 << 20, 1 << 20)})


def symbols() -> Iterator[tuple[str, str]]:
    """Damaged symbols, and a part of the message."""
    good = json.loads(network()[0])

    def changed(**entry: Any) -> str:
        nodes = [dict(node) for node in good["nodes"]]
        nodes[2] = {**nodes[2], **entry}
        return json.dumps({**good, "nodes": nodes})

    yield "{", "is not JSON"
    yield '{"nodes":' + "[" * 100_000, "is not JSON"
    yield "{}", "no list 'nodes'"
    yield json.dumps({"nodes": good["nodes"]}), "no list 'heads'"
    yield json.dumps({**good, "heads": [[99, 0, 0]]}), "reads node number 99"
    yield json.dumps({**good, "heads": [[0, 1, 0]]}), "its output 1 is used"
    yield json.dumps({**good, "heads": [[7, 2, 0]]}), "its output 2 is used"
    yield json.dumps({**good, "heads": [[7, 0, 0], [7, 0, 0]]}), "stands for two tensors"
    yield json.dumps({**good, "nodes": [1]}), "entry 0 of 'nodes' is no object"
    yield changed(op=1), "lacks 'op'"
    yield changed(inputs=[[2, 0, 0], [1, 0, 0]]), "does not stand before it"
    yield changed(inputs=[[7, 0, 0], [1, 0, 0]]), "does not stand before it"
    yield changed(inputs=[[-1, 0, 0], [1, 0, 0]]), "does not stand before it"
    yield changed(inputs=[[True, 0, 0]]), "no [node, output, version]"
    yield changed(inputs=[]), "node 'conv' (QConvolution): it has 0 inputs"
    yield changed(inputs=[[0, 0, 0]]), "its weight must be a parameter"
    yield changed(attr={"kernel": 3}), "not texts by name"
    yield changed(op="Deconvolution"), "node 'conv' (Deconvolution): this operator is not supported"
    yield changed(name="fc"), "stands for two tensors"


@pytest.mark.parametrize(("symbol", "text"), list(symbols()), ids=lambda value: value[:40])
def test_symbol(symbol: str, text: str, tmp_path: Path) -> None:
    assert text in error_of(tmp_path, symbol.encode(), write_params(network()[1]))


# -- hostile bytes -------------------------------------------------------------------------------
@pytest.mark.parametrize("version", [0, 1, 2])
def test_every_truncation(version: int, tmp_path: Path) -> None:
    symbol, params = network()
    small = {name: params[name] for name in ("gamma", "beta")}
    data = write_params(small, version)
    for size in range(len(data)):
        message = error_of(tmp_path, symbol, data[:size])
        assert "net.params: " in message
    assert "bytes behind its end" in error_of(tmp_path, symbol, data + b"\0")


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<QQQ", 0x112, 0, 2**63),
        struct.pack("<QQQIiI", 0x112, 0, 1, 0xF993FAC9, 0, 2**31),
        struct.pack("<QQQIiIqqiii", 0x112, 0, 1, 0xF993FAC9, 0, 2, 2**62, 2**62, 1, 0, 0),
        struct.pack("<QQQIiIqiii", 0x112, 0, 1, 0xF993FAC9, 0, 1, -4, 1, 0, 0),
        struct.pack("<QQQIiIqiii", 0x112, 0, 1, 0xF993FAC9, 1, 1, 4, 1, 0, 0),
        struct.pack("<QQQIIqiii", 0x112, 0, 1, 0xF993FAC8, 1, 0, 1, 0, 99),
        struct.pack("<QQQIIiii", 0x112, 0, 1, 1, 2**32 - 1, 1, 0, 0),
        struct.pack("<QQQQ", 0x112, 0, 0, 2**63),
        struct.pack("<QQQIQQ", 0x112, 0, 1, 0, 1, 2**63),
        struct.pack("<QQQIQQc", 0x112, 0, 1, 0, 1, 1, b"\xff"),
        struct.pack("<QQQIIQQcQc", 0x112, 0, 2, 0, 0, 2, 1, b"a", 1, b"a"),
    ],
)
def test_lying_counts(data: bytes, tmp_path: Path) -> None:
    symbol = network()[0]
    tracemalloc.start()
    assert "net.params: " in error_of(tmp_path, symbol, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize("which", ["symbol", "params"])
@pytest.mark.parametrize("seed", range(3))
def test_mutations(which: str, seed: int, tmp_path: Path) -> None:
    """Random bytes in random places: an error or a graph, nothing else."""
    rng = np.random.default_rng(seed)
    symbol, params = network()
    files = {"symbol": symbol, "params": write_params(params, 2)}
    refused = 0
    tracemalloc.start()
    for _ in range(150):
        data = bytearray(files[which])
        for at in rng.integers(0, min(len(data), 2000), rng.integers(1, 4)):
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b'0129"[]{},:', rng.integers(256)])
        damaged = {**files, which: bytes(data)}
        try:
            load(tmp_path, damaged["symbol"], damaged["params"])
        except ConversionError:
            refused += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused > 20
    assert peak < 100_000_000


# -- the command line ----------------------------------------------------------------------------
def run(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str]:
    status = cli.main([str(a) for a in argv])
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    symbol, params = network()
    (tmp_path / "net-symbol.json").write_bytes(b"\xef\xbb\xbf\n " + symbol)
    (tmp_path / "net.params").write_bytes(write_params(params))
    model, given = tmp_path / "net-symbol.json", ("--params", tmp_path / "net.params")
    status, out = run(capsys, model)
    assert (status, "give its parameters with --params" in out) == (1, True)
    status, out = run(capsys, model, *given)
    assert (status, "give --input-shape data=1,C,H,W" in out) == (1, True)
    status, out = run(capsys, model, *given, "--input-shape", "1,64,6,6", "-o", tmp_path / "a.dab")
    assert (status, "conv " in out, "1 binary" in out) == (0, True, True)
    status, out = run(capsys, tmp_path / "a.dab")
    assert (status, "is a converted model already" in out) == (1, True)
    status, out = run(capsys, tmp_path / "net.params")
    assert (status, "holds MXNet parameters only" in out) == (1, True)
    status, out = run(capsys, model, *given, "-o", tmp_path / "net.params")
    assert (status, "another use" in out) == (1, True)
    status, out = run(capsys, model, "--params", tmp_path / "none")
    assert (status, f"{tmp_path / 'none'}: cannot be read" in out) == (1, True)
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07")
    status, out = run(capsys, tmp_path / "m.onnx", *given)
    assert (status, "are for MXNet symbols" in out) == (1, True)


def test_command_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pylibbnn", exc_type=ImportError)
    symbol, params = network()
    (tmp_path / "net-symbol.json").write_bytes(symbol)
    (tmp_path / "net.params").write_bytes(write_params(params))
    argv = (tmp_path / "net-symbol.json", "--params", tmp_path / "net.params", "--verify")
    status, out = run(capsys, *argv, "--input-shape", "data=1,64,6,6")
    assert (status, "verified: compared with onnxruntime" in out) == (0, True), out


@pytest.mark.parametrize("text", ["", "3,x", "data=", "1,0,3", "5", "data=1"])
def test_wrong_shapes(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        cli.main(["net-symbol.json", "--input-shape", text])
    assert status.value.code == 2
    assert "is not like 1,3,32,32" in capsys.readouterr().err
