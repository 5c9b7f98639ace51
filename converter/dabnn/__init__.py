# SPDX-License-Identifier: BSD-3-Clause
"""Front door for daBNN's own .dab files (FlatBuffers, versions 1 and 2) -> an ONNX model in memory.

Inputs and outputs keep daBNN's layout and names: [1, H, W, C], and the blob that no layer reads.

    Model  { layers; initializers: [Tensor]; inputs: [Input]; version: u32 }     Input  { shape: [u32]; name }
    Tensor { type: i8 (0 float, 1 bit); words: [u64]; floats: [f32]; shape: [u32]; name; aligned: bool }
    Layer  { type: i8; one table of parameters for each type (layers.py); name }
"""

from __future__ import annotations

import onnx

from converter.dabnn.buffer import Buffer, Record
from converter.dabnn.layers import LAYERS, LayerType
from converter.dabnn.network import Blob, Layer, Network, read_array
from converter.errors import ConversionError
from converter.graph import Array

#: Files of the first releases say no version.
VERSIONS = (0, 1, 2)


def is_dabnn(head: bytes) -> bool:
    """Whether a file that starts so may be one: FlatBuffers begin with the small offset of their first table."""
    return len(head) >= 8 and 4 <= int.from_bytes(head[:4], "little") < 65536


def read_dabnn(data: bytes) -> onnx.ModelProto:
    """The network of a file. Raises ConversionError, whatever the bytes are."""
    root = Buffer(data).root("the model")
    version = root.number(3, "Uint32")
    if version not in VERSIONS:
        raise ConversionError(
            f"is no daBNN model, or one of version {version}; versions 1 and 2 can be read"
        )
    arrays: dict[str, Array] = {}
    for record in root.records(1, "array"):
        name, array = read_array(record)
        if name in arrays:
            raise ConversionError(f"array '{name}' is there twice")
        arrays[name] = array
    layers = [_parts(record) for record in root.records(0, "layer")]
    read = {name for kind, params in layers for name in kind.reads(params)}
    written = [name for kind, params in layers for name in kind.writes(params)]
    outputs = [name for name in written if name not in read]
    network = Network(arrays, frozenset(outputs))
    inputs = root.records(2, "input")
    if not inputs or not layers:
        raise ConversionError("is no daBNN model: it has no inputs, or no layers")
    _add_input(network, inputs[0])  # daBNN reads no other
    for kind, params in layers:
        names = kind.writes(params)
        if "" in names or not names:
            raise ConversionError(f"{params.what} does not say what it writes")
        kind.translate(Layer(kind.name, params, network, names[0]))
    for name in outputs:
        _add_output(network, name)
    return network.builder.model(outputs)


def _parts(record: Record) -> tuple[LayerType, Record]:
    """The type of a layer and its parameters."""
    number = record.number(0, "Int8")
    if number not in LAYERS:
        raise ConversionError(f"{record.what} has type {number}, which daBNN does not know")
    kind = LAYERS[number]
    return kind, record.record(kind.params, f"{kind.name} of {record.what}")


def _add_input(network: Network, record: Record) -> None:
    name, shape = record.text(1), tuple(int(d) for d in record.array(0, "Uint32"))
    if len(shape) != 4 or min(shape) < 1 or shape[0] != 1:
        raise ConversionError(f"input '{name}' has shape {list(shape)}, not [1, H, W, C]")
    x = network.builder.add_input(name, shape)
    network.written.add(name)
    tensor = network.builder.emit("Transpose", [x], [f"{name}/nchw"], perm=(0, 3, 1, 2))
    network.blobs[name] = Blob(tensor)


def _add_output(network: Network, name: str) -> None:
    blob = network.blobs[name]
    builder, label = network.builder, f"{name}/output"
    if len(builder.shape(blob.tensor)) == 4:
        builder.emit("Transpose", [blob.tensor], [name], label, perm=(0, 2, 3, 1))
    else:
        builder.emit("Identity", [blob.tensor], [name], label)
