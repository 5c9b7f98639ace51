# SPDX-License-Identifier: BSD-3-Clause
"""Collects the tensors and ops of a .dab file: constants once each, activations placed at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converter import layout, memory
from converter.dab_model import (
    KINDS,
    MAX_RANK,
    MAX_ROWS,
    Kind,
    Model,
    Op,
    Step,
    Tensor,
    Type,
    step_words,
)
from converter.errors import ConversionError
from converter.graph import Array

_SMALLEST = np.finfo(np.float32).tiny
_ANY_DIMS = (Kind.TRANSPOSE, Kind.RESHAPE)  # besides the ops with steps


def normal(values: Array) -> layout.Floats:
    """float32 without -0.0 and denormals, which files must not have: both become +0.0."""
    floats = np.asarray(values, np.float32)
    return np.where(np.abs(floats) < _SMALLEST, np.float32(0), floats)


def normal_threshold(values: Array) -> layout.Floats:
    """The same for thresholds: the smallest number allowed that is not below, so that `x > 0` stays false for 0."""
    floats = np.asarray(values, np.float32)
    return np.where((floats > 0) & (floats < _SMALLEST), _SMALLEST, normal(floats))


class Builder:
    """A file under construction."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self.metadata = metadata
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self._constants: dict[tuple[Type, tuple[int, ...], bytes], int] = {}

    # -- tensors --

    def activation(self, kind: Type, dims: Sequence[int], name: str) -> int:
        """Add an activation."""
        if len(dims) > MAX_RANK:
            raise ConversionError(f"value '{name}' {list(dims)} has more than {MAX_RANK} axes")
        self.tensors.append(Tensor(kind, tuple(dims), name))
        return len(self.tensors) - 1

    def constant(self, kind: Type, dims: Sequence[int], data: layout.Bytes) -> int:
        """Add a constant, or find an equal one."""
        key = (kind, tuple(dims), data.tobytes())
        if key not in self._constants:
            self._constants[key] = len(self.tensors)
            self.tensors.append(Tensor(kind, tuple(dims), data=data))
        return self._constants[key]

    def floats(self, values: Array, where: str, infinite: bool = False) -> int:
        """Add an F32 constant; `where` leads the message if it holds NaN (or infinities, unless `infinite`)."""
        array = np.ascontiguousarray(values, "<f4")
        if np.isnan(array).any() or not (infinite or np.isfinite(array).all()):
            raise ConversionError(
                f"{where}: a constant holds NaN or infinity; check the model's parameters"
            )
        return self.constant(Type.F32, array.shape, array.ravel().view(np.uint8))

    def quantiser(self, threshold: Array, flip: Array, where: str) -> tuple[int, int]:
        """Operands of SIGN and EMIT_BITS, each [C]."""
        values = self.floats(normal_threshold(threshold), where, infinite=True)
        return values, self.flips(flip)

    def flips(self, flip: Array) -> int:
        """A U8 constant [C]."""
        flips = np.ascontiguousarray(flip, np.uint8)
        return self.constant(Type.U8, flips.shape, flips)

    def to_int8(self, scale: float, zero: int) -> tuple[int, int]:
        """Operands of EMIT_I8."""
        return self.floats(np.array([scale]), "scale"), self.integers(np.array([zero]))

    def integers(self, values: Array) -> int:
        """An I32 constant [C]; thresholds beyond its range act like its ends."""
        limits = np.iinfo(np.int32)
        return self.table(np.clip(np.asarray(values, np.int64), limits.min, limits.max))

    def table(self, values: Array) -> int:
        """An I32 constant of any shape."""
        array = np.ascontiguousarray(values, "<i4")
        return self.constant(Type.I32, array.shape, array.ravel().view(np.uint8))

    def weights(self, weights: Array, binary: bool) -> int:
        """Weights [G, O, KH, KW, C]: W_XNOR for a binary op, else W_SIGN of int8, W_F32 of floats."""
        if binary:
            return self.constant(Type.W_XNOR, weights.shape, layout.pack_xnor(weights < 0))
        if weights.dtype == np.int8:
            return self.constant(Type.W_SIGN, weights.shape, layout.pack_sign(weights < 0))
        floats = np.asarray(weights, np.float32)
        return self.constant(Type.W_F32, floats.shape, layout.pack_f32(floats))

    def weights8(self, weights: Array) -> int:
        """Weights [G, O, KH, KW, C] of -127..127: W_S8."""
        return self.constant(Type.W_S8, weights.shape, layout.pack_s8(weights.astype(np.int8)))

    # -- ops --

    def op(
        self,
        kind: Kind,
        inputs: Sequence[int],
        outputs: Sequence[int],
        words: Sequence[int] = (),
        steps: Sequence[Step] = (),
        name: str = "",
    ) -> None:
        """Append an op."""
        if not all(-(1 << 31) <= word < 1 << 31 for word in words):
            raise ConversionError(
                f"node '{name}': an attribute is too large: {max(words, key=abs)}"
            )
        program = step_words(steps) if KINDS[kind].steps else []
        self.ops.append(Op(kind, [*inputs], [*outputs], [*words, *program], name))

    # -- the end --

    def finish(self) -> Model:
        """The model, with its activations placed."""
        self._drop_reshapes()
        self._drop_unused()
        if max(len(self.ops), len(self.tensors)) > MAX_ROWS:
            raise ConversionError(
                f"the network needs {len(self.ops)} ops and {len(self.tensors)} tensors; the limit is {MAX_ROWS} of each"
            )
        active = {index for index, tensor in enumerate(self.tensors) if not tensor.constant}
        for index in active:
            self.tensors[index].first = self.tensors[index].last = 0
        for at, op in enumerate(self.ops):
            for index in op.outputs:
                self.tensors[index].first = self.tensors[index].last = at
            for index in active.intersection(op.inputs):
                self.tensors[index].last = at
        for index in self.outputs:
            self.tensors[index].last = len(self.ops) - 1
        placed = [self.tensors[index] for index in sorted(active)]
        lives = [memory.Interval(t.first, t.last, t.bytes) for t in placed]
        offsets, total = memory.place(lives)
        for tensor, offset in zip(placed, offsets, strict=True):
            tensor.offset = offset
        return Model(self.tensors, self.ops, self.inputs, self.outputs, total, self.metadata)

    def _drop_reshapes(self) -> None:
        """Some ops may write floats in any dims: let them write those of a reshape that alone reads them."""
        readers: dict[int, list[Op]] = {}
        writer = {index: op for op in self.ops for index in op.outputs}
        for op in self.ops:
            for index in op.inputs:
                readers.setdefault(index, []).append(op)
        for op in [op for op in self.ops if op.kind == Kind.RESHAPE]:
            source, result = op.inputs[0], op.outputs[0]
            maker = writer.get(source)
            free = maker is not None and (KINDS[maker.kind].steps or maker.kind in _ANY_DIMS)
            if (
                maker is not None
                and free
                and readers[source] == [op]
                and source not in self.outputs
            ):
                maker.outputs[maker.outputs.index(source)] = result
                writer[result] = maker
                self.ops.remove(op)

    def _drop_unused(self) -> None:
        """Forget tensors that nothing mentions."""
        used = {*self.inputs, *self.outputs}
        for op in self.ops:
            used.update(op.inputs, op.outputs)
        new = {old: index for index, old in enumerate(sorted(used))}
        self.tensors = [self.tensors[old] for old in sorted(used)]
        for op in self.ops:
            op.inputs = [new[index] for index in op.inputs]
            op.outputs = [new[index] for index in op.outputs]
        self.inputs = [new[index] for index in self.inputs]
        self.outputs = [new[index] for index in self.outputs]


def six(values: Sequence[int]) -> list[int]:
    """A group of six attribute words."""
    return [*values, *[0] * (MAX_RANK - len(values))]
