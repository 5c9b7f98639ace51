# SPDX-License-Identifier: BSD-3-Clause
"""Layers that few networks have: transposed convolutions, and dot products of 0 and 1 that count equal bits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from onnx import TensorProto

from generator import weights
from generator.exact import Graph, Tensor
from generator.layers import bias, turned
from generator.signs import any_sign, levelled, scalar

MOST = 200  # pixels of a result


def conv_transpose(g: Graph, x: Tensor) -> Tensor:
    """ConvTranspose; its weight is [C, O, KH, KW], with one alpha for each O where it is binary."""
    outputs = g.pick(3, 1, 2, 8)
    kernel, strides = ([g.pick(*choices) for _ in (0, 1)] for choices in ((2, 3, 1), (2, 1, 3)))
    pads = [min(g.pick(0, 1), k // 2) for k in kernel] * 2
    extra = [g.integer(0, s - 1) for s in strides]
    size = [
        (x.size[i] - 1) * strides[i] + kernel[i] - pads[i] - pads[i + 2] + extra[i] for i in (0, 1)
    ]
    taps = x.channels * math.prod(kernel)
    if not g.fits(4 * taps * x.bound, x.grain / 4):
        x = any_sign(g, x)
    if min(size) < 1 or math.prod(size) > MOST or not g.fits(4 * taps * x.bound, x.grain / 4):
        return x
    make = weights.binary if g.chance(70) else weights.other
    weight, largest, grain = make(g, (outputs, x.channels, *kernel))
    names = [g.emit("Transpose", [weight], perm=[1, 0, 2, 3])]
    bound, grain = taps * largest * x.bound, g.finer(x.grain, grain)
    if g.chance(30):
        names.append(g.constant(bias(g, grain, outputs)))
        bound += 3 * (grain or 0.25)
    attrs = {"strides": strides, "pads": pads, "output_padding": extra}
    x = turned(g, x, False)
    shape = (1, outputs, *size)
    return g.apply("ConvTranspose", x, *names, attrs=attrs, shape=shape, bound=bound, grain=grain)


def equal_bits(g: Graph, x: Tensor) -> Tensor:
    """x w + (1 - x) (1 - w), all of 0 and 1: XNOR and a count. Perhaps as the dot product of -1 and +1 that it stands for."""
    if x.levels != (0, 1):
        above = g.emit("Greater", [x.name, scalar(g, 0)])
        x = levelled(x, g.emit("Cast", [above], to=TensorProto.FLOAT), 0, 1)
    x = turned(g, x, False)
    outputs, taps = g.pick(2, 1, 8), x.channels
    bits = np.where(g.rng.random((outputs, taps, 1, 1)) < 0.5, 0, 1).astype(np.float32)
    no = g.emit("Sub", [scalar(g, 1), x.name])
    pairs = ((x.name, bits), (no, 1 - bits))
    both = [g.emit("Conv", [name, g.constant(data)]) for name, data in pairs]
    if np.ptp(bits):  # else they are all 0, or all 1
        g.binary += both
    shape = (1, outputs, *x.size)
    y = replace(
        x, name=g.emit("Add", both), shape=shape, bound=float(taps), levels=None, nonzero=False
    )
    if g.chance(50) or not g.fits(3.0 * taps, y.grain):
        return y
    twice = g.emit("Mul", [y.name, scalar(g, 2)])
    return replace(y, name=g.emit("Sub", [twice, scalar(g, taps)]), bound=3.0 * taps)
