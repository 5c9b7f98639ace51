# SPDX-License-Identifier: BSD-3-Clause
"""Files that break a rule which no change of single fields of all_ops.dab breaks: each is built with that one fault."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converter import dab
from converter.dab_model import Kind, Place, Step, Type
from converter.lowering.builder import Builder, six


def make(
    kind: Kind,
    x: tuple[int, ...],
    out: tuple[int, ...],
    words: list[int],
    steps: list[Step],
    *more: tuple[Type, tuple[int, ...]],
    outputs: int = 1,
    form: Type = Type.F32,
) -> bytes:
    """Input [1] and one op whose inputs are zero constants, x of type `form` first."""
    b = Builder({})
    b.inputs.append(b.activation(Type.F32, (1,), "input"))
    operands = [
        b.constant(t, dims, np.zeros(dab.size_in_bytes(t, dims), np.uint8))
        for t, dims in ((form, x), *more)
    ]
    b.outputs += [b.activation(Type.F32, out, "output") for _ in range(outputs)]
    b.op(kind, operands, b.outputs, words, steps)
    return dab.write(b.finish())


EMIT = [Step.EMIT_F32]
ONE = [1, 1, 1, 1]
NO_PADS = [0, 0, 0, 0]


def constant_bits() -> bytes:
    """Constant BITS [1, 1, 5] with a pad bit."""
    data = bytearray(make(Kind.POINTWISE, (1, 1, 5), (1, 1, 5), [], EMIT, form=Type.BITS))
    data[-1] = 0x80  # channel 63 of the last pixel, the end of the file
    return dab.seal(bytes(data))


def taps(k: int) -> bytes:
    weights = (Type.W_XNOR, (1, 1, 1, 1, k))
    words = [*ONE, *NO_PADS, 0]
    return make(Kind.BCONV2D, (1, 1, k), (1, 1, 1), words, EMIT, weights, form=Type.BITS)


def bdense(k: int) -> bytes:
    weights = (Type.W_XNOR, (1, 1, 1, 1, k))
    return make(Kind.BDENSE, (1, 1, k), (1, 1, 1), [], EMIT, weights, form=Type.BITS)


def padded(pad: int) -> bytes:
    side = 2 * pad + 1
    words, weights = [side, side, 1, 1, pad, pad, pad, pad, 0], (Type.W_XNOR, (1, 1, 1, 1, 1))
    return make(Kind.BCONV2D, (1, 1, 1), (1, 1, 1), words, EMIT, weights, form=Type.BITS)


def conv(x: tuple[int, ...], form: Type) -> bytes:
    weights = (Type.W_F32, (1, 1, 1, 1, 1))
    return make(Kind.CONV2D, x, (1, 1, 1), [*ONE, *NO_PADS], EMIT, weights, form=form)


def qconv(
    k: int = 1, *, zero: int = 0, form: Type = Type.I8, weights: Type = Type.W_S8, out: int = 1
) -> bytes:
    """A qconv2d of one pixel and k channels."""
    words = [*ONE, *NO_PADS, zero]
    more = (weights, (1, 1, 1, 1, k))
    return make(Kind.QCONV2D, (1, 1, k), (1, 1, out), words, EMIT, more, form=form)


def qdense(k: int, zero: int = 0, form: Type = Type.I8) -> bytes:
    """A qdense of k numbers with weights for 2."""
    weights = (Type.W_S8, (1, 1, 1, 1, 2))
    return make(Kind.QDENSE, (1, 1, k), (1, 1, 1), [zero], EMIT, weights, form=form)


def weight(value: int, at: int) -> bytes:
    """A qconv2d of 3 channels; byte `at` of its weights, which end the file, is `value`."""
    data = bytearray(qconv(3))
    data[at - 16] = value
    return dab.seal(bytes(data))


def emit_i8(scale: float, zero: int, dims: tuple[int, ...] = (1,), out: int = 2) -> bytes:
    """A pointwise op of 2 numbers that are quantised."""
    b = Builder({})
    b.inputs.append(b.activation(Type.F32, (2,), "input"))
    operands = [b.floats(np.full(dims, scale), "test"), b.table(np.array([zero]))]
    b.outputs.append(b.activation(Type.I8, (out,), "output"))
    b.op(Kind.POINTWISE, [b.inputs[0], *operands], b.outputs, [], [Step.EMIT_I8])
    return dab.write(b.finish())


def flat_pool(kind: Kind) -> bytes:
    words = [1, 1, *ONE, *NO_PADS, *([0] if kind == Kind.AVGPOOL2D else [])]
    return make(kind, (2, 2), (2, 2), words, [])


def infinite() -> bytes:
    """A reshape of a constant infinity."""
    b = Builder({})
    b.inputs.append(b.activation(Type.F32, (1,), "input"))
    x = b.floats(np.array([np.inf]), "test", infinite=True)
    b.outputs.append(b.activation(Type.F32, (1,), "output"))
    b.op(Kind.RESHAPE, [x], b.outputs)
    return dab.write(b.finish())


def function(code: int, *, dims: tuple[int, ...] = (1,), constant: bool = True) -> bytes:
    """A FUNCTION step with this code."""
    b = Builder({})
    b.inputs.append(b.activation(Type.F32, (2,), "input"))
    data = np.full(dims, code, "<i4").view(np.uint8).ravel()
    operand = b.constant(Type.I32, dims, data) if constant else b.inputs[0]
    b.outputs.append(b.activation(Type.F32, (2,), "output"))
    steps = [Step.FUNCTION, Step.EMIT_F32]
    b.op(Kind.POINTWISE, [b.inputs[0], operand], b.outputs, [], steps)
    return dab.write(b.finish())


def of_two(step: Step, *dims: int, form: Type = Type.F32) -> bytes:
    """A step of [2, 3, 4] and a tensor of these dims."""
    return make(Kind.POINTWISE, (2, 3, 4), (24,), [], [step, Step.EMIT_F32], (form, dims))


def gather(
    rows: tuple[int, ...] = (0, 1),
    *,
    dims: tuple[int, ...] = (2, 2, 3),
    out: tuple[int, ...] = (2, 1, 3),
    form: Type = Type.F32,
    rank: int = 1,
) -> bytes:
    """A gather2d with these rows and column 0; the tables are constants 0 and 1."""
    b = Builder({})
    b.inputs.append(b.activation(form if form == Type.F32 else Type.I32, dims, "input"))
    tables = [b.table(np.array(t).reshape(-1, *(1,) * (rank - 1))) for t in (rows, (0,))]
    b.outputs.append(b.activation(Type.F32, out, "output"))
    b.op(Kind.GATHER2D, [b.inputs[0], *tables], b.outputs)
    return dab.write(b.finish())


def resize(
    taps: tuple[int, int] = (2, 2),
    *,
    column: int = 0,
    weights: tuple[int, ...] = (1, 2),
    infinite: bool = False,
    out: tuple[int, ...] = (1, 1, 3),
) -> bytes:
    """A resize2d of [2, 2, 3] to one pixel; tensors 1 to 4 are its tables and weights."""
    b = Builder({})
    b.inputs.append(b.activation(Type.F32, (2, 2, 3), "input"))
    values = np.full(weights, np.inf if infinite else 0.5)
    operands = [
        b.table(np.ones((1, taps[0]))),
        b.floats(np.ones((1, taps[0])), "test"),
        b.table(np.full((1, taps[1]), column)),
        b.floats(values, "test", infinite=True),
    ]
    b.outputs.append(b.activation(Type.F32, out, "output"))
    b.op(Kind.RESIZE2D, [b.inputs[0], *operands], b.outputs)
    return dab.write(b.finish())


# name, file, place of the error; it is in op 0 or in constant 1
BUILT: list[tuple[str, Callable[[], bytes], Place, int]] = [
    ("pad bits of a constant", constant_bits, Place.DATA, 1),
    ("bconv2d of 65535 taps", lambda: taps(65535), Place.OPERAND, 0),
    ("bdense of 65535 inputs", lambda: bdense(65535), Place.OPERAND, 0),
    ("padded input of 2^31 bytes", lambda: padded(8192), Place.ATTRIBUTE, 0),
    ("x of conv2d is bits", lambda: conv((1, 1, 1), Type.BITS), Place.OPERAND, 0),
    ("x of conv2d has rank 2", lambda: conv((1, 1), Type.F32), Place.OPERAND, 0),
    ("x of maxpool2d has rank 2", lambda: flat_pool(Kind.MAXPOOL2D), Place.OPERAND, 0),
    ("x of avgpool2d has rank 2", lambda: flat_pool(Kind.AVGPOOL2D), Place.OPERAND, 0),
    ("concat of one", lambda: make(Kind.CONCAT, (2,), (2,), [0], []), Place.OP, 0),
    (
        "concat of two ranks",
        lambda: make(Kind.CONCAT, (2,), (4,), [0], [], (Type.F32, (1, 2))),
        Place.OPERAND,
        0,
    ),
    (
        "softmax of two",
        lambda: make(Kind.SOFTMAX, (2,), (2,), [0], [], (Type.F32, (2,))),
        Place.OP,
        0,
    ),
    (
        "softmax of bits",
        lambda: make(Kind.SOFTMAX, (1, 1, 2), (1, 1, 2), [0], [], form=Type.BITS),
        Place.OPERAND,
        0,
    ),
    (
        "reshape with two outputs",
        lambda: make(Kind.RESHAPE, (2,), (2,), [], [], outputs=2),
        Place.OP,
        0,
    ),
    (
        "slice to another rank",
        lambda: make(Kind.SLICE, (2,), (2, 1), [*six([0]), *six([1])], []),
        Place.OPERAND,
        0,
    ),
    ("infinite x", infinite, Place.DATA, 1),
    ("function 0", lambda: function(0), Place.DATA, 1),
    ("function 17", lambda: function(17), Place.DATA, 1),
    ("function -1", lambda: function(-1), Place.DATA, 1),
    ("two functions", lambda: function(1, dims=(2,)), Place.OPERAND, 0),
    ("function of floats", lambda: function(1, constant=False), Place.OPERAND, 0),
    ("MUL of channels in another order", lambda: of_two(Step.MUL, 4, 1), Place.OPERAND, 0),
    ("SUB of pixels without last dim 1", lambda: of_two(Step.SUB, 2, 3), Place.OPERAND, 0),
    ("DIV of a row", lambda: of_two(Step.DIV, 3, 4), Place.OPERAND, 0),
    ("MAX of integers", lambda: of_two(Step.MAX, 4, form=Type.I32), Place.OPERAND, 0),
    ("gather2d of a row that is not there", lambda: gather((0, 2)), Place.DATA, 1),
    ("gather2d of row -1", lambda: gather((0, -1)), Place.DATA, 1),
    ("gather2d to other dims", lambda: gather(out=(1, 2, 3)), Place.OPERAND, 0),
    ("gather2d of rank 4", lambda: gather(dims=(1, 2, 2, 3)), Place.OPERAND, 0),
    ("gather2d of integers", lambda: gather(form=Type.I32), Place.OPERAND, 0),
    ("gather2d with tables of rank 2", lambda: gather(rank=2), Place.OPERAND, 0),
    ("resize2d of a column that is not there", lambda: resize(column=2), Place.DATA, 3),
    ("resize2d of column -1", lambda: resize(column=-1), Place.DATA, 3),
    ("resize2d with other taps", lambda: resize((2, 3), weights=(1, 3)), Place.OPERAND, 0),
    ("resize2d with 9 taps", lambda: resize((9, 9), weights=(1, 9)), Place.OPERAND, 0),
    ("resize2d with other weights", lambda: resize(weights=(1, 1)), Place.OPERAND, 0),
    ("resize2d with infinite weights", lambda: resize(infinite=True), Place.DATA, 4),
    ("resize2d to other dims", lambda: resize(out=(3, 1, 1)), Place.OPERAND, 0),
    ("x of qconv2d is bits", lambda: qconv(form=Type.BITS), Place.OPERAND, 0),
    (
        "qconv2d of floats with a zero point",
        lambda: qconv(zero=1, form=Type.F32),
        Place.ATTRIBUTE,
        0,
    ),
    ("qdense of floats with a zero point", lambda: qdense(2, 1, Type.F32), Place.ATTRIBUTE, 0),
    ("weights of qconv2d are floats", lambda: qconv(weights=Type.W_F32), Place.OPERAND, 0),
    ("qconv2d of 65537 taps", lambda: qconv(65537), Place.OPERAND, 0),
    ("qconv2d with zero point 128", lambda: qconv(zero=128), Place.ATTRIBUTE, 0),
    ("qconv2d with zero point -129", lambda: qconv(zero=-129), Place.ATTRIBUTE, 0),
    ("qconv2d to more elements", lambda: qconv(out=2), Place.OPERAND, 0),
    ("weights of qdense for other inputs", lambda: qdense(3), Place.OPERAND, 0),
    ("qdense with zero point 200", lambda: qdense(2, 200), Place.ATTRIBUTE, 0),
    ("weight of -128", lambda: weight(0x80, 2), Place.DATA, 2),
    ("weight behind the last tap", lambda: weight(1, 3), Place.DATA, 2),
    ("scale 0", lambda: emit_i8(0, 0), Place.DATA, 1),
    ("scale below 0", lambda: emit_i8(-1, 0), Place.DATA, 1),
    ("zero point 128", lambda: emit_i8(1, 128), Place.DATA, 2),
    ("zero point -129", lambda: emit_i8(1, -129), Place.DATA, 2),
    ("two scales", lambda: emit_i8(1, 0, (2,)), Place.OPERAND, 0),
    ("more 8-bit numbers than v has", lambda: emit_i8(1, 0, out=3), Place.OPERAND, 0),
    ("MIN of more", lambda: of_two(Step.MIN, 48), Place.OPERAND, 0),
]
