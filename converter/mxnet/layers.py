# SPDX-License-Identifier: BSD-3-Clause
"""Convolutions and fully connected layers, float and binary, packed or not.

BMXNet's binary layers compute (K + dot) / 2, the number of equal signs among K; zero padding goes through the sign and
acts as +1. A layer with weight_bit = 1 and act_bit = 32 has binary weights on real inputs and gives the plain dot product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from converter.graph import Array
from converter.mxnet.context import Context, translates
from converter.mxnet.symbol import flag, integer, numbers
from converter.ops.registry import Shape


@dataclass(frozen=True)
class Bits:
    """What is binary in a layer, and how its weights are stored."""

    activation: bool = False
    weight: bool = False
    packed: bool = False

    @property
    def counts(self) -> bool:
        """Whether the result is a count of equal signs."""
        return self.activation and self.weight


@dataclass(frozen=True)
class Window:
    """Kernel and steps of a convolution or pooling, (height, width)."""

    kernel: Shape
    strides: Shape
    dilations: Shape
    pad: Shape

    @property
    def pads(self) -> Shape:
        """top, left, bottom, right."""
        return self.pad * 2


def window(ctx: Context) -> Window:
    """Read the attributes of a window; only images are supported."""
    if len(ctx.shape()) != 4:
        raise ctx.error(f"its input {list(ctx.shape())} is not an image [1, C, H, W]")
    ctx.node.refuse("layout", "None", "NCHW")

    def pair(name: str, default: Shape, low: int) -> Shape:
        values = ctx.node.attr(name, numbers, default)
        if len(values) != 2 or min(values) < low:
            raise ctx.error(f"attribute {name} {list(values)} must be two numbers from {low} on")
        return values

    return Window(
        pair("kernel", (), 1),
        pair("stride", (1, 1), 1),
        pair("dilate", (1, 1), 1),
        pair("pad", (0, 0), 0),
    )


def bits(ctx: Context) -> Bits:
    """Read the attributes of BMXNet v1's layers."""
    found = {}
    for name in ("act_bit", "weight_bit"):
        found[name] = ctx.node.attr(name, integer, 1)
        if found[name] not in (1, 32):
            raise ctx.error(
                f"{name} = {found[name]}: layers of 2 to 31 bits are simulated in floats by BMXNet and "
                "have no fast form; train it with 1 bit, or with 32 (float)"
            )
    packed = ctx.node.attr("binarized_weights_only", flag, False)
    result = Bits(found["act_bit"] == 1, found["weight_bit"] == 1, packed)
    if packed and not result.counts:
        raise ctx.error("binarized_weights_only needs act_bit = 1 and weight_bit = 1")
    return result


def unpack(ctx: Context, shape: Shape, columns: bool) -> Array:
    """Packed weights as -1 and +1 of a shape [O, ...]; `columns`: words are stored [words of a row][O].

    Words have 32 bits in arrays of 4-byte elements and 64 bits in those of 8; the shape of the array means nothing.
    """
    name, words = ctx.raw(1, "weight")
    width = 8 * words.dtype.itemsize
    rows, taps = shape[0], math.prod(shape[1:])
    if width not in (32, 64):
        raise ctx.error(
            f"its weight '{name}' has elements of {width} bits; packed words have 32 or 64"
        )
    if taps % width or words.size * width != rows * taps:
        raise ctx.error(
            f"its weight '{name}' holds {words.size} words of {width} bits, but {rows} outputs of "
            f"{taps} bits {list(shape[1:])} are {rows * taps / width:g} words"
        )
    if columns:
        words = words.reshape(taps // width, rows).T
    ones = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), bitorder="little")
    signs: Array = np.where(ones.reshape(shape), np.float32(1), np.float32(-1))
    return signs


def finish(ctx: Context, y: str, binary: Bits, taps: int, bias: bool) -> str:
    """What follows the dot products: the count of equal signs, the bias, the scaling, in this order."""
    if binary.counts:
        y = ctx.emit("Mul", y, ctx.constant(0.5, "half"))
        y = ctx.emit("Add", y, ctx.constant(taps / 2, "offset"))
    if bias:
        shape = (-1, *(1,) * (len(ctx.network.builder.shape(y)) - 2))
        y = ctx.emit("Add", y, ctx.constant(ctx.array(2, "bias").reshape(shape), "bias"))
    scaling = ctx.node.attr("scaling_mode", str, "none")
    if scaling == "forward" and binary.counts:
        if binary.packed:
            raise ctx.error(
                "scaling_mode = 'forward' scales by the mean of |weight|, which packed weights have lost"
            )
        mean = np.mean(np.abs(ctx.array(1, "weight")), dtype=np.float64)
        y = ctx.emit("Mul", y, ctx.constant(float(mean), "scale"))
    return y


def convolution(ctx: Context, binary: Bits, no_bias: bool) -> str:
    """The one translation of all convolutions."""
    geometry = window(ctx)
    filters, groups = ctx.node.attr("num_filter", integer), ctx.node.attr("num_group", integer, 1)
    bias = not ctx.node.attr("no_bias", flag, no_bias)
    channels = ctx.shape()[1]
    if groups < 1 or filters < 1 or channels % groups or filters % groups:
        raise ctx.error(f"{channels} channels and {filters} filters do not fit {groups} group(s)")
    shape = (filters, channels // groups, *geometry.kernel)
    if binary.packed:
        if groups > 1:
            raise ctx.error("packed weights in groups: BMXNet cannot run these either")
        weight = ctx.constant(unpack(ctx, shape, columns=False), "weight")
    else:
        weight = dense_weight(ctx, shape, binary.weight)
    x, pads = ctx.x(), geometry.pads
    if binary.activation:
        x = ctx.sign(x)
        if any(pads):  # zeros that go through the sign
            borders = ctx.integers((0, 0, *pads[:2], 0, 0, *pads[2:]), "pads")
            x, pads = ctx.emit("Pad", x, borders, ctx.constant(1.0, "border")), (0, 0, 0, 0)
    y = ctx.main(
        "Conv",
        x,
        weight,
        strides=geometry.strides,
        dilations=geometry.dilations,
        pads=pads,
        group=groups,
    )
    return finish(ctx, y, binary, math.prod(shape[1:]), bias)


def dense_weight(ctx: Context, shape: Shape, binary: bool) -> str:
    """A weight that is not packed, as its sign where `binary`."""
    weight = ctx.weight(1, "weight")
    found = ctx.network.builder.shape(weight)
    if found != shape:
        name = ctx.network.symbol.nodes[ctx.node.inputs[1][0]].name
        raise ctx.error(f"its weight '{name}' has shape {list(found)}, but needs {list(shape)}")
    return ctx.sign(weight) if binary else weight


def fully_connected(ctx: Context, binary: Bits, no_bias: bool) -> str:
    """The one translation of all fully connected layers."""
    x, shape = ctx.x(), ctx.shape()
    if len(shape) > 2:
        if not ctx.node.attr("flatten", flag, True):
            raise ctx.error(
                f"flatten = False with an input of shape {list(shape)} is not supported"
            )
        x, shape = ctx.emit("Flatten", x, axis=1), (shape[0], math.prod(shape[1:]))
    outputs = ctx.node.attr("num_hidden", integer)
    if outputs < 1:
        raise ctx.error(f"attribute num_hidden is {outputs}")
    wanted = (outputs, shape[-1])
    if binary.packed:
        weight = ctx.constant(unpack(ctx, wanted, columns=True), "weight")
    else:
        weight = dense_weight(ctx, wanted, binary.weight)
    y = ctx.main("Gemm", ctx.sign(x) if binary.activation else x, weight, transB=1)
    return finish(ctx, y, binary, wanted[1], not ctx.node.attr("no_bias", flag, no_bias))


@translates("Convolution", "Convolution_v1")
def float_convolution(ctx: Context) -> str:
    """A float convolution; BMXNet v2 makes binary ones of it by signs on input and weight."""
    return convolution(ctx, Bits(), no_bias=False)


@translates("QConvolution", "QConvolution_v1")
def q_convolution(ctx: Context) -> str:
    """BMXNet v1."""
    return convolution(ctx, bits(ctx), no_bias=True)


@translates("FullyConnected")
def float_fully_connected(ctx: Context) -> str:
    """A float layer."""
    return fully_connected(ctx, Bits(), no_bias=False)


@translates("QFullyConnected")
def q_fully_connected(ctx: Context) -> str:
    """BMXNet v1."""
    return fully_connected(ctx, bits(ctx), no_bias=True)


@translates("BinaryInferenceConvolution", "_contrib_BinaryInferenceConvolution")
def binary_inference_convolution(ctx: Context) -> str:
    """BMXNet v2, packed by its converter."""
    ctx.node.refuse("no_bias", True, kind=flag)
    return convolution(ctx, Bits(True, True, True), no_bias=True)


@translates("BinaryInferenceFullyConnected", "_contrib_BinaryInferenceFullyConnected")
def binary_inference_fully_connected(ctx: Context) -> str:
    """BMXNet v2, packed by its converter."""
    ctx.node.refuse("no_bias", True, kind=flag)
    return fully_connected(ctx, Bits(True, True, True), no_bias=True)
