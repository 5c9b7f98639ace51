# SPDX-License-Identifier: BSD-3-Clause
"""Writer and plain reader of .dab files, in the order of docs/dab-format.md, section 2.

The reader checks every rule of that page and names the first one broken; rules that need the
content of tensors or ops are in dab_data.py and dab_rules.py.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.dab_data import check_data, check_memory
from converter.dab_model import (
    DTYPES,
    KINDS,
    MAX_BYTES,
    MAX_DIM,
    MAX_RANK,
    MAX_ROWS,
    MAX_STEPS,
    RANKS,
    WEIGHTS,
    DabError,
    Kind,
    KindRow,
    Model,
    Op,
    Place,
    Status,
    Step,
    Tensor,
    Type,
    size_in_bytes,
)
from converter.dab_rules import check_kinds

__all__ = [
    "DTYPES",
    "KINDS",
    "DabError",
    "Kind",
    "KindRow",
    "Model",
    "Op",
    "Place",
    "Status",
    "Step",
    "Tensor",
    "Type",
    "read",
    "size_in_bytes",
    "write",
]

MAGIC = b"\x89DAB\r\n\x1a\n"
MAJOR, MINOR = 1, 2
HEADER = struct.Struct("<8sHH11I8s")
TENSOR = struct.Struct("<I4B6III2H4s")
OP = struct.Struct("<HBBIIII4s")
CRC_AT = 16
LIMITS = {  # header fields: smallest, largest
    "tensor_count": (1, MAX_ROWS),
    "op_count": (1, MAX_ROWS),
    "operand_count": (0, 1 << 20),
    "attribute_count": (0, 1 << 20),
    "input_count": (1, 256),
    "output_count": (1, 256),
    "string_size": (1, 1 << 24),
    "activation_bytes": (0, MAX_BYTES),
}


def alignment(tensor_type: Type) -> int:
    """Alignment of a constant in the file."""
    return 64 if tensor_type in WEIGHTS else 16


def _round_up(value: int, to: int) -> int:
    return -(-value // to) * to


def _checksum(data: bytes) -> int:
    return zlib.crc32(data[CRC_AT + 4 :], zlib.crc32(bytes(4), zlib.crc32(data[:CRC_AT])))


# -- writer --


class _Strings:
    """The string table: each text once, "" at 0."""

    def __init__(self) -> None:
        self.table = bytearray(b"\0")
        self.at = {"": 0}

    def add(self, text: str) -> int:
        if text not in self.at:
            self.at[text] = len(self.table)
            self.table += text.replace("\0", "").encode("utf-8", "replace") + b"\0"
        return self.at[text]


def write(model: Model) -> bytes:
    """Return the bytes of the file.

    Places of constants are chosen here; those of activations are the model's.
    """
    strings = _Strings()
    metadata = strings.add("".join(f"{key}={value}\n" for key, value in model.metadata.items()))
    tensor_names = [strings.add(tensor.name) for tensor in model.tensors]
    op_names = [strings.add(op.name) for op in model.ops]

    ops, operands, attributes = bytearray(), list[int](), list[int]()
    for op, name in zip(model.ops, op_names, strict=True):
        counts = (len(op.inputs), len(op.outputs), len(operands), len(attributes), len(op.words))
        ops += OP.pack(op.kind, *counts, name, b"")
        operands += [*op.inputs, *op.outputs]
        attributes += op.words
    io = [*model.inputs, *model.outputs]
    after_tensors = (
        bytes(ops)
        + struct.pack(f"<{len(operands)}I", *operands)
        + struct.pack(f"<{len(attributes)}i", *attributes)
        + struct.pack(f"<{len(io)}I", *io)
        + bytes(strings.table)
    )

    start = HEADER.size + TENSOR.size * len(model.tensors) + len(after_tensors)
    data_at = _round_up(start, 64)
    data = bytearray(data_at - start)
    tensors = bytearray()
    for tensor, name in zip(model.tensors, tensor_names, strict=True):
        offset = tensor.offset
        if tensor.data is not None:
            offset = _round_up(start + len(data), alignment(tensor.type))
            data += bytes(offset - start - len(data)) + tensor.data.tobytes()
        dims = [*tensor.dims, *[0] * (MAX_RANK - len(tensor.dims))]
        live = (0, 0) if tensor.constant else (tensor.first, tensor.last)
        tensors += TENSOR.pack(
            *(name, tensor.type, tensor.constant, len(tensor.dims), 0, *dims),
            *(offset, tensor.bytes, *live, b""),
        )

    size = start + len(data)
    head = HEADER.pack(
        *(MAGIC, MAJOR, _minor(model), size, 0, len(model.tensors), len(model.ops), len(operands)),
        *(len(attributes), len(model.inputs), len(model.outputs), len(strings.table)),
        *(metadata, model.activation_bytes, b""),
    )
    return seal(head + bytes(tensors) + after_tensors + bytes(data))


def _minor(model: Model) -> int:
    """The smallest minor version that has all that the model needs (section 6)."""
    layers = [op for op in model.ops if op.kind in (Kind.QCONV2D, Kind.QDENSE)]
    if any(model.tensors[op.inputs[0]].type == Type.F32 for op in layers):
        return 2
    new = bool(layers) or any(Step.EMIT_I8 in op.steps for op in model.ops)
    return int(new or any(t.type in (Type.I8, Type.W_S8) for t in model.tensors))


def seal(data: bytes) -> bytes:
    """The same bytes with the right CRC-32."""
    return data[:CRC_AT] + struct.pack("<I", _checksum(data)) + data[CRC_AT + 4 :]


# -- reader --


@dataclass(frozen=True)
class _Header:
    file_size: int
    crc32: int
    tensor_count: int
    op_count: int
    operand_count: int
    attribute_count: int
    input_count: int
    output_count: int
    string_size: int
    metadata: int
    activation_bytes: int


def _require(condition: bool, place: Place, index: int, what: str) -> None:
    if not condition:
        raise DabError(Status.FORMAT, place, index, what)


def _read_header(data: bytes, verify: bool) -> _Header:
    if data[:8] != MAGIC[: len(data)]:
        raise DabError(Status.MAGIC, Place.HEADER, 0, "magic is not that of a .dab file")
    if len(data) < HEADER.size:
        raise DabError(Status.TRUNCATED, Place.HEADER, 0, "fewer bytes than a header")
    _, major, minor, *numbers, reserved = HEADER.unpack_from(data)
    if major != MAJOR or minor > MINOR:
        raise DabError(Status.VERSION, Place.HEADER, 0, f"version {major}.{minor} is not known")
    header = _Header(*numbers)
    _require(header.file_size <= MAX_BYTES, Place.HEADER, 0, "file_size is 2^31 or more")
    if header.file_size > len(data):
        raise DabError(Status.TRUNCATED, Place.HEADER, 0, "fewer bytes than file_size")
    if verify and _checksum(data[: header.file_size]) != header.crc32:
        raise DabError(Status.CHECKSUM, Place.HEADER, 0, "crc32 is not that of the content")
    for name, (low, high) in LIMITS.items():
        value = getattr(header, name)
        _require(low <= value <= high, Place.HEADER, 0, f"{name} is not in {low}..{high}")
    aligned = header.activation_bytes % 64 == 0
    _require(aligned, Place.HEADER, 0, "activation_bytes is not a multiple of 64")
    _require(reserved == bytes(8), Place.HEADER, 0, "reserved bytes are not zero")
    return header


class _Tables:
    """The parts of a file whose header is right."""

    def __init__(self, data: bytes, header: _Header) -> None:
        self.data = data[: header.file_size]
        self.header = header
        at = HEADER.size
        parts = []
        for size in (
            TENSOR.size * header.tensor_count,
            OP.size * header.op_count,
            4 * header.operand_count,
            4 * header.attribute_count,
            4 * (header.input_count + header.output_count),
            header.string_size,
        ):
            parts.append(self.data[at : at + size])
            at += size
        if at > header.file_size:
            raise DabError(Status.TRUNCATED, Place.HEADER, 0, "the tables go beyond file_size")
        tensors, ops, operands, words, io, self.strings = parts
        self.strings_end = at
        self.tensors = list(TENSOR.iter_unpack(tensors))
        self.ops = list(OP.iter_unpack(ops))
        self.operands: list[int] = np.frombuffer(operands, "<u4").tolist()
        self.words: list[int] = np.frombuffer(words, "<i4").tolist()
        self.io: list[int] = np.frombuffer(io, "<u4").tolist()

    def string(self, offset: int, index: int) -> str:
        """The text at an offset. Bytes that are not UTF-8 are found later, by `_check_strings`."""
        _require(offset < len(self.strings), Place.STRING, index, "a name is outside the table")
        first = offset == 0 or self.strings[offset - 1] == 0
        _require(first, Place.STRING, index, "a name is not at the first byte of a string")
        return self.strings[offset:].split(b"\0", 1)[0].decode("utf-8", "replace")

    def read_tensors(self) -> Iterator[Tensor]:
        end = _round_up(self.strings_end, 64)
        for index, row in enumerate(self.tensors):
            tensor = self._tensor(index, row, end)
            if tensor.constant:
                end = tensor.offset + tensor.bytes
            yield tensor

    def _tensor(self, index: int, row: tuple[Any, ...], data_end: int) -> Tensor:
        name, kind, constant, rank, zero, *dims, offset, size, first, last, rest = row

        def require(condition: bool, what: str) -> None:
            _require(condition, Place.TENSOR, index, what)

        text = self.string(name, index)
        require(kind in set(Type), "type is not known")
        kind = Type(kind)
        require(constant == 1 or (constant == 0 and kind not in WEIGHTS), "constant is wrong")
        require(1 <= rank <= MAX_RANK and rank == RANKS.get(kind, rank), "rank is wrong")
        require(all(1 <= d <= MAX_DIM for d in dims[:rank]), "dims are not in 1..2^24")
        require(not any(dims[rank:]), "dims beyond rank are not zero")
        shape = tuple(dims[:rank])
        require(size_in_bytes(kind, shape) <= MAX_BYTES, "size is 2^31 or more")
        require(size == size_in_bytes(kind, shape), "bytes is not the size of the dims")
        content = None
        if constant:
            require(offset % alignment(kind) == 0, "offset is not aligned")
            require(offset >= data_end, "offset is not behind the constants before")
            if offset + size > len(self.data):
                raise DabError(Status.TRUNCATED, Place.TENSOR, index, "data beyond file_size")
            require(first == last == 0, "first and last of a constant are not zero")
            content = np.frombuffer(self.data, np.uint8, size, offset)
        else:
            require(offset % 64 == 0, "offset is not a multiple of 64")
            require(offset + size <= self.header.activation_bytes, "outside the arena")
            require(first <= last < self.header.op_count, "first..last is not a range of ops")
        require(zero == 0 and rest == bytes(4), "reserved bytes are not zero")
        return Tensor(kind, shape, text, content, offset, first, last)

    def read_ops(self) -> Iterator[Op]:
        operand = word = 0
        for index, row in enumerate(self.ops):
            kind, inputs, outputs, first_operand, first_word, words, name, zero = row

            def require(condition: bool, what: str, index: int = index) -> None:
                _require(condition, Place.OP, index, what)

            require(kind in set(Kind), "kind is not known")
            require(1 <= outputs <= MAX_STEPS and inputs <= 64, "inputs or outputs is wrong")
            require(first_operand == operand, "operand is not the sum of the counts before")
            require(first_word == word, "attribute is not the sum of the counts before")
            require(words == KINDS[Kind(kind)].attributes, "attributes is wrong for the kind")
            require(zero == bytes(4), "reserved bytes are not zero")
            between, end = operand + inputs, operand + inputs + outputs
            yield Op(
                Kind(kind),
                self.operands[operand:between],
                self.operands[between:end],
                self.words[word : word + words],
                name=self.string(name, index),
            )
            operand, word = end, word + words
        sums = operand == len(self.operands) and word == len(self.words)
        _require(sums, Place.HEADER, 0, "operand_count or attribute_count is not the sum")

    def model(self) -> Model:
        lines = self.string(self.header.metadata, 0).splitlines()
        return Model(
            list(self.read_tensors()),
            list(self.read_ops()),
            self.io[: self.header.input_count],
            self.io[self.header.input_count :],
            self.header.activation_bytes,
            {key: value for key, _, value in (line.partition("=") for line in lines)},
        )


def read(data: bytes, verify: bool = True) -> Model:
    """Return the content of a file that obeys every rule, or raise DabError.

    `verify` compares the CRC-32, too.
    """
    tables = _Tables(data, _read_header(data, verify))
    model = tables.model()
    _check_operands(model)
    _check_io(model)
    _check_strings(tables.strings)
    check_memory(model)
    _check_padding(tables, model)
    check_data(model)
    check_kinds(model)
    return model


def _check_operands(model: Model) -> None:
    """Section 2.4: what ops read is there, what they write is new; 2.6: its `first`."""
    known = set(model.inputs)
    constants = {index for index, tensor in enumerate(model.tensors) if tensor.constant}
    for index, op in enumerate(model.ops):

        def require(condition: bool, what: str, index: int = index) -> None:
            _require(condition, Place.OPERAND, index, what)

        for tensor in op.inputs:
            require(tensor in known or tensor in constants, "an input is not known before the op")
        for at, tensor in enumerate(op.outputs):
            require(tensor < len(model.tensors), "no such tensor")
            require(tensor not in constants, "an output is a constant")
            require(tensor not in model.inputs, "an output is a model input")
            require(tensor not in op.outputs[:at], "an output is listed twice")
            first = model.tensors[tensor].first
            if first != index:
                require(tensor not in model.ops[first].outputs, "another op writes the output, too")
                what = "first is not the op that writes the tensor"
                raise DabError(Status.FORMAT, Place.TENSOR, tensor, what)
        known.update(op.outputs)


def _check_io(model: Model) -> None:
    written = {tensor for op in model.ops for tensor in op.outputs}
    for row, index in enumerate([*model.inputs, *model.outputs]):
        _require(index < len(model.tensors), Place.IO, row, "no such tensor")
        tensor = model.tensors[index]
        plain = not tensor.constant and tensor.type in DTYPES
        _require(plain, Place.IO, row, "not an activation of a plain type")
        if row < len(model.inputs):
            _require(model.inputs.index(index) == row, Place.IO, row, "input is listed twice")
        else:
            _require(index in written, Place.IO, row, "output is not written by an op")


def _check_strings(strings: bytes) -> None:
    ends = strings[0] == 0 and strings[-1] == 0
    _require(ends, Place.STRING, 0, "the string table does not start and end with a zero byte")
    try:
        strings.decode("utf-8")
    except UnicodeDecodeError:
        raise DabError(Status.FORMAT, Place.STRING, 0, "a string is not UTF-8") from None


def _check_padding(tables: _Tables, model: Model) -> None:
    end = tables.strings_end
    for index, tensor in enumerate(model.tensors):
        if tensor.constant:
            zero = not any(tables.data[end : tensor.offset])
            _require(zero, Place.DATA, index, "padding before the constant is not zero")
            end = tensor.offset + tensor.bytes
    last = len(model.tensors) - 1
    _require(not any(tables.data[end:]), Place.DATA, last, "padding at the end is not zero")
