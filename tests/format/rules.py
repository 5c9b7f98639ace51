# SPDX-License-Identifier: BSD-3-Clause
"""Every rule of docs/dab-format.md broken once in all_ops.dab: what is changed, and the error that the page names."""

from __future__ import annotations

from collections.abc import Callable

from converter.dab_model import Place, Status, Step
from format.patch import File

Change = Callable[[File], object]
# name, change, place, index; the status is FORMAT unless it is given
Rule = tuple[str, Change, Place, int] | tuple[str, Change, Place, int, Status]

H, T, O, P = Place.HEADER, Place.TENSOR, Place.OP, Place.OPERAND  # noqa: E741
A, I, S, D = Place.ATTRIBUTE, Place.IO, Place.STRING, Place.DATA  # noqa: E741
# Tensors and ops of all_ops.dab (tests/format/golden.py)
IMAGE, PADDED, BOTH, AFFINE_MUL, AFFINE_ADD, SLOPE, LIMITS, STEM, SIGNS = (
    2,
    3,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
)
W_F32, W_XNOR, INTEGERS, INNER, FLIPS, POOLED, W_BDENSE, SCORES, LARGEST = (
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
)
MEAN, FLAT, W_SIGN, THRESHOLD, FLIP, BITS, SIGNED, RESULT = 21, 22, 23, 24, 25, 26, 28, 29
TRANSPOSE, PAD, SLICE, CONCAT, CONV, BCONV, BMAXPOOL = range(7)
BDENSE, MAXPOOL, AVGPOOL, RESHAPE, DENSE, POINTWISE, SOFTMAX = range(7, 14)


def both(*changes: Change) -> Change:
    """Several changes, where one alone would break an earlier rule."""
    return lambda f: [change(f) for change in changes]


def steps(op: int, *codes: int) -> Change:
    """The first steps of an op's program."""
    return lambda f: f.steps(op, *codes)


def dims(tensor: int, *values: int) -> Change:
    """The first dims of a tensor."""
    return lambda f: [f.tensor(tensor, f"dims{axis}", value) for axis, value in enumerate(values)]


def move(f: File, tensor: int, by: int) -> None:
    """Another offset."""
    f.tensor(tensor, "offset", f.tensor(tensor, "offset") + by)


def swap_strings(f: File) -> None:
    """A name that starts inside another."""
    f.tensor(0, "name", f.tensor(0, "name") + 1)


HEADER: list[Rule] = [
    ("magic", lambda f: f.header("magic", 0x88), H, 0, Status.MAGIC),
    ("major", lambda f: f.header("major", 2), H, 0, Status.VERSION),
    ("minor", lambda f: f.header("minor", 3), H, 0, Status.VERSION),
    ("file_size 2^31", lambda f: f.header("file_size", 1 << 31), H, 0),
    ("file_size more", lambda f: f.header("file_size", len(f.data) + 1), H, 0, Status.TRUNCATED),
    ("file_size less", lambda f: f.header("file_size", f.end - 1), H, 0, Status.TRUNCATED),
    ("no tensors", lambda f: f.header("tensor_count", 0), H, 0),
    ("too many tensors", lambda f: f.header("tensor_count", 16385), H, 0),
    ("no ops", lambda f: f.header("op_count", 0), H, 0),
    ("too many ops", lambda f: f.header("op_count", 16385), H, 0),
    ("too many operands", lambda f: f.header("operand_count", (1 << 20) + 1), H, 0),
    ("too many attributes", lambda f: f.header("attribute_count", (1 << 20) + 1), H, 0),
    ("no inputs", lambda f: f.header("input_count", 0), H, 0),
    ("too many inputs", lambda f: f.header("input_count", 257), H, 0),
    ("no outputs", lambda f: f.header("output_count", 0), H, 0),
    ("too many outputs", lambda f: f.header("output_count", 257), H, 0),
    ("no strings", lambda f: f.header("string_size", 0), H, 0),
    ("too many strings", lambda f: f.header("string_size", (1 << 24) + 1), H, 0),
    ("tables beyond the file", lambda f: f.header("string_size", 1 << 20), H, 0, Status.TRUNCATED),
    ("metadata outside", lambda f: f.header("metadata", f.header("string_size")), S, 0),
    ("metadata inside a string", lambda f: f.header("metadata", f.header("metadata") + 1), S, 0),
    ("activation_bytes 2^31", lambda f: f.header("activation_bytes", 1 << 31), H, 0),
    ("activation_bytes not aligned", lambda f: f.header("activation_bytes", 6849), H, 0),
    ("reserved", lambda f: f.header("reserved", 1), H, 0),
]

TENSORS: list[Rule] = [
    ("name outside", lambda f: f.tensor(3, "name", 1 << 20), S, 3),
    ("name inside a string", swap_strings, S, 0),
    ("type 0", lambda f: f.tensor(STEM, "type", 0), T, STEM),
    ("type 10", lambda f: f.tensor(STEM, "type", 10), T, STEM),
    ("constant 2", lambda f: f.tensor(STEM, "constant", 2), T, STEM),
    ("weights not constant", lambda f: f.tensor(W_XNOR, "constant", 0), T, W_XNOR),
    ("rank 0", lambda f: f.tensor(STEM, "rank", 0), T, STEM),
    ("rank 7", lambda f: f.tensor(STEM, "rank", 7), T, STEM),
    ("rank of BITS", lambda f: f.tensor(SIGNS, "rank", 2), T, SIGNS),
    ("rank of weights", lambda f: f.tensor(W_F32, "rank", 4), T, W_F32),
    ("reserved byte", lambda f: f.tensor(STEM, "reserved0", 1), T, STEM),
    ("reserved word", lambda f: f.tensor(STEM, "reserved1", 1), T, STEM),
    ("dims 0", dims(STEM, 0), T, STEM),
    ("dims above 2^24", dims(STEM, (1 << 24) + 1), T, STEM),
    ("dims beyond rank", lambda f: f.tensor(STEM, "dims3", 1), T, STEM),
    ("2^31 bytes", dims(STEM, 1 << 20, 1 << 20), T, STEM),
    ("bytes", lambda f: f.tensor(STEM, "bytes", 4), T, STEM),
    ("constant not aligned to 16", lambda f: move(f, AFFINE_MUL, 8), T, AFFINE_MUL),
    ("weights not aligned to 64", lambda f: move(f, W_F32, 16), T, W_F32),
    ("constant before the data", lambda f: f.tensor(AFFINE_MUL, "offset", 64), T, AFFINE_MUL),
    ("constants overlap", lambda f: move(f, AFFINE_ADD, -16), T, AFFINE_ADD),
    ("constant beyond the file", lambda f: move(f, FLIP, 1 << 20), T, FLIP, Status.TRUNCATED),
    ("constant with a life", lambda f: f.tensor(AFFINE_MUL, "last", 1), T, AFFINE_MUL),
    ("activation not aligned", lambda f: move(f, STEM, 4), T, STEM),
    ("activation beyond the arena", lambda f: move(f, STEM, 6848), T, STEM),
    ("activation at 2^32", lambda f: f.tensor(STEM, "offset", 0xFFFFFFC0), T, STEM),
    ("first after last", lambda f: f.tensor(STEM, "last", 3), T, STEM),
    ("last is no op", lambda f: f.tensor(STEM, "last", 14), T, STEM),
]

OPS: list[Rule] = [
    ("kind 0", lambda f: f.op(CONV, "kind", 0), O, CONV),
    ("kind 19", lambda f: f.op(CONV, "kind", 19), O, CONV),
    ("op without outputs", lambda f: f.op(CONV, "outputs", 0), O, CONV),
    ("operand not the sum", lambda f: f.op(CONV, "operand", f.op(CONV, "operand") + 1), O, CONV),
    (
        "attribute not the sum",
        lambda f: f.op(CONV, "attribute", f.op(CONV, "attribute") + 1),
        O,
        CONV,
    ),
    ("attributes", lambda f: f.op(CONV, "attributes", 13), O, CONV),
    ("op name outside", lambda f: f.op(CONV, "name", 1 << 20), S, CONV),
    ("op reserved", lambda f: f.op(CONV, "reserved", 1), O, CONV),
    ("operand_count not the sum", lambda f: f.op(SOFTMAX, "inputs", 2), H, 0),
    ("no such tensor", lambda f: f.operand(CONV, 0, 30), P, CONV),
    ("input written later", lambda f: f.operand(CONV, 0, SCORES), P, CONV),
    ("output is no tensor", lambda f: f.operand(CONV, 6, 30), P, CONV),
    ("output is a constant", lambda f: f.operand(CONV, 6, SLOPE), P, CONV),
    ("output is a model input", lambda f: f.operand(CONV, 6, 0), P, CONV),
    ("output written twice", lambda f: f.operand(CONV, 6, BOTH), P, CONV),
    ("output listed twice", lambda f: f.operand(CONV, 7, STEM), P, CONV),
    ("first is not the writer", lambda f: f.tensor(STEM, "first", 3), T, STEM),
    ("input is no tensor", lambda f: f.listed(0, 30), P, TRANSPOSE),
    (
        "unread input is no tensor",
        both(lambda f: f.operand(CONCAT, 1, IMAGE), lambda f: f.listed(1, 30)),
        I,
        1,
    ),
    ("output is no tensor in the table", lambda f: f.listed(2, 30), I, 2),
    (
        "input is a constant",
        both(lambda f: f.operand(CONCAT, 1, IMAGE), lambda f: f.listed(1, SLOPE)),
        I,
        1,
    ),
    ("input twice", both(lambda f: f.operand(CONCAT, 1, IMAGE), lambda f: f.listed(1, 0)), I, 1),
    ("output is a constant in the table", lambda f: f.listed(2, SLOPE), I, 2),
    ("output not written", lambda f: f.listed(2, 0), I, 2),
    ("output of BITS", lambda f: f.listed(2, SIGNS), I, 2),
    ("strings do not start with 0", lambda f: f.data.__setitem__(f.strings, 65), S, 0),
    ("strings do not end with 0", lambda f: f.data.__setitem__(f.end - 1, 65), S, 0),
    ("strings not UTF-8", lambda f: f.data.__setitem__(f.end - 2, 0xFF), S, 0),
]

MEMORY: list[Rule] = [
    ("input first not 0", lambda f: f.tensor(1, "first", 1), T, 1),
    ("last before a reader", lambda f: f.tensor(STEM, "last", 7), T, STEM),
    ("output dies", lambda f: f.tensor(SCORES, "last", 12), T, SCORES),
    ("overlap", lambda f: f.tensor(SIGNS, "offset", 0), T, SIGNS),
]

DATA: list[Rule] = [
    ("padding before the data", lambda f: f.data.__setitem__(f.end, 1), D, AFFINE_MUL),
    ("padding between constants", lambda f: f.poke(AFFINE_MUL, 280, 1), D, AFFINE_ADD),
    (
        "padding at the end",
        lambda f: [f.data.extend(b"\0\1"), f.header("file_size", len(f.data))],
        D,
        RESULT,
    ),
    ("NaN", lambda f: f.poke(AFFINE_MUL, 2, 0xC0, 0x7F), D, AFFINE_MUL),
    ("minus zero", lambda f: f.poke(AFFINE_MUL, 0, 0, 0, 0, 0x80), D, AFFINE_MUL),
    ("denormal", lambda f: f.poke(AFFINE_MUL, 0, 1, 0, 0, 0), D, AFFINE_MUL),
    ("infinite factor", lambda f: f.poke(AFFINE_MUL, 0, 0, 0, 0x80, 0x7F), D, AFFINE_MUL),
    ("infinite weight", lambda f: f.poke(W_F32, 0, 0, 0, 0x80, 0x7F), D, W_F32),
    ("weight NaN", lambda f: f.poke(W_F32, 0, 0, 0, 0xC0, 0x7F), D, W_F32),
    ("flip 2", lambda f: f.poke(FLIPS, 0, 2), D, FLIPS),
    ("pad bits of W_XNOR", lambda f: f.poke(W_XNOR, 15, 0x80), D, W_XNOR),
    ("missing output of W_XNOR", lambda f: f.poke(W_XNOR, 9 * 128 + 16, 1), D, W_XNOR),
    ("missing output of W_SIGN", lambda f: f.poke(W_SIGN, 0, 0x20), D, W_SIGN),
    ("limits not ordered", lambda f: f.poke(LIMITS, 4, 0, 0, 0, 0xC2), D, LIMITS),
]

STEPS: list[Rule] = [
    ("step not known", steps(CONV, 17), A, CONV),
    ("step behind END", steps(BDENSE, Step.EMIT_F32, 0, Step.EMIT_F32), A, BDENSE),
    ("no EMIT", steps(BDENSE, 0), A, BDENSE),
    ("EMIT_INT of floats", steps(CONV, Step.EMIT_INT), A, CONV),
    ("EMIT_INT not first", steps(BCONV, Step.EMIT_F32, Step.EMIT_INT), A, BCONV),
    ("EMIT_SIGN of what may be -0.0", steps(POINTWISE, Step.EMIT_SIGN, Step.SIGN), A, POINTWISE),
    ("more inputs than steps use", steps(CONV, Step.PRELU), O, CONV),
    ("more outputs than steps write", steps(CONV, 1, 3, 2, 6, 0), O, CONV),
    ("operand of a step of another type", lambda f: f.operand(CONV, 2, INTEGERS), P, CONV),
    ("operand of a step not constant", lambda f: f.operand(DENSE, 3, FLAT), P, DENSE),
    ("operand of a step of another shape", lambda f: f.operand(CONV, 2, LIMITS), P, CONV),
    ("limits of another shape", lambda f: f.operand(CONV, 5, SLOPE), P, CONV),
    ("ADD of infinities", lambda f: f.operand(DENSE, 2, THRESHOLD), D, THRESHOLD),
    ("ADD of another size", lambda f: f.operand(DENSE, 2, FLAT), P, DENSE),
    ("ADD of flips", lambda f: f.operand(DENSE, 2, FLIP), P, DENSE),
    ("F32 output of bits", steps(CONV, 1, 3, 2, 7, 7), P, CONV),
    ("bits in other dims", dims(SIGNS, 4, 5), P, CONV),
]

KINDS: list[Rule] = [
    ("x of bconv2d is floats", lambda f: f.operand(BCONV, 0, STEM), P, BCONV),
    ("weights of bconv2d are floats", lambda f: f.operand(BCONV, 1, W_F32), P, BCONV),
    ("channels of bconv2d", lambda f: f.operand(BCONV, 1, W_BDENSE), P, BCONV),
    ("border 2", lambda f: f.word(BCONV, 8, 2), A, BCONV),
    ("stride 0", lambda f: f.word(CONV, 0, 0), A, CONV),
    ("stride 65536", lambda f: f.word(CONV, 1, 65536), A, CONV),
    ("dilation 0", lambda f: f.word(CONV, 2, 0), A, CONV),
    ("dilation -1", lambda f: f.word(CONV, 3, -1), A, CONV),
    ("pad -1", lambda f: f.word(CONV, 4, -1), A, CONV),
    ("pad 65536", lambda f: f.word(CONV, 7, 65536), A, CONV),
    ("kernel does not fit", lambda f: f.word(BCONV, 2, 5), A, BCONV),
    ("bits of a larger convolution", lambda f: f.word(BCONV, 4, 2), P, BCONV),
    ("weights of conv2d are bits", lambda f: f.operand(CONV, 1, W_XNOR), P, CONV),
    ("floats of a larger convolution", lambda f: f.word(CONV, 6, 1), P, CONV),
    ("weights of bdense", lambda f: f.operand(BDENSE, 1, W_XNOR), P, BDENSE),
    ("x of dense has another size", lambda f: f.operand(DENSE, 0, LARGEST), P, DENSE),
    ("weights of dense are bits", lambda f: f.operand(DENSE, 1, W_BDENSE), P, DENSE),
    ("x of pointwise is integers", lambda f: f.operand(POINTWISE, 0, INTEGERS), P, POINTWISE),
    ("kernel 0", lambda f: f.word(MAXPOOL, 0, 0), A, MAXPOOL),
    ("window in the padding", lambda f: f.word(MAXPOOL, 6, 3), A, MAXPOOL),
    ("last window in the padding", lambda f: f.word(MAXPOOL, 8, 5), A, MAXPOOL),
    ("pooled to other dims", lambda f: f.word(MAXPOOL, 3, 1), P, MAXPOOL),
    ("x of maxpool2d has rank 1", lambda f: f.operand(MAXPOOL, 0, AFFINE_MUL), P, MAXPOOL),
    ("dilation of avgpool2d", lambda f: f.word(AVGPOOL, 4, 2), A, AVGPOOL),
    ("count_pad 2", lambda f: f.word(AVGPOOL, 10, 2), A, AVGPOOL),
    ("flips of bmaxpool2d", lambda f: f.operand(BMAXPOOL, 1, FLIP), P, BMAXPOOL),
    ("flips are an activation", lambda f: f.operand(BMAXPOOL, 1, INNER), P, BMAXPOOL),
    ("concat axis 3", lambda f: f.word(CONCAT, 0, 3), A, CONCAT),
    ("concat axis -1", lambda f: f.word(CONCAT, 0, -1), A, CONCAT),
    (
        "concat of other dims",
        both(lambda f: f.operand(CONCAT, 0, PADDED), lambda f: f.tensor(PADDED, "last", 3)),
        P,
        CONCAT,
    ),
    ("concat to other dims", lambda f: f.word(CONCAT, 0, 1), P, CONCAT),
    ("softmax axis 2", lambda f: f.word(SOFTMAX, 0, 2), A, SOFTMAX),
    ("softmax to other dims", dims(RESULT, 5, 1), P, SOFTMAX),
    ("transpose rank 0", lambda f: f.word(TRANSPOSE, 0, 0), A, TRANSPOSE),
    ("transpose rank 7", lambda f: f.word(TRANSPOSE, 0, 7), A, TRANSPOSE),
    ("transpose dims", lambda f: f.word(TRANSPOSE, 1, 4), A, TRANSPOSE),
    ("transpose perm", lambda f: f.word(TRANSPOSE, 7, 0), A, TRANSPOSE),
    ("transpose unused dims", lambda f: f.word(TRANSPOSE, 3, 1), A, TRANSPOSE),
    ("transpose unused perm", lambda f: f.word(TRANSPOSE, 9, 2), A, TRANSPOSE),
    ("reshape of another size", lambda f: f.operand(RESHAPE, 0, LIMITS), P, RESHAPE),
    ("pad before -1", lambda f: f.word(PAD, 1, -1), A, PAD),
    ("pad after above 2^24", lambda f: f.word(PAD, 7, (1 << 24) + 1), A, PAD),
    ("pad unused", lambda f: f.word(PAD, 3, 1), A, PAD),
    ("pad value NaN", lambda f: f.word(PAD, 12, 0x7FC00000), A, PAD),
    ("pad value -0.0", lambda f: f.word(PAD, 12, -(1 << 31)), A, PAD),
    ("padded to other dims", lambda f: f.word(PAD, 0, 2), P, PAD),
    ("slice start -1", lambda f: f.word(SLICE, 0, -1), A, SLICE),
    ("slice step below -2^24", lambda f: f.word(SLICE, 6, -(1 << 24) - 1), A, SLICE),
    ("slice start above 2^24", lambda f: f.word(SLICE, 0, (1 << 24) + 1), A, SLICE),
    ("slice step above 2^24", lambda f: f.word(SLICE, 6, (1 << 24) + 1), A, SLICE),
    ("slice unused step", lambda f: f.word(SLICE, 9, 1), A, SLICE),
    ("slice beyond the begin", lambda f: f.word(SLICE, 6, -1), P, SLICE),
    ("slice beyond the end", lambda f: f.word(SLICE, 0, 2), P, SLICE),
]


RULES: list[Rule] = [*HEADER, *TENSORS, *OPS, *MEMORY, *DATA, *STEPS, *KINDS]
