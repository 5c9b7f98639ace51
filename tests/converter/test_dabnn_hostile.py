# SPDX-License-Identifier: BSD-3-Clause
"""Wrong, damaged and hostile daBNN files: one clear error each; never a crash, a hang, or a read outside the file."""

from __future__ import annotations

import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import __main__ as cli
from converter import dabnn, onnx_import, sources
from converter.errors import ConversionError
from legacy_dab import LegacyModel, small, table, vector

pytest.importorskip("flatbuffers")
Change = Callable[[LegacyModel], Any]


def error_of(data: bytes) -> str:
    with pytest.raises(ConversionError) as caught:
        dabnn.read_dabnn(data)
    return str(caught.value)


# -- wrong models --------------------------------------------------------------------------------
def changed(kind: str, **params: Any) -> Change:
    """Change parameters of the first layer of a kind."""

    def change(model: LegacyModel) -> None:
        next(p for k, p in model.layers if k == kind).update(params)

    return change


def added(kind: str, **params: Any) -> Change:
    """One more layer."""
    return lambda model: model.layer(kind, **params)


def array(name: str, *shape: int, dtype: Any = np.float32) -> Change:
    return lambda model: model.array(name, np.ones(shape, dtype))


def both(*changes: Change) -> Change:
    def change(model: LegacyModel) -> None:
        for one in changes:
            one(model)

    return change


POOL = {"input": "bn", "kernel_shape": [2, 2], "strides": [1, 1], "output": "y"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: setattr(m, "version", 3), "version 3; versions 1 and 2"),
        (lambda m: setattr(m, "shape", (1, 4, 4)), "input 'image' has shape [1, 4, 4]"),
        (lambda m: setattr(m, "shape", (2, 4, 4, 8)), "input 'image' has shape [2, 4, 4, 8]"),
        (lambda m: setattr(m, "shape", (1, 4, 4, 9)), "its weight 'w' [4, 3, 3, 8] must be bits"),
        (lambda m: setattr(m, "shape", (1, 1 << 20, 1 << 20, 8)), "the limit is 2 GiB"),
        (lambda m: m.layers.clear(), "no inputs, or no layers"),
        (lambda m: m.arrays.pop("w"), "layer 'conv' (BinConv2D): its weight 'w' is not in the file"),
        (lambda m: m.arrays.pop("a"), "layer 'bn' (Affine): its a 'a' is not in the file"),
        (array("a", 5), "its a 'a' [5] must be 4 floats"),
        (array("w", 4, 3, 3, 8), "must be bits [O, H, W, 8]"),
        (array("w", 1, 1, 1, 1, 8, dtype=np.int8), "no network has such an array"),
        (array("w", 4, 9, 8, dtype=np.int8), "array 'w' of shape [4, 9, 8] holds 5 words"),
        (changed("BinConv2D", dilations=[2, 2]), "daBNN itself gives wrong results"),
        (changed("BinConv2D", pads=[1, 1, 2, 1]), "its pads [1, 1, 2, 1]"),
        (changed("BinConv2D", pads=[-1, 1]), "its pads [-1, 1] must be"),
        (changed("BinConv2D", strides=[0, 1]), "its strides [0, 1] must be"),
        (changed("BinConv2D", strides=[1]), "its strides [1] must be"),
        (changed("BinConv2D", input="none"), "layer 'conv' (BinConv2D): it reads 'none'"),
        (changed("BinConv2D", input="bn"), "it reads 'bn', which no layer before it writes"),
        (changed("BinConv2D", output="image"), "the name 'image' stands for two tensors"),
        (changed("Affine", output="conv"), "the name 'conv' stands for two tensors"),
        (changed("Affine", output=""), "does not say what it writes"),
        (added("Add", input1="bn", input2="image", output="y"), "it adds [1, 4, 4, 4] and [1, 8, 4, 4]"),
        (added("Concat", inputs=["bn", "image"], axis=3, output="y"), "equal shapes only"),
        (added("Concat", inputs=["bn"] * 3, axis=3, output="y"), "two inputs"),
        (added("Concat", inputs=["bn", "bn"], axis=1, output="y"), "axis 1; daBNN knows 3"),
        (added("AvePool", **{**POOL, "kernel_shape": [9, 9]}), "layer 'y'|node 'y'"),
        (added("MaxPool", **{**POOL, "kernel_shape": [-1, 2]}), "its kernel_shape [-1, 2]"),
        (added("MaxPool", **{**POOL, "strides": [0, 0]}), "its strides [0, 0]"),
        (added("Split", input="bn", outputs=["l", "r"]), "holds floats"),
        (both(added("Binarize", input="bn", output="s"), added("Split", input="s", outputs=["l", "r"])), "whole groups of 128"),
        (both(added("Binarize", input="bn", output="s"), added("Shuffle", input="s", output="t")), "only with 512"),
        (both(added("Binarize", input="bn", output="s"), added("Relu", input="s", output="t")), "packed bits, as floats"),
        (added("Softmax", input="bn", output="y"), "4 x 4 pixels"),
        (both(array("f", 3, 64), added("FC", input="bn", weight="f", output="y")), "4 x 4 pixels"),
        (both(array("s", 3, 1, 1), added("PRelu", input="bn", slope="s", output="y")), "'s' [3, 1, 1] must be 4 floats"),
    ],
)  # fmt: skip
def test_wrong_model(change: Change, text: str) -> None:
    model = small()
    change(model)
    message = error_of(model.file())
    assert any(part in message for part in text.split("|")), message


def test_wrong_arrays() -> None:
    """Too few words or numbers for the shape, shapes that cannot be, numbers that are none."""
    model = small()
    model.arrays["a"] = (np.array([1, np.inf, 1, 1], np.float32), False)
    assert "array 'a' of shape [4] holds 4 numbers, or some are NaN" in error_of(model.file())
    model = small()
    model.arrays["w"] = (np.ones((4, 3, 3, 8), np.int8), False)
    assert "4 filters of 72 bits are 4.5 words" in error_of(model.file())
    shape = struct.pack("<IIIII", 4, 4, 3, 3, 8)
    for wrong in ((4, 4, 3, 9, 9), (4, 0, 3, 3, 8), (4, *[2**31] * 4), (3, 4, 3, 3, 8)):
        data = small().file()
        assert shape in data
        message = error_of(data.replace(shape, struct.pack("<IIIII", *wrong)))
        assert (
            f"'w' of shape {list(wrong[1 : 1 + wrong[0]])}" in message or "must be bits" in message
        )


# -- hostile bytes -------------------------------------------------------------------------------
def test_every_truncation(tmp_path: Path) -> None:
    """Every length shorter than the file is refused, by the reader and by the converter."""
    data = small().file()
    path = tmp_path / "cut.dab"
    for size in range(len(data)):
        if size >= 4:
            error_of(data[:size])
        path.write_bytes(data[:size])
        with pytest.raises(ConversionError) as caught:
            sources.load(path)
        assert str(caught.value).startswith(str(path))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the flatbuffers package fail the test when it reads outside the bytes (Python would count from the end)."""
    from flatbuffers import encode

    get, vector = encode.Get, encode.GetVectorAsNumpy

    def checked_get(packer: struct.Struct, data: bytes, at: int) -> Any:
        assert 0 <= at <= len(data) - packer.size
        return get(packer, data, at)

    def checked_vector(dtype: Any, data: bytes, count: int, at: int) -> Any:
        assert 0 <= at <= len(data) - count * np.dtype(dtype).itemsize
        return vector(dtype, data, count, at)

    monkeypatch.setattr(encode, "Get", checked_get)
    monkeypatch.setattr(encode, "GetVectorAsNumpy", checked_vector)


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("seed", range(4))
def test_mutations(seed: int) -> None:
    """Random bytes and words in random places: an error or a model, quickly, and with little memory."""
    rng = np.random.default_rng(seed)
    good = small().file()
    refused = 0
    tracemalloc.start()
    for _ in range(400):
        data = bytearray(good)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            if rng.random() < 0.5:
                data[at] = rng.choice([0, 1, 2, 4, 0x7F, 0x80, 0xFF, int(rng.integers(256))])
            else:
                at -= at % 4
                word = int(rng.choice([0, 1, 4, len(data), 2**16, 2**31 - 1, 2**31, 2**32 - 4]))
                data[at : at + 4] = struct.pack("<I", word)
        try:
            onnx_import.from_model(dabnn.read_dabnn(bytes(data)))
        except ConversionError:
            refused += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused > 100
    assert peak < 50_000_000


@pytest.mark.usefixtures("watched")
def test_every_word() -> None:
    """Each 4 bytes in turn as the largest and the most negative offset, and as one that points to itself."""
    good = small().file()
    refused = 0
    for at in range(0, len(good) - 3, 2):
        for word in (0, 2**31 - 1, 2**31, 2**32 - 1):
            data = bytearray(good)
            data[at : at + 4] = struct.pack("<I", word)
            try:
                dabnn.read_dabnn(bytes(data))
            except ConversionError:
                refused += 1
    assert refused > len(good) // 2


def test_overlapping_parts() -> None:
    """Arrays that share their data, and lists of one table many times: what is read is bounded by the file's size."""
    import flatbuffers

    def model(tables: int, repeats: int) -> bytes:
        b = flatbuffers.Builder(1024)
        words = b.CreateNumpyVector(np.zeros(1000, np.uint64))
        shape = b.CreateNumpyVector(np.array([1000, 64], np.uint32))
        arrays = []
        for i in range(tables):
            name = b.CreateString(f"a{i}")
            fields = [("Int8", 1), ("offset", words), None, ("offset", shape), ("offset", name)]
            arrays += [table(b, fields)[1]] * repeats
        empty = vector(b, [])
        b.Finish(
            table(b, [("offset", empty), ("offset", vector(b, arrays)), None, ("Uint32", 2)])[1]
        )
        return bytes(b.Output())

    assert "no inputs, or no layers" in error_of(model(1, 1))
    assert "array 'a0' is there twice" in error_of(model(1, 2))
    tracemalloc.start()
    assert "its parts overlap" in error_of(model(1000, 1))
    assert "its parts overlap" in error_of(model(1, 60_000))
    assert "lists 70000 parts; the limit is 65536" in error_of(model(1, 70_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


# -- the command line ----------------------------------------------------------------------------
def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.dab", tmp_path / "new.dab"
    old.write_bytes(small().file())
    assert cli.main([str(old)]) == 1
    assert "it has another use; choose another name" in capsys.readouterr().err
    assert cli.main([str(old), "-o", str(new)]) == 0
    assert "1 binary" in capsys.readouterr().out
    assert new.read_bytes().startswith(b"\x89DAB")
    assert cli.main([str(new), "-o", str(tmp_path / "newer.dab")]) == 1
    assert "is a converted model already" in capsys.readouterr().err
    assert cli.main([str(old), "-o", str(new), "--params", str(tmp_path)]) == 1
    assert "are for MXNet symbols" in capsys.readouterr().err


def test_command_verifies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("pylibbnn", exc_type=ImportError)
    old = tmp_path / "old.dab"
    old.write_bytes(small().file())
    assert cli.main([str(old), "-o", str(tmp_path / "new.dab"), "--verify"]) == 0
    assert "verified: compared with onnxruntime" in capsys.readouterr().out


def test_without_flatbuffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    assert "pip install flatbuffers" in error_of(small_file())


def small_file() -> bytes:
    """A file's first bytes; they are not looked at."""
    return b"\x10\0\0\0" + bytes(60)
