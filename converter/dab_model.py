# SPDX-License-Identifier: BSD-3-Clause
"""The content of a .dab file as dataclasses, its vocabulary as tables: docs/dab-format.md."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from converter.layout import BLOCK, VECTOR, Bytes, pixel_bytes

MAX_BYTES = (1 << 31) - 1  # files, tensors and arenas are smaller than 2^31
MAX_DIM = 1 << 24
MAX_RANK = 6
MAX_ROWS = 16384  # tensors, ops
MAX_STEPS = 16
MAX_TAPS = 8  # of resize2d, along an axis
MAX_DOT = 65534  # longest binary dot product
MAX_DOT_8 = 65536  # longest dot product of 8-bit numbers


class Status(IntEnum):
    """Why a file is refused: the BNN_ERR_* codes of bnn.h that concern files."""

    TRUNCATED = -3
    MAGIC = -4
    VERSION = -5
    FORMAT = -6
    CHECKSUM = -7


class Place(IntEnum):
    """Where in the file: BNN_PLACE_* of bnn.h."""

    NONE = 0
    HEADER = 1
    TENSOR = 2
    OP = 3
    OPERAND = 4
    ATTRIBUTE = 5
    IO = 6
    STRING = 7
    DATA = 8


class DabError(ValueError):
    """A file breaks a rule: `status`, `place`, `index` (row of the table or op), `what`."""

    def __init__(self, status: Status, place: Place, index: int, what: str) -> None:
        at = "" if place == Place.NONE else f" at {place.name.lower()} {index}"
        super().__init__(f"{status.name}{at}: {what}")
        self.status = status
        self.place = place
        self.index = index
        self.what = what


class Type(IntEnum):
    """Element types (section 3)."""

    F32 = 1
    I32 = 2
    I8 = 3
    U8 = 4
    BITS = 5
    W_XNOR = 6
    W_SIGN = 7
    W_F32 = 8
    W_S8 = 9


# Plain types: row-major arrays of these.
DTYPES: dict[Type, np.dtype[np.generic]] = {
    Type.F32: np.dtype("<f4"),
    Type.I32: np.dtype("<i4"),
    Type.I8: np.dtype("i1"),
    Type.U8: np.dtype("u1"),
}
WEIGHTS = (Type.W_XNOR, Type.W_SIGN, Type.W_F32, Type.W_S8)
# Types of fixed rank.
RANKS = {Type.BITS: 3, **dict.fromkeys(WEIGHTS, 5)}


def size_in_bytes(kind: Type, dims: Sequence[int]) -> int:
    """Bytes of a tensor of this type and these dims (section 3)."""
    if kind in DTYPES:
        return math.prod(dims) * DTYPES[kind].itemsize
    if kind == Type.BITS:
        height, width, channels = dims
        return height * width * pixel_bytes(channels)
    groups, outputs, height, width, channels = dims
    blocks = -(-outputs // BLOCK)
    if kind == Type.W_XNOR:
        return groups * blocks * height * width * BLOCK * pixel_bytes(channels)
    if kind == Type.W_SIGN:
        return groups * blocks * height * width * channels
    if kind == Type.W_S8:
        return groups * outputs * -(-height * width * channels // VECTOR) * VECTOR
    return 4 * math.prod(dims)


class Step(IntEnum):
    """Codes of the steps that end a computing op (section 4)."""

    END = 0
    AFFINE = 1
    CLIP = 2
    PRELU = 3
    ADD = 4
    SIGN = 5
    EMIT_F32 = 6
    EMIT_SIGN = 7
    EMIT_BITS = 8
    EMIT_INT = 9
    FUNCTION = 10
    MUL = 11
    SUB = 12
    DIV = 13
    MAX = 14
    MIN = 15
    EMIT_I8 = 16


# Steps of v and another tensor.
OF_TWO = (Step.ADD, Step.MUL, Step.SUB, Step.DIV, Step.MAX, Step.MIN)
# Operands each step takes: type and form; "channels" is [C], "limits" is [2], "tensor" is repeated over v, others
# are [1].
STEP_OPERANDS: dict[Step, tuple[tuple[Type, str], ...]] = {
    Step.AFFINE: ((Type.F32, "channels"), (Type.F32, "channels")),
    Step.CLIP: ((Type.F32, "limits"),),
    Step.PRELU: ((Type.F32, "channels"),),
    **dict.fromkeys(OF_TWO, ((Type.F32, "tensor"),)),
    Step.SIGN: ((Type.F32, "channels"), (Type.U8, "channels")),
    Step.EMIT_F32: (),
    Step.EMIT_SIGN: (),
    Step.EMIT_BITS: ((Type.F32, "channels"), (Type.U8, "channels")),
    Step.EMIT_INT: ((Type.I32, "channels"),),
    Step.FUNCTION: ((Type.I32, "code"),),
    Step.EMIT_I8: ((Type.F32, "scale"), (Type.I32, "zero")),
}
# What an EMIT step writes.
STEP_OUTPUT = {
    Step.EMIT_F32: Type.F32,
    Step.EMIT_SIGN: Type.BITS,
    Step.EMIT_BITS: Type.BITS,
    Step.EMIT_INT: Type.BITS,
    Step.EMIT_I8: Type.I8,
}


def spread_dims(operand: Sequence[int], dims: Sequence[int]) -> tuple[int, int] | None:
    """An operand of a step OF_TWO as [pixels or 1, channels or 1] of v, which has `dims`; None where it does not fit."""
    channels, elements = dims[-1], math.prod(operand)
    pixels = math.prod(dims) // channels
    if elements == pixels * channels:
        return pixels, channels
    if elements == channels and operand[-1] == channels:
        return 1, channels
    if elements == 1 or (elements == pixels and operand[-1] == 1):
        return elements, 1
    return None


class Kind(IntEnum):
    """Op kinds (section 5)."""

    BCONV2D = 1
    BDENSE = 2
    CONV2D = 3
    DENSE = 4
    POINTWISE = 5
    MAXPOOL2D = 6
    AVGPOOL2D = 7
    BMAXPOOL2D = 8
    CONCAT = 9
    SOFTMAX = 10
    TRANSPOSE = 11
    RESHAPE = 12
    PAD = 13
    SLICE = 14
    GATHER2D = 15
    RESIZE2D = 16
    QCONV2D = 17
    QDENSE = 18


@dataclass(frozen=True)
class KindRow:
    """A row of the op table: inputs before the steps', names of attribute words, steps or not."""

    inputs: tuple[int, int]  # fewest, most
    words: tuple[str, ...]
    steps: bool = False

    @property
    def attributes(self) -> int:
        """Number of attribute words."""
        return len(self.words) + 4 * self.steps


_CONV = ("stride_h", "stride_w", "dilation_h", "dilation_w")
_PADS = ("pad_top", "pad_left", "pad_bottom", "pad_right")
_POOL = ("kernel_h", "kernel_w", *_CONV, *_PADS)


def _six(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{axis}" for name in names for axis in range(MAX_RANK))


KINDS: dict[Kind, KindRow] = {
    Kind.BCONV2D: KindRow((2, 2), (*_CONV, *_PADS, "border"), steps=True),
    Kind.BDENSE: KindRow((2, 2), (), steps=True),
    Kind.CONV2D: KindRow((2, 2), (*_CONV, *_PADS), steps=True),
    Kind.DENSE: KindRow((2, 2), (), steps=True),
    Kind.POINTWISE: KindRow((1, 1), (), steps=True),
    Kind.MAXPOOL2D: KindRow((1, 1), _POOL),
    Kind.AVGPOOL2D: KindRow((1, 1), (*_POOL, "count_pad")),
    Kind.BMAXPOOL2D: KindRow((2, 2), _POOL),
    Kind.CONCAT: KindRow((2, 64), ("axis",)),
    Kind.SOFTMAX: KindRow((1, 1), ("axis",)),
    Kind.TRANSPOSE: KindRow((1, 1), ("rank", *_six("dims", "perm"))),
    Kind.RESHAPE: KindRow((1, 1), ()),
    Kind.PAD: KindRow((1, 1), (*_six("before", "after"), "value")),
    Kind.SLICE: KindRow((1, 1), _six("start", "step")),
    Kind.GATHER2D: KindRow((3, 3), ()),
    Kind.RESIZE2D: KindRow((5, 5), ()),
    Kind.QCONV2D: KindRow((2, 2), (*_CONV, *_PADS, "zero_point"), steps=True),
    Kind.QDENSE: KindRow((2, 2), ("zero_point",), steps=True),
}


@dataclass(eq=False)
class Tensor:
    """A tensor: a constant with `data` (packed bytes), or an activation.

    An activation has an `offset` in the arena, and is live from op `first` to op `last`.
    """

    type: Type
    dims: tuple[int, ...]
    name: str = ""
    data: Bytes | None = None
    offset: int = 0
    first: int = 0
    last: int = 0

    @property
    def constant(self) -> bool:
        """Whether the file has its data."""
        return self.data is not None

    @property
    def bytes(self) -> int:
        """Size of its packed form."""
        return size_in_bytes(self.type, self.dims)

    def array(self) -> npt.NDArray[np.generic]:
        """A constant of a plain type as an array of `dims`."""
        assert self.data is not None
        return np.frombuffer(self.data.tobytes(), DTYPES[self.type]).reshape(self.dims)


@dataclass(eq=False)
class Op:
    """An op: tensor indices of inputs and outputs, and all attribute words as signed numbers."""

    kind: Kind
    inputs: list[int]
    outputs: list[int]
    words: list[int] = field(default_factory=list)
    name: str = ""

    @property
    def codes(self) -> bytes:
        """The 16 bytes of the step program; empty for kinds without one."""
        return struct.pack("<4i", *self.words[-4:]) if KINDS[self.kind].steps else b""

    @property
    def steps(self) -> list[Step]:
        """The step program up to its END; raises ValueError for an unknown code."""
        return [Step(code) for code in self.codes.split(b"\0", 1)[0]]

    def word(self, name: str) -> int:
        """The attribute word of that name."""
        return self.words[KINDS[self.kind].words.index(name)]

    def group(self, name: str) -> list[int]:
        """The six attribute words `name`0 to `name`5."""
        return [self.word(f"{name}{axis}") for axis in range(MAX_RANK)]


def step_words(steps: Sequence[Step]) -> list[int]:
    """The attribute words of a step program."""
    return list(struct.unpack("<4i", bytes(steps).ljust(MAX_STEPS, b"\0")))


@dataclass(eq=False)
class Model:
    """A whole file."""

    tensors: list[Tensor]
    ops: list[Op]
    inputs: list[int]
    outputs: list[int]
    activation_bytes: int = 0
    metadata: dict[str, str] = field(default_factory=dict)
