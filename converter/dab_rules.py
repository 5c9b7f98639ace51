# SPDX-License-Identifier: BSD-3-Clause
"""Rules of docs/dab-format.md on steps and ops: sections 4 and 5."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from converter.dab_data import all_normal
from converter.dab_model import (
    KINDS,
    MAX_BYTES,
    MAX_DIM,
    MAX_DOT,
    MAX_DOT_8,
    MAX_RANK,
    MAX_TAPS,
    STEP_OPERANDS,
    STEP_OUTPUT,
    DabError,
    Kind,
    Model,
    Place,
    Status,
    Step,
    Tensor,
    Type,
    size_in_bytes,
    spread_dims,
)
from converter.functions import Function

Dims = tuple[int, ...]
MAY_BE_INFINITE = (Step.CLIP, Step.SIGN, Step.EMIT_BITS)


class _Op:
    """One op under examination: the operands not yet looked at, and failing with its index."""

    def __init__(self, model: Model, index: int) -> None:
        self.model, self.index = model, index
        self.op = model.ops[index]
        self.inputs = iter(self.op.inputs)
        self.outputs = iter(self.op.outputs)

    def require(self, condition: bool, what: str, place: Place = Place.OPERAND) -> None:
        if not condition:
            raise DabError(Status.FORMAT, place, self.index, what)

    def input(self, *types: Type) -> Tensor:
        tensor = self.model.tensors[next(self.inputs)]
        self.require(tensor.type in types, "an input has a wrong type")
        return tensor

    def require_data(self, condition: bool, tensor: Tensor, what: str) -> None:
        if not condition:
            index = self.model.tensors.index(tensor)
            raise DabError(Status.FORMAT, Place.DATA, index, what)

    def require_finite(self, tensor: Tensor) -> None:
        if tensor.constant and tensor.type == Type.F32:
            finite = bool(np.isfinite(tensor.array()).all())
            self.require_data(finite, tensor, "a value is infinite")

    def constant(self, kind: Type, dims: Dims) -> Tensor:
        tensor = self.input(kind)
        self.require(tensor.constant, "a parameter is not a constant")
        self.require(tensor.dims == dims, "a parameter has a wrong shape")
        return tensor

    def output(self, kind: Type, dims: Dims | None = None, elements: int | None = None) -> Tensor:
        tensor = self.model.tensors[next(self.outputs)]
        self.require(tensor.type == kind, "an output has a wrong type")
        self.require(dims is None or tensor.dims == dims, "an output has wrong dims")
        right = elements is None or math.prod(tensor.dims) == elements
        self.require(right, "an output has another number of elements")
        return tensor

    def word(self, name: str, low: int, high: int) -> int:
        value = self.op.word(name)
        self.require(low <= value <= high, f"{name} is not in {low}..{high}", Place.ATTRIBUTE)
        return value

    def window(self, x: Dims, kernel: tuple[int, int], full: bool) -> tuple[int, int]:
        """OH, OW of section 5; `full` demands a tap inside x for every output (pooling)."""
        sizes = []
        ends = (("top", "bottom"), ("left", "right"))
        for size, taps, axis, (before, after) in zip(x[:2], kernel, "hw", ends, strict=True):
            stride = self.word(f"stride_{axis}", 1, 65535)
            dilation = self.word(f"dilation_{axis}", 1, 65535)
            start = self.word(f"pad_{before}", 0, 65535)
            space = size + start + self.word(f"pad_{after}", 0, 65535) - ((taps - 1) * dilation + 1)
            self.require(space >= 0, "the kernel is larger than the padded input", Place.ATTRIBUTE)
            out = space // stride + 1
            if full:
                first = start <= (taps - 1) * dilation
                last = (out - 1) * stride < size + start
                inside = first and last and (taps == 1 or dilation <= size)
                self.require(inside, "a window lies outside the input", Place.ATTRIBUTE)
            sizes.append(out)
        return sizes[0], sizes[1]


def _steps(o: _Op, dims: Dims) -> None:
    """The step program; v has `dims`."""
    codes = o.op.codes.rstrip(b"\0")
    known = all(0 < code <= max(Step) for code in codes)
    o.require(known, "a step is not known, or follows END", Place.ATTRIBUTE)
    steps = o.op.steps
    signed = o.op.kind != Kind.POINTWISE
    for at, step in enumerate(steps):
        exact = at == 0 and o.op.kind in (Kind.BCONV2D, Kind.BDENSE)
        what = "EMIT_INT is not the first step of a binary op"
        o.require(exact or step != Step.EMIT_INT, what, Place.ATTRIBUTE)
        what = "EMIT_SIGN of a value that may be -0.0"
        o.require(signed or step != Step.EMIT_SIGN, what, Place.ATTRIBUTE)
        signed |= step not in STEP_OUTPUT
    emits = sum(step in STEP_OUTPUT for step in steps)
    o.require(emits > 0, "no EMIT step", Place.ATTRIBUTE)
    operands = KINDS[o.op.kind].inputs[0] + sum(len(STEP_OPERANDS[step]) for step in steps)
    o.require(len(o.op.inputs) == operands, "inputs is not what the steps use", Place.OP)
    o.require(len(o.op.outputs) == emits, "outputs is not what the steps write", Place.OP)
    for step in steps:
        _step_operands(o, step, dims)
        if step not in STEP_OUTPUT:
            continue
        out = o.output(STEP_OUTPUT[step], elements=math.prod(dims))
        if out.type == Type.BITS:
            o.require(out.dims[-1] == dims[-1], "an output has another number of channels")
            same = o.op.kind == Kind.POINTWISE or out.dims == dims
            o.require(same, "an output has wrong dims")


def _step_operands(o: _Op, step: Step, dims: Dims) -> None:
    forms = {"channels": (dims[-1],), "limits": (2,)}
    for kind, form in STEP_OPERANDS[step]:
        if form == "tensor":
            operand = o.input(kind)
            fits = spread_dims(operand.dims, dims) is not None
            o.require(fits, "an operand does not fit v")
        else:
            operand = o.constant(kind, forms.get(form, (1,)))
        if kind == Type.F32 and step not in MAY_BE_INFINITE:
            o.require_finite(operand)
        if form == "limits":
            low, high = operand.array().tolist()
            o.require_data(low <= high, operand, "limits are not in order")
        if form == "code":
            known = operand.array()[0] in set(Function)
            o.require_data(known, operand, "there is no such function")
        if form == "scale":
            o.require_data(operand.array()[0] > 0, operand, "a scale is not above 0")
        if form == "zero":
            small = -128 <= operand.array()[0] <= 127
            o.require_data(bool(small), operand, "a zero point is not in -128..127")


def _conv(o: _Op) -> None:
    binary = o.op.kind == Kind.BCONV2D
    x = o.input(Type.BITS) if binary else o.input(Type.F32)
    o.require(len(x.dims) == 3, "x is not [H, W, C]")
    w = o.input(Type.W_XNOR) if binary else o.input(Type.W_F32, Type.W_SIGN)
    groups, outputs, kh, kw, channels = w.dims
    o.require(x.dims[2] == groups * channels, "channels of x and of the weights differ")
    o.require(max(kh, kw) <= 65535, "the kernel is larger than 65535")
    o.require(not binary or kh * kw * channels <= MAX_DOT, "KH*KW*C is above 65534")
    if binary:
        o.word("border", -1, 1)
    oh, ow = o.window(x.dims, (kh, kw), full=False)
    if binary:
        height = x.dims[0] + o.op.word("pad_top") + o.op.word("pad_bottom")
        width = x.dims[1] + o.op.word("pad_left") + o.op.word("pad_right")
        size = groups * size_in_bytes(Type.BITS, (height, width, channels))
        o.require(size <= MAX_BYTES, "the padded input is 2^31 bytes or more", Place.ATTRIBUTE)
    _steps(o, (oh, ow, groups * outputs))


def _bdense(o: _Op) -> None:
    x, w = o.input(Type.BITS), o.input(Type.W_XNOR)
    o.require(w.dims[0] == 1 and w.dims[2:] == x.dims, "the weights are not [1, O, H, W, C] of x")
    o.require(math.prod(x.dims) <= MAX_DOT, "H*W*C is above 65534")
    _steps(o, (1, 1, w.dims[1]))


def _dense(o: _Op) -> None:
    x, w = o.input(Type.F32), o.input(Type.W_F32, Type.W_SIGN)
    right = w.dims[0] == 1 and w.dims[2:] == (1, 1, math.prod(x.dims))
    o.require(right, "the weights are not [1, O, 1, 1, K] of x")
    _steps(o, (1, 1, w.dims[1]))


def _int8(o: _Op) -> tuple[Tensor, Tensor]:
    """x and w of qconv2d and qdense."""
    x, w = o.input(Type.I8, Type.F32), o.input(Type.W_S8, Type.W_SIGN)
    o.require(math.prod(w.dims[2:]) <= MAX_DOT_8, "KH*KW*C is above 65536")
    zero = o.word("zero_point", -128, 127)
    own = x.type == Type.F32
    o.require(not (own and zero), "zero_point is not 0 for x F32", Place.ATTRIBUTE)
    return x, w


def _qconv(o: _Op) -> None:
    x, w = _int8(o)
    groups, outputs, kh, kw, channels = w.dims
    o.require(len(x.dims) == 3, "x is not [H, W, C]")
    o.require(x.dims[2] == groups * channels, "channels of x and of the weights differ")
    o.require(max(kh, kw) <= 65535, "the kernel is larger than 65535")
    oh, ow = o.window(x.dims, (kh, kw), full=False)
    _steps(o, (oh, ow, groups * outputs))


def _qdense(o: _Op) -> None:
    x, w = _int8(o)
    right = w.dims[0] == 1 and w.dims[2:] == (1, 1, math.prod(x.dims))
    o.require(right, "the weights are not [1, O, 1, 1, K] of x")
    _steps(o, (1, 1, w.dims[1]))


def _pointwise(o: _Op) -> None:
    _steps(o, o.input(Type.F32, Type.BITS, Type.I8).dims)


def _pool(o: _Op) -> None:
    kind = Type.BITS if o.op.kind == Kind.BMAXPOOL2D else Type.F32
    x = o.input(kind) if kind == Type.BITS else o.input(Type.F32)
    o.require(len(x.dims) == 3, "x is not [H, W, C]")
    if o.op.kind == Kind.BMAXPOOL2D:
        o.constant(Type.U8, x.dims[2:])
    if o.op.kind == Kind.AVGPOOL2D:
        o.word("dilation_h", 1, 1)
        o.word("dilation_w", 1, 1)
        o.word("count_pad", 0, 1)
    kernel = o.word("kernel_h", 1, 65535), o.word("kernel_w", 1, 65535)
    oh, ow = o.window(x.dims, kernel, full=True)
    o.output(kind, (oh, ow, x.dims[2]))


def _concat(o: _Op) -> None:
    parts = [o.input(Type.F32).dims for _ in o.op.inputs]
    axis = o.word("axis", 0, len(parts[0]) - 1)
    for dims in parts:
        same = len(dims) == len(parts[0]) and _but(dims, axis) == _but(parts[0], axis)
        o.require(same, "the inputs differ beside the axis")
    total = sum(dims[axis] for dims in parts)
    o.output(Type.F32, (*parts[0][:axis], total, *parts[0][axis + 1 :]))


def _but(dims: Dims, axis: int) -> Dims:
    return dims[:axis] + dims[axis + 1 :]


def _softmax(o: _Op) -> None:
    x = o.input(Type.F32)
    o.word("axis", 0, len(x.dims) - 1)
    o.output(Type.F32, x.dims)


def _transpose(o: _Op) -> None:
    x = o.input(Type.F32)
    rank = o.word("rank", 1, MAX_RANK)
    dims = [o.word(f"dims{i}", 1, MAX_DIM) for i in range(rank)]
    o.require(math.prod(dims) == math.prod(x.dims), "dims are not those of x", Place.ATTRIBUTE)
    perm = sorted(o.op.group("perm")[:rank])
    o.require(perm == list(range(rank)), "perm is not a permutation", Place.ATTRIBUTE)
    _unused(o, ("dims", "perm"), rank)
    o.output(Type.F32, elements=math.prod(x.dims))


def _reshape(o: _Op) -> None:
    o.output(Type.F32, elements=math.prod(o.input(Type.F32).dims))


def _pad(o: _Op) -> None:
    x = o.input(Type.F32)
    rank = len(x.dims)
    before = [o.word(f"before{i}", 0, MAX_DIM) for i in range(rank)]
    after = [o.word(f"after{i}", 0, MAX_DIM) for i in range(rank)]
    _unused(o, ("before", "after"), rank)
    value = np.array([o.op.word("value")], np.int32).view(np.float32)
    o.require(all_normal(value), "value is NaN, -0.0 or denormal", Place.ATTRIBUTE)
    o.output(Type.F32, tuple(b + d + a for b, d, a in zip(before, x.dims, after, strict=True)))


def _slice(o: _Op) -> None:
    x = o.input(Type.F32)
    rank = len(x.dims)
    start = [o.word(f"start{i}", 0, MAX_DIM) for i in range(rank)]
    step = [o.word(f"step{i}", -MAX_DIM, MAX_DIM) for i in range(rank)]
    _unused(o, ("start", "step"), rank)
    out = o.output(Type.F32)
    o.require(len(out.dims) == rank, "the output has another rank")
    for first, by, size, d in zip(start, step, out.dims, x.dims, strict=True):
        o.require(max(first, first + (size - 1) * by) < d, "elements beyond the end of x")
        o.require(first + (size - 1) * by >= 0, "elements before the begin of x")


def _image(o: _Op, x: Tensor, rows: Tensor, columns: Tensor) -> None:
    o.require(len(x.dims) == 3, "x is not [H, W, C]")
    o.output(x.type, (rows.dims[0], columns.dims[0], x.dims[2]))


def _table(o: _Op, table: Tensor, rank: int, below: int) -> None:
    o.require(
        table.constant and len(table.dims) == rank, "a table is not constant, or of wrong rank"
    )
    indices = table.array().ravel().tolist()
    inside = min(indices) >= 0 and max(indices) < below
    o.require_data(inside, table, "a row or column that x does not have")


def _gather(o: _Op) -> None:
    x = o.input(Type.F32, Type.BITS)
    rows, columns = o.input(Type.I32), o.input(Type.I32)
    _image(o, x, rows, columns)
    _table(o, rows, 1, x.dims[0])
    _table(o, columns, 1, x.dims[1])


def _resize(o: _Op) -> None:
    x = o.input(Type.F32)
    tables = [(o.input(Type.I32), o.input(Type.F32)) for _ in range(2)]
    _image(o, x, tables[0][0], tables[1][0])
    for (table, weights), size in zip(tables, x.dims, strict=False):
        _table(o, table, 2, size)
        same = table.dims[1] == tables[0][0].dims[1] <= MAX_TAPS
        o.require(same, "the tables differ in taps, or have more than 8")
        right = weights.constant and weights.dims == table.dims
        o.require(right, "the weights are not constant, or not of their table's dims")


def _unused(o: _Op, groups: Iterable[str], rank: int) -> None:
    rest = [word for name in groups for word in o.op.group(name)[rank:]]
    o.require(not any(rest), "an unused entry is not zero", Place.ATTRIBUTE)


_CHECKS: dict[Kind, Callable[[_Op], None]] = {
    Kind.BCONV2D: _conv,
    Kind.BDENSE: _bdense,
    Kind.CONV2D: _conv,
    Kind.DENSE: _dense,
    Kind.POINTWISE: _pointwise,
    Kind.MAXPOOL2D: _pool,
    Kind.AVGPOOL2D: _pool,
    Kind.BMAXPOOL2D: _pool,
    Kind.CONCAT: _concat,
    Kind.SOFTMAX: _softmax,
    Kind.TRANSPOSE: _transpose,
    Kind.RESHAPE: _reshape,
    Kind.PAD: _pad,
    Kind.SLICE: _slice,
    Kind.GATHER2D: _gather,
    Kind.RESIZE2D: _resize,
    Kind.QCONV2D: _qconv,
    Kind.QDENSE: _qdense,
}


def check_kinds(model: Model) -> None:
    """Sections 4 and 5: operands, attribute words, and what constants may hold there."""
    for index, op in enumerate(model.ops):
        o = _Op(model, index)
        row = KINDS[op.kind]
        few, most = row.inputs[0], 64 if row.steps else row.inputs[1]
        o.require(few <= len(op.inputs) <= most, "inputs is a wrong number", Place.OP)
        o.require(row.steps or len(op.outputs) == 1, "outputs is not 1", Place.OP)
        _CHECKS[op.kind](o)
        for tensor in op.inputs[: few if row.steps else None]:
            o.require_finite(model.tensors[tensor])
