# SPDX-License-Identifier: BSD-3-Clause
"""Write the .onnx files of this folder: `python -m tests.converter.zoo.export [--out FOLDER]` (needs torch and onnxscript).

Every architecture goes through both of PyTorch's exporters: the legacy one (tracing, NAME_legacy.onnx) and the newer one
(torch.export, NAME_dynamo.onnx). The legacy files have a symbolic batch. NAME_nhwc.onnx is what tf2onnx would write.
Parameters are random, from fixed seeds.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import onnx
import torch
from torch import nn

from . import (
    alexnet,
    binarynet,
    binarynet_nhwc,
    bireal,
    densenet,
    meliusnet,
    quicknet,
    quicknet_nhwc,
    reactnet,
    real_to_binary,
    unet,
)
from .layers import randomise

HERE = Path(__file__).resolve().parent
SEED = 11
#: Name: (builder, shape of the input, opset of the legacy exporter).
ARCHITECTURES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "bireal18": (bireal.build, bireal.SHAPE, 13),
    "reactnet_a": (reactnet.build, reactnet.SHAPE, 13),
    "xnor_alexnet": (alexnet.build, alexnet.SHAPE, 14),
    "xnor_alexnet_scaled": (alexnet.build_scaled, alexnet.SHAPE, 14),
    "binarynet_cifar10": (binarynet.build, binarynet.SHAPE, 15),
    "binary_densenet28": (densenet.build, densenet.SHAPE, 16),
    "meliusnet": (meliusnet.build, meliusnet.SHAPE, 16),
    "quicknet": (quicknet.build, quicknet.SHAPE, 17),
    "real_to_binary": (real_to_binary.build, real_to_binary.SHAPE, 17),
    "binary_unet": (unet.build, unet.SHAPE, 17),
}
EXPORTERS = ("legacy", "dynamo")
DYNAMO_OPSET = 20


def export(name: str, exporter: str) -> onnx.ModelProto:
    """Build one network and export it, everything in one message."""
    build, shape, opset = ARCHITECTURES[name]
    torch.manual_seed(SEED)
    model = build()
    randomise(model, shape)
    dynamo = exporter == "dynamo"
    with tempfile.TemporaryDirectory() as work, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(work) / "model.onnx"
        torch.onnx.export(
            model,
            (torch.zeros(shape),),
            str(path),
            input_names=["image"],
            output_names=["out"],
            opset_version=DYNAMO_OPSET if dynamo else opset,
            dynamo=dynamo,
            dynamic_axes=None if dynamo else {"image": {0: "batch"}, "out": {0: "batch"}},
            verbose=False,
        )
        proto = onnx.load(str(path))
    _strip(proto)
    return proto


def _strip(proto: onnx.ModelProto) -> None:
    """Take away what converters do not read, and makes most of a small file: stack traces, shapes, long names between nodes."""
    proto.doc_string = ""
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    del proto.graph.value_info[:]
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    kept = {item.name for item in (*proto.graph.input, *proto.graph.output)}
    written = [name for node in proto.graph.node for name in node.output if name not in kept]
    short = {name: f"v{index}" for index, name in enumerate(written)}
    for node in proto.graph.node:
        for names in (node.input, node.output):
            names[:] = [short.get(name, name) for name in names]


def builders() -> dict[str, Callable[[], onnx.ModelProto]]:
    """A function for each file of this folder."""
    exported = {
        f"{name}_{exporter}": partial(export, name, exporter)
        for name in ARCHITECTURES
        for exporter in EXPORTERS
    }
    return {
        **exported,
        "quicknet_nhwc": quicknet_nhwc.build,
        "binarynet_nhwc": binarynet_nhwc.build,
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Write all files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HERE, help="default: beside this file")
    args = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    for name, make in builders().items():
        path = args.out / f"{name}.onnx"
        data = make().SerializeToString(deterministic=True)
        path.write_bytes(data)
        print(f"{path.name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
