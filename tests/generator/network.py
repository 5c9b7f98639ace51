# SPDX-License-Identifier: BSD-3-Clause
"""Whole random networks: blocks of sign, convolution and what stands around them, joined by branches."""

from __future__ import annotations

import onnx
from hypothesis import strategies as st

from generator.around import FLOATS, SIGNS, Step, joined
from generator.exact import Draw, Graph, Tensor
from generator.layers import convolution, dense, turned
from generator.rarer import conv_transpose, equal_bits
from generator.signs import any_sign


def some(g: Graph, x: Tensor, steps: tuple[Step, ...], most: int) -> Tensor:
    """A few steps, one after the other."""
    for _ in range(g.integer(0, most)):
        x = g.pick(*steps)(g, x)
    return x


def layer(g: Graph, x: Tensor) -> Tensor:
    """A convolution of an image, else a dense layer."""
    if not x.image:
        return dense(g, x)
    return g.pick(*[convolution] * 10, conv_transpose, equal_bits)(g, x)


def block(g: Graph, x: Tensor, earlier: list[Tensor]) -> Tensor:
    """Something in front, mostly a sign, a layer (perhaps two of the same signs), something behind, branches."""
    x = some(g, x, FLOATS, 1)
    if g.chance(80):
        x = some(g, any_sign(g, x), SIGNS, 2)
    if g.chance(30):
        x = joined(g, x, earlier)
    earlier.append(x)
    y = layer(g, x)
    if g.chance(15):
        y = joined(g, layer(g, x), [y])
    y = some(g, y, FLOATS, 3)
    if g.chance(40):
        y = joined(g, y, earlier)
    earlier.append(y)
    return some(g, y, FLOATS, 1)


def build(draw: Draw, real: bool) -> onnx.ModelProto:
    """A network of up to four blocks, with a head or without."""
    g = Graph(draw, real)
    last, channels = g.chance(25), g.pick(3, 1, 2, 4, 8, 17, 64, 65, 130)
    size = (1, 1) if g.chance(8) else (g.integer(1, 8), g.integer(1, 8))
    if channels > 60:
        size = (min(size[0], 4), min(size[1], 4))
    shape: tuple[int, ...] = (1, *size, channels) if last else (1, channels, *size)
    if g.chance(10):
        shape, last = (1, channels), False
    x = g.input(shape, last)
    earlier = [x]
    if g.chance(10):
        earlier.append(g.input(shape, last))
    for _ in range(g.integer(1, 4)):
        x = block(g, x, earlier)
        if last:
            x = turned(g, x, last=g.chance(70))
    if g.chance(40):
        x = some(g, dense(g, any_sign(g, x) if g.chance(50) else x), FLOATS, 2)
    if g.chance(25):
        x = any_sign(g, x)
    outputs = [x, *(t for t in earlier if g.chance(12))]
    taken = {t.name for t in g.inputs}
    for tensor in outputs:
        if tensor.name not in taken:
            taken.add(tensor.name)
            g.outputs.append(tensor)
    read = {name for node in g.nodes for name in node.input}
    g.inputs = [t for t in g.inputs if t.name in read] or g.inputs[:1]
    return g.model()


@st.composite
def networks(draw: Draw, real: bool = False) -> onnx.ModelProto:
    """Models for onnxruntime and the converter; `exact.py` says what `real` means."""
    return build(draw, real)
