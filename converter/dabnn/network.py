# SPDX-License-Identifier: BSD-3-Clause
"""The state of a translation from daBNN to ONNX: arrays, blobs, and which names share one.

Blobs are [1, C, H, W] here. As in daBNN, layers that work in place (Affine, Add, Relu, PRelu, Shuffle) overwrite the blob of
their first input: who reads one of its names afterwards, reads the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from converter.dabnn.buffer import Record
from converter.errors import ConversionError
from converter.graph import Array
from converter.onnx_build import ModelBuilder
from converter.ops.registry import MAX_BYTES, Shape


@dataclass
class Blob:
    """What a name stands for: an ONNX tensor, which changes when a layer works in place. `bits`: of -1 and +1 only."""

    tensor: str
    bits: bool = False


@dataclass
class Network:
    """All that is known during a translation."""

    arrays: dict[str, Array]
    outputs: frozenset[str]
    builder: ModelBuilder = field(default_factory=lambda: ModelBuilder("dabnn"))
    blobs: dict[str, Blob] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)


@dataclass
class Layer:
    """One layer: its parameters, and what its translation needs."""

    kind: str
    params: Record
    network: Network
    output: str = ""

    def error(self, text: str) -> ConversionError:
        """An error that names this layer by what it writes."""
        return ConversionError(f"layer '{self.output}' ({self.kind}): {text}")

    # -- reading ---------------------------------------------------------------------------------
    def blob(self, name: str, bits: bool = False) -> Blob:
        """What a name stands for; tensors of bits only where they are understood."""
        if name not in self.network.blobs:
            raise self.error(f"it reads '{name}', which no layer before it writes")
        found = self.network.blobs[name]
        if found.bits and not bits:
            raise self.error(f"it reads '{name}', which is packed bits, as floats")
        return found

    def x(self, field: int = 0) -> str:
        """The tensor of an input."""
        return self.blob(self.params.text(field)).tensor

    def shape(self, tensor: str) -> Shape:
        """The sizes of a tensor."""
        return self.network.builder.shape(tensor)

    def array(self, field: int, what: str) -> tuple[str, Array]:
        """Name and data of an initializer."""
        name = self.params.text(field)
        if name not in self.network.arrays:
            raise self.error(f"its {what} '{name}' is not in the file")
        return name, self.network.arrays[name]

    def channels(self, field: int, what: str, count: int) -> Array:
        """An initializer with one number for each channel."""
        name, data = self.array(field, what)
        if data.size != count or data.dtype != np.float32:
            raise self.error(f"its {what} '{name}' {list(data.shape)} must be {count} floats")
        return data.reshape(-1)

    def pair(self, field: int, what: str, low: int, default: Shape = (1, 1)) -> Shape:
        """Two integers, height first; four where the second two repeat the first."""
        values = tuple(int(v) for v in self.params.array(field, "Int32")) or default
        if len(values) not in (2, 4) or values[:2] != values[-2:] or min(values) < low:
            raise self.error(f"its {what} {list(values)} must be two numbers from {low} on")
        return values[:2]

    # -- writing ---------------------------------------------------------------------------------
    def constant(self, data: Array | Sequence[float] | float, hint: str) -> str:
        """Add a float constant."""
        return self.network.builder.constant(f"{self.output}/{hint}", np.asarray(data, np.float32))

    def integers(self, values: Sequence[int], hint: str) -> str:
        """Add a constant list of integers."""
        return self.network.builder.constant(f"{self.output}/{hint}", np.asarray(values, np.int64))

    def emit(self, op: str, *inputs: str, **attrs: Any) -> str:
        """Add an ONNX node, called after this layer and the operator."""
        builder = self.network.builder
        return builder.emit(op, inputs, [builder.free(f"{self.output}/{op.lower()}")], **attrs)

    def main(self, op: str, *inputs: str, **attrs: Any) -> str:
        """Add the ONNX node that this layer is about; it has this layer's name."""
        name = f"{self.output}/nchw" if self.output in self.network.outputs else self.output
        return self.network.builder.emit(op, inputs, [name], label=self.output, **attrs)

    def write(self, name: str, tensor: str, bits: bool = False) -> None:
        """A new blob."""
        self._claim(name)
        self.network.blobs[name] = Blob(tensor, bits)

    def overwrite(self, source: str, tensor: str) -> None:
        """The result takes the place of an input, and has its blob under another name too."""
        self._claim(self.output)
        blob = self.network.blobs[source]
        blob.tensor = tensor
        self.network.blobs[self.output] = blob

    def _claim(self, name: str) -> None:
        if name in self.network.written:
            raise self.error(f"'{name}' is written twice")
        self.network.written.add(name)


def read_array(record: Record) -> tuple[str, Array]:
    """Name and data of an initializer: floats, or -1 and +1 as int8 from packed words.

    Bit i of a 64-bit word is element i, 1 for +1, in the order O, H, W, C; each filter starts at a multiple of 128 bits where
    the file says so.
    """
    name = record.text(4)
    shape = tuple(int(d) for d in record.array(3, "Uint32"))
    what = f"array '{name}' of shape {list(shape)}"
    count = math.prod(shape)
    if not 1 <= len(shape) <= 4 or not 0 < count < 64 * MAX_BYTES:
        raise ConversionError(f"{what}: no network has such an array; the file is damaged")
    if record.number(0, "Int8") == 0:
        data = record.array(2, "Float32")
        if data.size != count or not np.all(np.isfinite(data)):
            raise ConversionError(
                f"{what} holds {data.size} numbers, or some are NaN or infinite; the file is damaged"
            )
        return name, data.reshape(shape)
    words = record.array(1, "Uint64")
    row = count // shape[0]
    width = -(-row // 128) * 128 if record.number(5, "Bool") else row
    if 64 * words.size != shape[0] * width:
        raise ConversionError(
            f"{what} holds {words.size} words of 64 bits, but {shape[0]} filters of {width} bits are "
            f"{shape[0] * width / 64:g} words"
        )
    ones = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(shape[0], width)
    signs = np.where(ones[:, :row], np.int8(1), np.int8(-1))
    return name, signs.reshape(shape)
