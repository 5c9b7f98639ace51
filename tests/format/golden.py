# SPDX-License-Identifier: BSD-3-Clause
"""Write the golden files: `python tests/format/golden.py`. They change only with the version of the format.

minimal.dab has one op; all_ops.dab has most op kinds, steps and all types, with odd sizes; the others have the rest.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from converter import dab  # noqa: E402
from converter.dab_model import Kind, Model, Step, Type  # noqa: E402
from converter.lowering.builder import Builder, six  # noqa: E402

Dims = tuple[int, ...]


class Maker:
    """Few words for a model whose parameters count up, so that no random generator is in the files."""

    def __init__(self) -> None:
        self.b = Builder({"producer": "tests", "source": "golden.py", "mode": "strict"})
        self._count = 0

    def numbers(self, *dims: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Small numbers of both signs, halves."""
        size = int(np.prod(dims))
        self._count += 1
        ramp = (np.arange(size) * 7 + 3 * self._count) % 23 - 11
        return (ramp.reshape(dims) / 2).astype(np.float32)

    def input(self, *dims: int) -> int:
        index = self.b.activation(Type.F32, dims, f"input{len(self.b.inputs)}")
        self.b.inputs.append(index)
        return index

    def c(self, count: int) -> int:
        return self.b.floats(self.numbers(count) + 0.25, "golden")

    def quantiser(self, count: int) -> tuple[int, int]:
        threshold = self.numbers(count)
        threshold[0] = np.inf
        return self.b.quantiser(threshold, np.arange(count) % 3 == 0, "golden")

    def weights(self, dims: Dims, form: Type) -> int:
        numbers = self.numbers(*dims)
        if form == Type.W_F32:
            return self.b.weights(numbers, False)
        return self.b.weights(np.where(numbers < 0, -1, 1).astype(np.int8), form == Type.W_XNOR)

    def op(
        self, kind: Kind, inputs: list[int], form: Type, dims: Dims, words: list[int], *steps: Step
    ) -> int:
        name = f"{kind.name.lower()}{len(self.b.ops)}"
        out = self.b.activation(form, dims, name)
        self.b.op(kind, inputs, [out], words, steps, name)
        return out


def minimal() -> Model:
    """Input [2, 3], ReLU, output [2, 3]."""
    m = Maker()
    x = m.input(2, 3)
    limits = m.b.floats(np.array([0, np.inf]), "golden", infinite=True)
    steps = (Step.CLIP, Step.EMIT_F32)
    m.b.outputs.append(m.op(Kind.POINTWISE, [x, limits], Type.F32, (2, 3), [], *steps))
    return m.b.finish()


def all_ops() -> Model:
    """Op kinds, steps and types."""
    m = Maker()
    b = m.b
    x, other = m.input(1, 3, 5, 4), m.input(5, 4, 3)
    b.tensors[x].name = "Bild \u00e4"
    words = [2, *six([3, 20]), *six([1, 0])]
    image = m.op(Kind.TRANSPOSE, [x], Type.F32, (5, 4, 3), words)
    padded = m.op(
        Kind.PAD, [image], Type.F32, (6, 5, 3), [*six([1, 0, 0]), *six([0, 1, 0]), 0x3F800000]
    )
    part = m.op(Kind.SLICE, [padded], Type.F32, (5, 4, 3), [*six([0, 1, 0]), *six([1, 1, 1])])
    both = m.op(Kind.CONCAT, [part, other], Type.F32, (5, 4, 6), [2])

    slope = [m.c(70), m.c(70), m.c(70)]
    limits = b.floats(np.array([-20.0, 30.0]), "golden")
    stem = b.activation(Type.F32, (5, 4, 70), "stem")
    signs = b.activation(Type.BITS, (5, 4, 70), "signs")
    weights = m.weights((1, 70, 1, 1, 6), Type.W_F32)
    steps = [Step.AFFINE, Step.PRELU, Step.CLIP, Step.EMIT_F32, Step.EMIT_SIGN]
    plain = [1, 1, 1, 1, 0, 0, 0, 0]
    b.op(Kind.CONV2D, [both, weights, *slope, limits], [stem, signs], plain, steps, "stem")

    weights = m.weights((1, 9, 3, 3, 70), Type.W_XNOR)
    integers = b.integers(np.arange(9) * 5 - 20)
    inner = m.op(
        Kind.BCONV2D,
        [signs, weights, integers],
        Type.BITS,
        (5, 4, 9),
        [1, 1, 1, 1, 1, 1, 1, 1, 0],
        Step.EMIT_INT,
    )
    flips = b.flips(np.arange(9) % 2)
    pool = [2, 2, 2, 2, 1, 1, 0, 0, 1, 0]
    pooled = m.op(Kind.BMAXPOOL2D, [inner, flips], Type.BITS, (3, 2, 9), pool)
    weights = m.weights((1, 5, 3, 2, 9), Type.W_XNOR)
    scores = m.op(Kind.BDENSE, [pooled, weights], Type.F32, (1, 5), [], Step.EMIT_F32)

    largest = m.op(Kind.MAXPOOL2D, [stem], Type.F32, (2, 2, 70), [3, 2, 2, 2, 1, 1, 0, 0, 0, 0])
    mean = m.op(Kind.AVGPOOL2D, [largest], Type.F32, (1, 1, 70), [2, 2, 1, 1, 1, 1, 0, 0, 0, 0, 1])
    flat = m.op(Kind.RESHAPE, [mean], Type.F32, (70,), [])
    weights = m.weights((1, 5, 1, 1, 70), Type.W_SIGN)
    operands = [flat, weights, scores, *m.quantiser(5)]
    bits = m.op(Kind.DENSE, operands, Type.BITS, (1, 1, 5), [], Step.ADD, Step.EMIT_BITS)
    threshold = m.quantiser(5)
    signed = m.op(
        Kind.POINTWISE, [bits, *threshold], Type.F32, (1, 5), [], Step.SIGN, Step.EMIT_F32
    )
    b.outputs += [m.op(Kind.SOFTMAX, [signed], Type.F32, (1, 5), [1]), scores, largest]
    return b.finish()


def resized() -> Model:
    """Functions, steps of two tensors with every way in which the second is repeated, and tables of pixels."""
    m = Maker()
    b = m.b
    x, whole, pixels = m.input(3, 2, 5), m.input(30), m.input(6, 1)
    scale = b.floats(m.numbers(5) + 0.25, "golden")
    one = b.floats(np.array([[1.5]]), "golden")
    functions = [b.integers(np.array([code])) for code in (9, 6)]
    operands = [functions[0], whole, scale, pixels, one, functions[1], scale]
    steps = (Step.FUNCTION, Step.MUL, Step.DIV, Step.SUB, Step.MAX, Step.FUNCTION, Step.MIN)
    dims = (3, 2, 5)
    y = m.op(Kind.POINTWISE, [x, *operands], Type.F32, dims, [], *steps, Step.EMIT_F32)
    words = [*six([2, 0, 0]), *six([-1, 0, 1])]
    z = m.op(Kind.SLICE, [y], Type.F32, (3, 4, 5), words)
    rows, columns = b.table(np.array([2, 0])), b.table(np.array([0, 3, 3]))
    part = m.op(Kind.GATHER2D, [z, rows, columns], Type.F32, (2, 3, 5), [])
    tables = [b.table(np.array(taps)) for taps in ([[0, 1], [1, 1], [1, 0]], [[2, 0]])]
    weights = [b.floats(m.numbers(n, 2) + 0.25, "golden") for n in (3, 1)]
    operands = [part, tables[0], weights[0], tables[1], weights[1]]
    b.outputs += [m.op(Kind.RESIZE2D, operands, Type.F32, (3, 1, 5), []), y]
    return b.finish()


def int8() -> Model:
    """8-bit numbers: a convolution in two groups, a dense layer with binary weights."""
    m = Maker()
    b = m.b
    x = m.input(3, 4, 6)
    scales = [
        (b.floats(np.array([size]), "golden"), b.integers(np.array([zero])))
        for size, zero in ((0.05, -128), (2.5, 7))
    ]
    y = m.op(Kind.POINTWISE, [x, *scales[0]], Type.I8, (3, 4, 6), [], Step.EMIT_I8)
    weights = b.weights8(np.round(m.numbers(2, 9, 3, 3, 3) * 23))
    words = [1, 1, 1, 1, 1, 1, 1, 1, -128]
    z = m.op(Kind.QCONV2D, [y, weights, *scales[1]], Type.I8, (3, 4, 18), words, Step.EMIT_I8)
    signs = m.weights((1, 5, 1, 1, 216), Type.W_SIGN)
    steps = (Step.AFFINE, Step.EMIT_F32)
    scores = m.op(Kind.QDENSE, [z, signs, m.c(5), m.c(5)], Type.F32, (1, 5), [7], *steps)
    floats = m.op(Kind.POINTWISE, [z], Type.F32, (3, 4, 18), [], Step.EMIT_F32)
    b.outputs += [scores, floats]
    return b.finish()


def own_range() -> Model:
    """8-bit layers whose floats become numbers in each run."""
    m = Maker()
    b = m.b
    x = m.input(3, 4, 6)
    weights = b.weights8(np.round(m.numbers(2, 9, 3, 3, 3) * 23))
    words = [1, 1, 1, 1, 1, 1, 1, 1, 0]
    steps = (Step.AFFINE, Step.EMIT_F32)
    y = m.op(Kind.QCONV2D, [x, weights, m.c(18), m.c(18)], Type.F32, (3, 4, 18), words, *steps)
    signs = m.weights((1, 5, 1, 1, 216), Type.W_SIGN)
    b.outputs += [m.op(Kind.QDENSE, [y, signs], Type.F32, (1, 5), [0], Step.EMIT_F32), y]
    return b.finish()


FILES = {
    "minimal": minimal,
    "all_ops": all_ops,
    "resized": resized,
    "int8": int8,
    "own_range": own_range,
}


def main() -> None:
    """Write all files."""
    for name, make in FILES.items():
        (HERE / f"{name}.dab").write_bytes(dab.write(make()))


if __name__ == "__main__":
    main()
