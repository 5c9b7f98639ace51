# SPDX-License-Identifier: BSD-3-Clause
"""daBNN's layers as ONNX nodes, with the meaning that daBNN's run time gave them.

A binary convolution binarises its input (x > 0), pads with -1 and writes the number of unequal signs, (K - dot) / 2; the
Affine behind it brings that back to the scale of the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from converter.dabnn.buffer import Record
from converter.dabnn.network import Layer
from converter.graph import Array
from converter.ops.registry import Shape

Translation = Callable[[Layer], None]


@dataclass(frozen=True)
class LayerType:
    """A type of layers. `params`: the field of Layer with its parameters; `inputs`, `output`: fields of theirs with names.

    `listed`: which of "inputs" and "output" is a list of names.
    """

    name: str
    params: int
    inputs: tuple[int, ...]
    output: int
    listed: str
    translate: Translation

    def reads(self, params: Record) -> list[str]:
        """Names of its inputs."""
        if self.listed == "inputs":
            return params.texts(self.inputs[0])
        return [params.text(field) for field in self.inputs]

    def writes(self, params: Record) -> list[str]:
        """Names of its outputs."""
        return params.texts(self.output) if self.listed == "output" else [params.text(self.output)]


LAYERS: dict[int, LayerType] = {}


def layer_type(
    number: int,
    name: str,
    params: int,
    output: int,
    inputs: tuple[int, ...] = (0,),
    listed: str = "",
) -> Callable[[Translation], Translation]:
    """Declare the translation of a type of layers, by its number in the files."""

    def register(function: Translation) -> Translation:
        LAYERS[number] = LayerType(name, params, inputs, output, listed, function)
        return function

    return register


def sign(layer: Layer, x: str) -> str:
    """+1 where x > 0, else -1."""
    positive = layer.emit("Greater", x, layer.constant(0.0, "zero"))
    plus, minus = layer.constant(1.0, "plus"), layer.constant(-1.0, "minus")
    return layer.emit("Where", positive, plus, minus)


def image(layer: Layer, x: str) -> Shape:
    """The shape of an image."""
    shape = layer.shape(x)
    if len(shape) != 4:
        raise layer.error(f"its input {list(shape)} is not an image")
    return shape


def weight(layer: Layer, channels: int, kind: str) -> Array:
    """The weight of a convolution as [O, C, H, W]."""
    name, data = layer.array(1, "weight")
    if data.ndim != 4 or data.shape[3] != channels or (data.dtype == np.int8) != (kind == "bits"):
        raise layer.error(
            f"its weight '{name}' {list(data.shape)} must be {kind} [O, H, W, {channels}]"
        )
    return np.ascontiguousarray(data.transpose(0, 3, 1, 2), np.float32)


def no_dilation(layer: Layer) -> None:
    """The file can say dilations, but daBNN computes without them in sizes that take them into account."""
    if layer.pair(5, "dilations", 1) != (1, 1):
        raise layer.error("dilations other than 1: daBNN itself gives wrong results for them")


@layer_type(0, "FpConv2D", params=1, output=6)
def float_convolution(layer: Layer) -> None:
    """Zero padding, optional bias."""
    x = layer.x()
    w = weight(layer, image(layer, x)[1], "floats")
    no_dilation(layer)
    inputs = [x, layer.constant(w, "weight")]
    if layer.params.text(2):
        inputs.append(layer.constant(layer.channels(2, "bias", len(w)), "bias"))
    pads, strides = layer.pair(3, "pads", 0, (0, 0)), layer.pair(4, "strides", 1)
    layer.write(layer.output, layer.main("Conv", *inputs, pads=pads * 2, strides=strides))


@layer_type(8, "BinConv2D", params=2, output=6)
def binary_convolution(layer: Layer) -> None:
    """The bias of the file is not used: it is in the Affine behind."""
    blob = layer.blob(layer.params.text(0), bits=True)
    w = weight(layer, image(layer, blob.tensor)[1], "bits")
    no_dilation(layer)
    x = blob.tensor if blob.bits else sign(layer, blob.tensor)
    top, left = layer.pair(3, "pads", 0, (0, 0))
    if top or left:
        borders = layer.integers((0, 0, top, left) * 2, "pads")
        x = layer.emit("Pad", x, borders, layer.constant(-1.0, "border"))
    y = layer.main("Conv", x, layer.constant(w, "weight"), strides=layer.pair(4, "strides", 1))
    y = layer.emit("Mul", y, layer.constant(-0.5, "half"))
    y = layer.emit("Add", y, layer.constant(math.prod(w.shape[1:]) / 2, "taps"))
    layer.write(layer.output, y)


def pool(layer: Layer, op: str, whole: str, **attrs: int) -> None:
    """Windows without their padding, or the whole image, which daBNN's converter wrote as a kernel of -1."""
    x = layer.x()
    image(layer, x)
    if layer.params.array(1, "Int32").tolist() == [-1, -1]:
        layer.write(layer.output, layer.main(whole, x))
        return
    kernel, strides = layer.pair(1, "kernel_shape", 1, (0, 0)), layer.pair(3, "strides", 1)
    pads = layer.pair(2, "pads", 0, (0, 0)) * 2
    y = layer.main(op, x, kernel_shape=kernel, strides=strides, pads=pads, **attrs)
    layer.write(layer.output, y)


@layer_type(1, "AvePool", params=3, output=4)
def average_pool(layer: Layer) -> None:
    """The padding does not count."""
    pool(layer, "AveragePool", "GlobalAveragePool", count_include_pad=0)


@layer_type(2, "MaxPool", params=4, output=4)
def max_pool(layer: Layer) -> None:
    """The padding is never the maximum."""
    pool(layer, "MaxPool", "GlobalMaxPool")


@layer_type(3, "Relu", params=5, output=1)
def relu(layer: Layer) -> None:
    """In place."""
    layer.overwrite(layer.params.text(0), layer.main("Relu", layer.x()))


@layer_type(13, "PRelu", params=15, output=2)
def prelu(layer: Layer) -> None:
    """In place; one slope for each channel, or one for all."""
    x = layer.x()
    count = image(layer, x)[1]
    _, data = layer.array(1, "slope")
    slope = (
        np.full(count, data.reshape(-1)) if data.size == 1 else layer.channels(1, "slope", count)
    )
    y = layer.main("PRelu", x, layer.constant(slope.reshape(-1, 1, 1), "slope"))
    layer.overwrite(layer.params.text(0), y)


@layer_type(9, "Affine", params=10, output=3)
def affine(layer: Layer) -> None:
    """In place: a * x + b for each channel."""
    x = layer.x()
    shape = layer.shape(x)
    parts = [
        layer.constant(
            layer.channels(i, name, shape[1]).reshape(-1, *(1,) * (len(shape) - 2)), name
        )
        for i, name in ((1, "a"), (2, "b"))
    ]
    y = layer.main("Add", layer.emit("Mul", x, parts[0]), parts[1])
    layer.overwrite(layer.params.text(0), y)


@layer_type(6, "Add", params=8, output=2, inputs=(0, 1))
def add(layer: Layer) -> None:
    """In place of its first input."""
    x, y = layer.x(0), layer.x(1)
    if layer.shape(x) != layer.shape(y):
        raise layer.error(f"it adds {list(layer.shape(x))} and {list(layer.shape(y))}")
    layer.overwrite(layer.params.text(0), layer.main("Add", x, y))


@layer_type(7, "Concat", params=9, output=2, listed="inputs")
def concat(layer: Layer) -> None:
    """Two inputs of equal shapes, by channels."""
    names = layer.params.texts(0)
    inputs = [layer.blob(name).tensor for name in names]
    if len({layer.shape(x) for x in inputs}) != 1 or len(inputs) != 2:
        raise layer.error("daBNN concatenates two inputs of equal shapes only")
    image(layer, inputs[0])
    if layer.params.number(1, "Int32") != 3:
        raise layer.error(f"axis {layer.params.number(1, 'Int32')}; daBNN knows 3, the channels")
    layer.write(layer.output, layer.main("Concat", *inputs, axis=1))


@layer_type(10, "Binarize", params=11, output=1)
def binarize(layer: Layer) -> None:
    """Version 1 has the sign in front of a binary convolution as a layer."""
    layer.write(layer.output, sign(layer, layer.x()), bits=True)


def packed(layer: Layer) -> str:
    """An input of bits, which Split and Shuffle work on."""
    name = layer.params.text(0)
    if not layer.blob(name, bits=True).bits:
        raise layer.error(f"'{name}' holds floats; daBNN handles packed bits only here")
    return name


@layer_type(11, "Split", params=12, output=1, listed="output")
def split(layer: Layer) -> None:
    """Halves of the words of each pixel."""
    names = layer.params.texts(1)
    x = layer.network.blobs[packed(layer)].tensor
    channels = image(layer, x)[1]
    if len(names) != 2 or channels % 256:
        raise layer.error(
            f"{channels} channels into {len(names)} parts: only two parts of whole groups of 128 channels "
            "are the same on every machine"
        )
    half = channels // 2
    for name, start in zip(names, (0, half), strict=True):
        ends = [layer.integers([i], "part") for i in (start, start + half, 1)]
        layer.write(name, layer.emit("Slice", x, *ends), bits=True)


@layer_type(12, "Shuffle", params=13, output=1)
def shuffle(layer: Layer) -> None:
    """In place: of four groups of 128 channels, the middle two change places."""
    source = packed(layer)
    x = layer.network.blobs[source].tensor
    _, channels, height, width = image(layer, x)
    if channels != 512:
        raise layer.error(
            f"{channels} channels: only with 512 it moves whole groups of 128 channels, which is the same "
            "on every machine"
        )
    parts = layer.emit("Reshape", x, layer.integers((2, 2, 128, height * width), "groups"))
    parts = layer.emit("Transpose", parts, perm=(1, 0, 2, 3))
    back = layer.integers((1, channels, height, width), "image")
    layer.overwrite(source, layer.main("Reshape", parts, back))


def flat(layer: Layer, x: str) -> str:
    """[1, C] of an image of one pixel, where the order of axes means nothing."""
    shape = layer.shape(x)
    if len(shape) == 4 and shape[2:] != (1, 1):
        raise layer.error(
            f"its input has {shape[2]} x {shape[3]} pixels; daBNN cannot run this layer and so does not "
            "say their order: convert the original ONNX model instead"
        )
    return layer.emit("Flatten", x, axis=1) if len(shape) == 4 else x


@layer_type(5, "FC", params=7, output=3)
def fully_connected(layer: Layer) -> None:
    """Float weights [O, C], optional bias."""
    x = flat(layer, layer.x())
    name, data = layer.array(1, "weight")
    count = layer.shape(x)[1]
    if data.ndim != 2 or data.shape[1] != count or data.dtype != np.float32:
        raise layer.error(f"its weight '{name}' {list(data.shape)} must be floats [O, {count}]")
    inputs = [x, layer.constant(data, "weight")]
    if layer.params.text(2):
        inputs.append(layer.constant(layer.channels(2, "bias", len(data)), "bias"))
    layer.write(layer.output, layer.main("Gemm", *inputs, transB=1))


@layer_type(4, "Softmax", params=6, output=1)
def softmax(layer: Layer) -> None:
    """Over the channels of one pixel."""
    layer.write(layer.output, layer.main("Softmax", flat(layer, layer.x()), axis=1))
