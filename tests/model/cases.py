# SPDX-License-Identifier: BSD-3-Clause
"""Small random .dab models, one op kind each, with all its parameters.

Inputs and parameters are small integers (halves in steps), so that float sums are exact in any order and every result can be
compared bit for bit; `real=True` draws real numbers for the kinds whose sums may be reordered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from converter import dab
from converter.dab_model import OF_TWO, STEP_OUTPUT, Kind, Step, Type
from converter.functions import Function
from converter.lowering.builder import Builder, normal, six

Array = npt.NDArray[Any]
Dims = tuple[int, ...]

CHANNELS = (1, 2, 3, 7, 8, 9, 16, 31, 63, 64, 65, 100, 127, 128, 129, 192, 200)
OUTPUTS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 64, 65, 130)
COMPUTING = (Step.AFFINE, Step.CLIP, Step.PRELU, Step.SIGN, Step.FUNCTION, *OF_TWO)
# Those that give no infinities or NaN, however many steps there are.
TAME = tuple(f for f in Function if f.name not in ("SQRT", "RECIPROCAL", "EXP", "LOG"))
EMITS = (Step.EMIT_F32, Step.EMIT_SIGN, Step.EMIT_BITS, Step.EMIT_I8)


@dataclass
class Net:
    """A model under construction, with inputs for one run."""

    rng: np.random.Generator
    real: bool = False
    signed_zeros: bool = True
    builder: Builder = field(default_factory=lambda: Builder({"producer": "test"}))
    arrays: list[Array] = field(default_factory=list)

    def pick(self, *values: int) -> int:
        return int(self.rng.choice(values))

    def values(self, *shape: int) -> Array:
        """Floats, with some 0.0 and -0.0."""
        if self.real:
            return self.rng.standard_normal(shape).astype(np.float32)
        whole = self.rng.integers(-6, 7, shape) * self.rng.choice((1.0, -1.0), shape)
        return np.asarray(whole if self.signed_zeros else whole + 0.0, np.float32)

    def floats(self, *dims: int) -> int:
        """A model input."""
        index = self.builder.activation(Type.F32, dims, f"x{len(self.arrays)}")
        self.builder.inputs.append(index)
        self.arrays.append(self.values(*dims))
        return index

    def op(
        self,
        kind: Kind,
        inputs: list[int],
        outputs: list[tuple[Type, Dims]],
        words: list[int] | None = None,
        steps: list[Step] | None = None,
    ) -> list[int]:
        indices = [self.builder.activation(form, dims, "") for form, dims in outputs]
        self.builder.op(kind, inputs, indices, words or [], steps or [], kind.name.lower())
        return indices

    def bits(self, *dims: int) -> int:
        """Random bits [H, W, C]."""
        x = self.floats(*dims)
        operands = self.quantiser(dims[-1])
        (out,) = self.op(Kind.POINTWISE, [x, *operands], [(Type.BITS, dims)], [], [Step.EMIT_BITS])
        return out

    def numbers8(self, *dims: int) -> int:
        """Random 8-bit numbers."""
        x = self.floats(*dims)
        steps, form = [Step.EMIT_I8], (Type.I8, dims)
        (out,) = self.op(Kind.POINTWISE, [x, *self.scale(0.0625)], [form], [], steps)
        return out

    def any_numbers(self, *dims: int) -> int:
        """x of a layer of 8-bit numbers: those, or floats that become numbers in each run."""
        return self.numbers8(*dims) if self.rng.random() < 0.6 else self.floats(*dims)

    def zero_point(self, x: int) -> int:
        """One that such an x may have."""
        numbers = self.builder.tensors[x].type == Type.I8
        return self.pick(-128, 0, 5, 127) if numbers else 0

    def scale(self, size: float) -> tuple[int, int]:
        """Operands of EMIT_I8."""
        zero = self.builder.integers(np.array([self.pick(-128, -3, 0, 64, 127)]))
        return self.builder.floats(np.array([size]), "test"), zero

    def show(self, indices: list[int]) -> None:
        """Make them model outputs; bits and 8-bit numbers as floats, all of them plain reads of memory."""
        for index in indices:
            tensor = self.builder.tensors[index]
            if tensor.type != Type.F32:
                (index,) = self.op(
                    Kind.POINTWISE, [index], [(Type.F32, tensor.dims)], [], [Step.EMIT_F32]
                )
            self.builder.outputs.append(index)

    def finish(self) -> tuple[bytes, list[Array]]:
        return dab.write(self.builder.finish()), self.arrays

    # -- parameters --

    def weights(self, dims: Dims, form: Type) -> int:
        if form == Type.W_F32:
            return self.builder.weights(self.values(*dims), False)
        signs = self.rng.choice(np.array([-1, 1], np.int8), dims)
        return self.builder.weights(signs, form == Type.W_XNOR)

    def weights8(self, dims: Dims) -> int:
        """Weights of 8 bits, or binary ones."""
        if self.rng.random() < 0.3:
            return self.weights(dims, Type.W_SIGN)
        return self.builder.weights8(self.rng.integers(-127, 128, dims))

    def quantiser(self, channels: int) -> tuple[int, int]:
        threshold = self.values(channels) / 2
        threshold[self.rng.random(channels) < 0.1] = np.inf
        threshold[self.rng.random(channels) < 0.1] = -np.inf
        return self.builder.quantiser(threshold, self.rng.random(channels) < 0.3, "test")

    def half(self, *shape: int) -> int:
        return self.builder.floats(normal(self.values(*shape) / 2), "test")

    def window(self, sizes: Dims, kernel: Dims, largest_pad: int) -> tuple[list[int], Dims]:
        """Words stride, dilation, pads; and the output's size. The kernel fits at least once."""
        strides = [self.pick(1, 1, 2, 3) for _ in range(2)]
        dilations = [self.pick(1, 1, 2, 3) for _ in range(2)]
        pads = [self.pick(*range(largest_pad + 1)) for _ in range(4)]
        out = []
        for axis in range(2):
            extent = (kernel[axis] - 1) * dilations[axis] + 1
            pads[2 + axis] = max(pads[2 + axis], extent - sizes[axis] - pads[axis])
            room = sizes[axis] + pads[axis] + pads[2 + axis] - extent
            out.append(room // strides[axis] + 1)
        return [*strides, *dilations, *pads], tuple(out)

    # -- steps --

    def operands(self, step: Step, dims: Dims) -> list[int]:
        channels = dims[-1]
        if step == Step.AFFINE:
            return [self.half(channels), self.half(channels)]
        if step == Step.CLIP:
            low = self.rng.choice((-np.inf, -4.5, -1.0, 0.0))  # not both infinite: inf * 0 is NaN
            high = self.rng.choice((0.0, 1.0, 6.0, np.inf))
            return [self.builder.floats(np.array([low, high]), "test", infinite=True)]
        if step == Step.PRELU:
            return [self.half(channels)]
        if step in OF_TWO:
            return [self.other(step, dims)]
        if step == Step.FUNCTION:
            return [self.builder.integers(np.array([self.pick(*TAME)]))]
        if step in (Step.SIGN, Step.EMIT_BITS):
            return [*self.quantiser(channels)]
        if step == Step.EMIT_I8:
            return [*self.scale(0.75)]
        if step == Step.EMIT_INT:
            return [self.builder.integers(self.rng.integers(-20, 21, channels))]
        return []

    def other(self, step: Step, dims: Dims) -> int:
        """The operand of a step of two: whole, by channel, by pixel, one number; also a constant. Divisors are not 0."""
        spreads = [dims, dims, dims[-1:], (*dims[:-1], 1), (1, 1)]
        shape = spreads[self.pick(*range(len(spreads)))]
        values = self.values(*shape)
        if step == Step.DIV:
            values = np.where(values < 0, values - 0.5, values + 0.5).astype(np.float32)
        if self.rng.random() < 0.2:
            return self.builder.floats(normal(values), "test")
        index = self.floats(*shape)
        self.arrays[-1] = values
        return index

    def program(self, kind: Kind) -> list[Step]:
        """A random valid program."""
        steps: list[Step] = []
        if kind in (Kind.BCONV2D, Kind.BDENSE) and self.rng.random() < 0.4:
            steps.append(Step.EMIT_INT)
        for _ in range(self.pick(0, 1, 2, 3, 4, 12)):
            steps.append(Step(self.pick(*COMPUTING, *COMPUTING, *EMITS)))
        if not steps or steps[-1] in COMPUTING:
            steps.append(Step(self.pick(*EMITS)))
        return valid(kind, steps[-16:] if steps[0] != Step.EMIT_INT else steps[:16])

    def computing(
        self, kind: Kind, own: list[int], dims: Dims, words: list[int], steps: list[Step]
    ) -> None:
        """An op with steps whose v has `dims`; all it writes is shown."""
        inputs, outputs = list(own), []
        for step in steps:
            inputs += self.operands(step, dims)
            if step in STEP_OUTPUT:
                outputs.append((STEP_OUTPUT[step], dims))
        self.show(self.op(kind, inputs, outputs, words, steps))


def valid(kind: Kind, steps: Sequence[Step]) -> list[Step]:
    """The program with EMIT_SIGN of a possible -0.0 replaced."""
    result: list[Step] = []
    for step in steps:
        signed = kind != Kind.POINTWISE or any(s in COMPUTING for s in result)
        result.append(Step.EMIT_BITS if step == Step.EMIT_SIGN and not signed else step)
    return result


# -- op kinds --


def conv(net: Net, kind: Kind, steps: list[Step] | None = None) -> None:
    groups = net.pick(1, 1, 1, 2, 3)
    channels = net.pick(*CHANNELS[: 8 if groups > 1 else None])
    outputs = net.pick(*OUTPUTS[: 9 if groups > 1 else None])
    kernel = (net.pick(1, 2, 3, 3, 5), net.pick(1, 2, 3, 3, 5))
    sizes = (net.pick(1, 2, 4, 5, 7), net.pick(1, 3, 5, 8, 11))
    words, out = net.window(sizes, kernel, 6)
    dims = (*sizes, groups * channels)
    filters = (groups, outputs, *kernel, channels)
    if kind == Kind.BCONV2D:
        x, w = net.bits(*dims), net.weights(filters, Type.W_XNOR)
        words.append(net.pick(-1, 0, 1))
    elif kind == Kind.QCONV2D:
        x, w = net.any_numbers(*dims), net.weights8(filters)
        words.append(net.zero_point(x))
    else:
        x, w = net.floats(*dims), net.weights(filters, Type(net.pick(Type.W_F32, Type.W_SIGN)))
    net.computing(kind, [x, w], (*out, groups * outputs), words, steps or net.program(kind))


def dense(net: Net, kind: Kind, steps: list[Step] | None = None) -> None:
    dims = (net.pick(1, 1, 2), net.pick(1, 1, 3), net.pick(*CHANNELS))
    outputs = net.pick(*OUTPUTS)
    flat, words = (1, outputs, 1, 1, dims[0] * dims[1] * dims[2]), []
    if kind == Kind.BDENSE:
        x, w = net.bits(*dims), net.weights((1, outputs, *dims), Type.W_XNOR)
    elif kind == Kind.QDENSE:
        x, w = net.any_numbers(*dims), net.weights8(flat)
        words = [net.zero_point(x)]
    else:
        x, w = net.floats(*dims), net.weights(flat, Type(net.pick(Type.W_F32, Type.W_SIGN)))
    net.computing(kind, [x, w], (1, 1, outputs), words, steps or net.program(kind))


def pointwise(net: Net, kind: Kind, steps: list[Step] | None = None) -> None:
    dims = (net.pick(1, 2, 5), net.pick(1, 3, 6), net.pick(*CHANNELS))
    make = [net.floats, net.floats, net.bits, net.numbers8][net.pick(0, 1, 2, 3)]
    x = make(*dims)
    net.computing(kind, [x], dims, [], steps or net.program(kind))


def pool(net: Net, kind: Kind) -> None:
    sizes = (net.pick(4, 5, 7), net.pick(3, 6, 9))
    kernel = (net.pick(1, 2, 3), net.pick(1, 2, 3))
    words, out = net.window(sizes, kernel, 0)
    if kind == Kind.AVGPOOL2D:
        words[2:4] = 1, 1
    for axis in range(2):  # every window has a tap inside
        most = (kernel[axis] - 1) * words[2 + axis]
        words[4 + axis], words[6 + axis] = (net.pick(*range(most + 1)) for _ in range(2))
        while True:
            extent = most + 1
            room = sizes[axis] + words[4 + axis] + words[6 + axis] - extent
            last = room // words[axis] * words[axis] - words[4 + axis]
            if room >= 0 and last < sizes[axis]:
                break
            words[6 + axis] += 1 if room < 0 else -1
        out = (*out[:axis], room // words[axis] + 1, *out[axis + 1 :])
    channels = net.pick(*CHANNELS)
    form = Type.BITS if kind == Kind.BMAXPOOL2D else Type.F32
    net.signed_zeros = False  # either zero may be the larger one
    x = net.bits(*sizes, channels) if form == Type.BITS else net.floats(*sizes, channels)
    more = [net.builder.flips(net.rng.random(channels) < 0.3)] if form == Type.BITS else []
    count = [net.pick(0, 1)] if kind == Kind.AVGPOOL2D else []
    net.show(net.op(kind, [x, *more], [(form, (*out, channels))], [*kernel, *words, *count]))


def some_dims(net: Net) -> Dims:
    return tuple(net.pick(1, 2, 3, 5) for _ in range(net.pick(1, 2, 3, 4, 5, 6)))


def concat(net: Net, kind: Kind) -> None:
    dims = some_dims(net)
    axis = net.pick(*range(len(dims)))
    parts = [(*dims[:axis], net.pick(1, 2, 4), *dims[axis + 1 :]) for _ in range(net.pick(2, 3, 7))]
    total = sum(part[axis] for part in parts)
    inputs = [net.floats(*part) for part in parts]
    net.show(net.op(kind, inputs, [(Type.F32, (*dims[:axis], total, *dims[axis + 1 :]))], [axis]))


def softmax(net: Net, kind: Kind) -> None:
    dims = some_dims(net)
    net.show(net.op(kind, [net.floats(*dims)], [(Type.F32, dims)], [net.pick(*range(len(dims)))]))


def transpose(net: Net, kind: Kind) -> None:
    dims = some_dims(net)
    perm = [int(axis) for axis in net.rng.permutation(len(dims))]
    out = tuple(dims[axis] for axis in perm)
    words = [len(dims), *six(dims), *six(perm)]
    net.show(net.op(kind, [net.floats(*dims)], [(Type.F32, out)], words))


def reshape(net: Net, kind: Kind) -> None:
    dims = some_dims(net)
    net.show(net.op(kind, [net.floats(*dims)], [(Type.F32, (int(np.prod(dims)), 1))]))


def pad(net: Net, kind: Kind) -> None:
    dims = some_dims(net)
    before, after = ([net.pick(0, 0, 1, 3) for _ in dims] for _ in range(2))
    value = np.float32(net.pick(-1, 0, 1, 7)).view(np.int32)
    out = tuple(b + d + a for b, d, a in zip(before, dims, after, strict=True))
    words = [*six(before), *six(after), int(value)]
    net.show(net.op(kind, [net.floats(*dims)], [(Type.F32, out)], words))


def slice_(net: Net, kind: Kind) -> None:
    dims = some_dims(net)
    start = [net.pick(*range(d)) for d in dims]
    step = [net.pick(1, 1, 2, 3, 0, -1, -2) for _ in dims]
    most = [
        4 if by == 0 else (d - 1 - a) // by + 1 if by > 0 else a // -by + 1
        for d, a, by in zip(dims, start, step, strict=True)
    ]
    out = tuple(net.pick(*range(1, n + 1)) for n in most)
    net.show(net.op(kind, [net.floats(*dims)], [(Type.F32, out)], [*six(start), *six(step)]))


def gather2d(net: Net, kind: Kind) -> None:
    dims = (net.pick(1, 3, 5), net.pick(1, 2, 6), net.pick(*CHANNELS))
    form = Type(net.pick(Type.F32, Type.BITS))
    x = net.bits(*dims) if form == Type.BITS else net.floats(*dims)
    tables = [net.rng.integers(0, d, net.pick(1, 4, 9)) for d in dims[:2]]
    out = (len(tables[0]), len(tables[1]), dims[2])
    net.show(net.op(kind, [x, *map(net.builder.table, tables)], [(form, out)]))


def resize2d(net: Net, kind: Kind) -> None:
    dims = (net.pick(1, 3, 5), net.pick(1, 2, 6), net.pick(*CHANNELS))
    taps, inputs, out = net.pick(1, 2, 4, 8), [net.floats(*dims)], list(dims)
    for axis in range(2):
        out[axis] = net.pick(1, 4, 9)
        table = net.rng.integers(0, dims[axis], (out[axis], taps))
        inputs += [net.builder.table(table), net.half(out[axis], taps)]
    net.show(net.op(kind, inputs, [(Type.F32, tuple(out))]))


MAKERS: dict[Kind, Callable[[Net, Kind], None]] = {
    Kind.BCONV2D: conv,
    Kind.BDENSE: dense,
    Kind.CONV2D: conv,
    Kind.DENSE: dense,
    Kind.POINTWISE: pointwise,
    Kind.MAXPOOL2D: pool,
    Kind.AVGPOOL2D: pool,
    Kind.BMAXPOOL2D: pool,
    Kind.CONCAT: concat,
    Kind.SOFTMAX: softmax,
    Kind.TRANSPOSE: transpose,
    Kind.RESHAPE: reshape,
    Kind.PAD: pad,
    Kind.SLICE: slice_,
    Kind.GATHER2D: gather2d,
    Kind.RESIZE2D: resize2d,
    Kind.QCONV2D: conv,
    Kind.QDENSE: dense,
}
COMPUTERS: dict[Kind, Callable[[Net, Kind, list[Step]], None]] = {
    Kind.BCONV2D: conv,
    Kind.BDENSE: dense,
    Kind.CONV2D: conv,
    Kind.DENSE: dense,
    Kind.QCONV2D: conv,
    Kind.QDENSE: dense,
    Kind.POINTWISE: pointwise,
}


def random_model(kind: Kind, seed: int, real: bool = False) -> tuple[bytes, list[Array]]:
    """A model of one op kind, and inputs for it."""
    net = Net(np.random.default_rng([kind, seed]), real)
    MAKERS[kind](net, kind)
    return net.finish()


def model_with_steps(kind: Kind, steps: Sequence[Step], seed: int) -> tuple[bytes, list[Array]]:
    """A model of one op with these steps."""
    net = Net(np.random.default_rng([kind, seed]))
    COMPUTERS[kind](net, kind, valid(kind, steps))
    return net.finish()
