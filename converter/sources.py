# SPDX-License-Identifier: BSD-3-Clause
"""The front doors: which kind of file a model is, by its content, and the graph that it holds.

Formats other than ONNX are said in ONNX first, so that one importer and `--verify` serve all of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import onnx

from converter import onnx_import
from converter.dabnn import is_dabnn, read_dabnn
from converter.errors import ConversionError
from converter.graph import Graph
from converter.ops.registry import Shape

Shapes = Mapping[str, Shape]

BLANKS = b"\xef\xbb\xbf \t\r\n"  # what may stand in front of JSON

CONVERTED = b"\x89DAB"  # the first bytes of a .dab file

#: First bytes of files that are no models, and what to do with them.
REFUSED = {
    CONVERTED: "is a converted model already; to look into it: python -m pylibbnn inspect FILE",
    b"\x12\x01\0\0\0\0\0\0": "holds MXNet parameters only; give the symbol, and this file with "
    "--params: python -m converter model-symbol.json --params FILE",
}


def load(path: Path, params: Path | None = None, shapes: Shapes | None = None) -> Graph:
    """The graph of a model file. Raises ConversionError, which names the file and what is wrong in it.

    `params` and `shapes` (of inputs, by name; "" is the only input) belong to MXNet symbols.
    """
    source = as_onnx(path, params, shapes)
    if isinstance(source, Path):
        return onnx_import.load(source)
    try:
        return onnx_import.from_model(source)
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from error


def check(path: Path) -> None:
    """Refuse, before anything else is said about it, a file that no front door is for. Raises ConversionError."""
    for magic, text in REFUSED.items():
        if _head(path).startswith(magic):
            raise ConversionError(f"{path}: {text}")


def is_converted(path: Path) -> bool:
    """Whether a file is a .dab file. Raises ConversionError where it cannot be read."""
    return _head(path).startswith(CONVERTED)


def as_onnx(
    path: Path, params: Path | None = None, shapes: Shapes | None = None
) -> Path | onnx.ModelProto:
    """The file itself if it is ONNX (or nothing that is known), else what it says, in ONNX. Raises as `load` does."""
    check(path)
    try:
        return _translated(path, params, shapes or {}) or path
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from error


def _translated(path: Path, params: Path | None, shapes: Shapes) -> onnx.ModelProto | None:
    """None for ONNX."""
    if _head(path).lstrip(BLANKS).startswith(b"{"):
        from converter.mxnet import read_mxnet

        if params is None:
            raise ConversionError("is an MXNet symbol: give its parameters with --params FILE")
        return read_mxnet(path.read_bytes(), params, shapes)
    if params is not None or shapes:
        raise ConversionError("--params and --input-shape are for MXNet symbols; this is none")
    if is_dabnn(_head(path)):
        return read_dabnn(path.read_bytes())
    return None


def _head(path: Path) -> bytes:
    """The first bytes of a file."""
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror}") from None


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that only some formats need."""
    parser.add_argument(
        "--params", type=Path, metavar="FILE", help="parameters of an MXNet or BMXNet symbol"
    )
    parser.add_argument(
        "--input-shape",
        type=_shape,
        action="append",
        default=[],
        metavar="[NAME=]1,C,H,W",
        help="shape of an input that an MXNet symbol does not say",
    )


def _shape(text: str) -> tuple[str, Shape]:
    name, _, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.split(","))
    except ValueError:
        shape = ()
    if len(shape) < 2 or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1,3,32,32 or data=1,3,32,32")
    return name, shape
