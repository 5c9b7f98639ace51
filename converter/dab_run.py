# SPDX-License-Identifier: BSD-3-Clause
"""Runs the content of a .dab file with numpy: the oracle of the C ops, written from docs/dab-format.md.

Activations are arrays of their dims: float32, or for BITS boolean [H, W, C], True where the value is -1. Everything is
bit-exact except the sums of conv2d, dense and avgpool2d, and softmax, which are made in float64 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from converter import functions, int8, layout
from converter.dab_model import (
    OF_TWO,
    STEP_OUTPUT,
    Kind,
    Model,
    Op,
    Step,
    Tensor,
    Type,
    spread_dims,
)

Array = npt.NDArray[Any]
F32 = np.float32

_UNPACK: dict[Type, Callable[[layout.Bytes, tuple[int, ...]], Array]] = {
    Type.BITS: layout.unpack_bits,
    Type.W_XNOR: layout.unpack_xnor,
    Type.W_SIGN: layout.unpack_sign,
    Type.W_F32: layout.unpack_f32,
    Type.W_S8: layout.unpack_s8,
}


def run(model: Model, inputs: Sequence[Array]) -> list[Array]:
    """Outputs in the file's order; `inputs` are float32 arrays in the file's order and dims."""
    values = run_all(model, inputs)
    return [values[index] for index in model.outputs]


def run_all(model: Model, inputs: Sequence[Array]) -> dict[int, Array]:
    """Every activation by tensor index."""
    if len(inputs) != len(model.inputs):
        raise ValueError(f"the model has {len(model.inputs)} inputs, {len(inputs)} were given")
    values: dict[int, Array] = {}
    for index, tensor in enumerate(model.tensors):
        if tensor.constant:
            values[index] = _constant(tensor)
    for index, array in zip(model.inputs, inputs, strict=True):
        dims = model.tensors[index].dims
        if array.shape != dims:
            raise ValueError(
                f"input '{model.tensors[index].name}' has shape {dims}, not {array.shape}"
            )
        values[index] = array.astype(F32)
    with np.errstate(all="ignore"):  # infinities are values like others
        for op in model.ops:
            ins = [values[index] for index in op.inputs]
            outs = _RUN[op.kind](op, ins, [model.tensors[index].dims for index in op.outputs])
            values.update(zip(op.outputs, outs, strict=True))
    return values


def _constant(tensor: Tensor) -> Array:
    assert tensor.data is not None
    unpack = _UNPACK.get(tensor.type)
    return tensor.array() if unpack is None else unpack(tensor.data, tensor.dims)


def signs_to_floats(signs: Array) -> Array:
    """True -> -1.0, False -> +1.0; floats stay."""
    return np.where(signs, F32(-1), F32(1)) if signs.dtype == bool else signs


# -- steps --


def _below(v: Array, threshold: Array, flip: Array) -> Array:
    """Bits of a quantiser: True (-1) unless (v >= threshold) != flip."""
    bits: Array = (v >= threshold) == (flip == 1)
    return bits


def _apply(step: Step, v: Array, operands: list[Array]) -> Array:
    """The float32 value after a step that is not an EMIT; every operation is rounded."""
    if step == Step.AFFINE:
        v = (v * operands[0]) + operands[1]
    elif step == Step.CLIP:
        low, high = operands[0]
        v = np.minimum(np.maximum(v, low), high) + F32(0)
    elif step == Step.PRELU:
        v = np.where(v >= 0, v, v * operands[0]) + F32(0)
    elif step in OF_TWO:
        v = _of_two(step, v, operands[0])
    elif step == Step.FUNCTION:
        v = functions.apply(functions.Function(operands[0][0]), v)
    else:
        v = signs_to_floats(_below(v, operands[0], operands[1]))
    assert v.dtype == F32
    return v


def _of_two(step: Step, v: Array, operand: Array) -> Array:
    """A step of v and another tensor, repeated over v."""
    spread = spread_dims(operand.shape, v.shape)
    assert spread is not None
    rows, other = v.reshape(-1, v.shape[-1]), operand.reshape(spread)
    if step == Step.MAX:
        result = np.where(other > rows, other, rows)
    elif step == Step.MIN:
        result = np.where(other < rows, other, rows)
    else:
        result = _ARITHMETIC[step](rows, other)
    shaped: Array = result.reshape(v.shape) + F32(0)
    return shaped


_ARITHMETIC = {Step.ADD: np.add, Step.MUL: np.multiply, Step.SUB: np.subtract, Step.DIV: np.divide}


def _emit(step: Step, v: Array, dot: Array, operands: list[Array]) -> Array:
    """What an EMIT step writes; `dot` is the integer that v started as."""
    if step == Step.EMIT_F32:
        return v
    if step == Step.EMIT_SIGN:
        return ~np.asarray(v >= 0)
    if step == Step.EMIT_BITS:
        return _below(v, operands[0], operands[1])
    if step == Step.EMIT_I8:
        return int8.to_int8(v, operands[0], operands[1])
    return np.asarray(dot < operands[0])


# Operands of each step where it is not one.
_OPERANDS = {
    **dict.fromkeys((Step.AFFINE, Step.SIGN, Step.EMIT_BITS, Step.EMIT_I8), 2),
    **dict.fromkeys((Step.EMIT_F32, Step.EMIT_SIGN), 0),
}


def _steps(op: Op, v: Array, operands: Iterator[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    """Run the step program on v (integers of a binary op, or floats)."""
    outputs: list[Array] = []
    dot, v = v, v.astype(F32)
    for step in op.steps:
        taken = [next(operands) for _ in range(_OPERANDS.get(step, 1))]
        if step not in STEP_OUTPUT:
            v = _apply(step, v, taken)
            continue
        outputs.append(_emit(step, v, dot, taken).reshape(dims[len(outputs)]))
    return outputs


# -- ops --


def _windows(x: Array, op: Op, kernel: tuple[int, int], fill: float) -> Array:
    """[H, W, C] -> [OH, OW, C, KH, KW]: the taps of every output, with `fill` outside of x."""
    word = op.word
    pads = ((word("pad_top"), word("pad_bottom")), (word("pad_left"), word("pad_right")), (0, 0))
    padded = np.pad(x, pads, constant_values=fill)
    dilation = word("dilation_h"), word("dilation_w")
    extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    taps: Array = np.lib.stride_tricks.sliding_window_view(padded, extent, (0, 1))
    strided: Array = taps[:: word("stride_h"), :: word("stride_w")]
    return strided[..., :: dilation[0], :: dilation[1]]


def _convolve(x: Array, w: Array, op: Op, fill: float) -> Array:
    """Sums in float64: [H, W, G*C] and [G, O, KH, KW, C] -> [OH, OW, G*O]."""
    groups, outputs, kh, kw, channels = w.shape
    taps = _windows(x.astype(np.float64), op, (kh, kw), fill)
    oh, ow = taps.shape[:2]
    split = taps.reshape(oh, ow, groups, channels, kh, kw)
    matrix = split.transpose(2, 0, 1, 4, 5, 3).reshape(groups, oh * ow, kh * kw * channels)
    filters = w.reshape(groups, outputs, -1).transpose(0, 2, 1).astype(np.float64)
    sums = matrix @ filters
    image: Array = sums.transpose(1, 0, 2).reshape(oh, ow, groups * outputs)
    return image


def _factors(op: Op, ins: list[Array]) -> tuple[Array, Array, np.float32]:
    """What a layer multiplies, integers less their zero point, and the scale of its sums."""
    x, w = ins[0], signs_to_floats(ins[1])
    if op.kind in (Kind.QCONV2D, Kind.QDENSE) and x.dtype == F32:
        numbers, scale, _ = int8.own_range(x)
        return numbers, w, scale
    if x.dtype == np.int8:
        return x.astype(np.int32) - op.word("zero_point"), w, F32(1)
    return signs_to_floats(x), w, F32(1)


def _conv(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    x, w, scale = _factors(op, ins)
    fill = op.word("border") if op.kind == Kind.BCONV2D else 0
    return _steps(op, _scaled(_convolve(x, w, op, fill), scale), iter(ins[2:]), dims)


def _dense(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    x, w, scale = _factors(op, ins)
    sums = w.reshape(w.shape[1], -1).astype(np.float64) @ x.ravel().astype(np.float64)
    return _steps(op, _scaled(sums.reshape(1, 1, -1), scale), iter(ins[2:]), dims)


def _scaled(sums: Array, scale: np.float32) -> Array:
    """Sums as they are where the scale is 1, else as floats."""
    return sums if scale == 1 else sums.astype(F32) * scale


def _pointwise(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    return _steps(op, signs_to_floats(ins[0]), iter(ins[1:]), dims)


def _maxpool(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    kernel = op.word("kernel_h"), op.word("kernel_w")
    pooled = _windows(signs_to_floats(ins[0]), op, kernel, -np.inf).max(axis=(3, 4))
    if op.kind == Kind.BMAXPOOL2D:
        return [(pooled < 0) != (ins[1] == 1)]
    return [pooled + np.float32(0)]


def _avgpool(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    kernel = op.word("kernel_h"), op.word("kernel_w")
    x = ins[0].astype(np.float64)
    sums = _windows(x, op, kernel, 0).sum(axis=(3, 4))
    inside = _windows(np.ones_like(x), op, kernel, 0).sum(axis=(3, 4))
    count = kernel[0] * kernel[1] if op.word("count_pad") else inside
    return [(sums / count).astype(F32)]


def _concat(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    return [np.concatenate(ins, axis=op.word("axis"))]


def _softmax(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    axis = op.word("axis")
    x = ins[0].astype(np.float64)
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return [(powers / powers.sum(axis=axis, keepdims=True)).astype(F32)]


def _transpose(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    rank = op.word("rank")
    seen = ins[0].reshape(op.group("dims")[:rank])
    return [seen.transpose(op.group("perm")[:rank]).reshape(dims[0])]


def _reshape(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    return [ins[0].reshape(dims[0])]


def _pad(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    pads = list(zip(op.group("before"), op.group("after"), strict=True))[: ins[0].ndim]
    value = np.array([op.word("value")], np.int32).view(F32)[0]
    return [np.pad(ins[0], pads, constant_values=value)]


def _slice(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    parts = zip(op.group("start"), op.group("step"), dims[0], strict=False)
    return [ins[0][np.ix_(*(a + by * np.arange(n) for a, by, n in parts))]]


def _gather(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    x, rows, columns = ins
    return [x[rows][:, columns]]


def _resize(op: Op, ins: list[Array], dims: list[tuple[int, ...]]) -> list[Array]:
    x, rows, row_weights, columns, column_weights = ins
    lines = _weighted([x[:, taps] for taps in columns.T], column_weights.T[:, None, :, None])
    return [_weighted([lines[taps] for taps in rows.T], row_weights.T[:, :, None, None]) + F32(0)]


def _weighted(parts: list[Array], weights: Array) -> Array:
    """Sum of products from left to right, each operation rounded."""
    total: Array = weights[0] * parts[0]
    for weight, part in zip(weights[1:], parts[1:], strict=True):
        total = total + weight * part
    return total


_RUN: dict[Kind, Callable[[Op, list[Array], list[tuple[int, ...]]], list[Array]]] = {
    Kind.BCONV2D: _conv,
    Kind.BDENSE: _dense,
    Kind.CONV2D: _conv,
    Kind.DENSE: _dense,
    Kind.POINTWISE: _pointwise,
    Kind.MAXPOOL2D: _maxpool,
    Kind.AVGPOOL2D: _avgpool,
    Kind.BMAXPOOL2D: _maxpool,
    Kind.CONCAT: _concat,
    Kind.SOFTMAX: _softmax,
    Kind.TRANSPOSE: _transpose,
    Kind.RESHAPE: _reshape,
    Kind.PAD: _pad,
    Kind.SLICE: _slice,
    Kind.GATHER2D: _gather,
    Kind.RESIZE2D: _resize,
    Kind.QCONV2D: _conv,
    Kind.QDENSE: _dense,
}
