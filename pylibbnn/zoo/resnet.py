# SPDX-License-Identifier: BSD-3-Clause
"""Networks of ResNet-18's shape: four stages of 64, 128, 256 and 512 channels, each of which but the first halves the image."""

from __future__ import annotations

import onnx

from pylibbnn.zoo import Scale
from pylibbnn.zoo.net import Net

STAGES = (64, 128, 256, 512)
PIXELS, HALVINGS = 224, 32  # side of the image, and what it must be a multiple of


# -- Bi-Real Net (section 3.1, figure 3): a shortcut around every binary convolution --------------------------------------
def bireal18(scale: Scale) -> onnx.ModelProto:
    """The stem of ResNet: 7x7 with stride 2, max-pool."""
    net = Net("bireal18", scale.picture(PIXELS, HALVINGS), scale)
    x = net.norm(net.conv(net.image, scale.channels(STAGES[0]), 7, 2, 3))
    return _bireal(net, net.max_pool(x, 3, 2, 1))


def bireal18_stem(scale: Scale) -> onnx.ModelProto:
    """The stem of PeleeNet (Wang et al., 2018, figure 2), its last layer widened to what the first stage takes."""
    net = Net("bireal18-stem", scale.picture(PIXELS, HALVINGS), scale)

    def layer(x: str, published: int, kernel: int, stride: int = 1) -> str:
        return net.relu(
            net.norm(net.conv(x, scale.channels(published), kernel, stride, kernel // 2))
        )

    x = layer(net.image, 32, 3, 2)
    small = layer(layer(x, 16, 1), 32, 3, 2)
    x = net.op("Concat", small, net.max_pool(x, 2, 2), axis=1)
    return _bireal(net, layer(x, STAGES[0], 1))


def _bireal(net: Net, x: str) -> onnx.ModelProto:
    for number, published in enumerate(STAGES):
        for block in range(net.scale.blocks(4)):
            halve = number > 0 and block == 0
            x = _bireal_block(net, x, net.scale.channels(published), halve)
    return net.head(x)


def _bireal_block(net: Net, x: str, outputs: int, halve: bool) -> str:
    y = net.norm(net.conv(net.sign(x), outputs, 3, 2 if halve else 1, 1, alpha=True))
    if halve:
        x = net.norm(net.conv(net.average_pool(x), outputs, 1))
    return net.add(y, x)


# -- BMXNet: ResNet with pre-activation; zeros around the image go through the sign, dot products count equal signs -------
def bmxnet_resnet18(scale: Scale) -> onnx.ModelProto:
    """Shortcuts that change the size are binary too, without a BatchNorm of their own."""
    net = Net("bmxnet-resnet18", scale.picture(PIXELS, HALVINGS), scale)
    x = net.conv(net.norm(net.image, affine=False), scale.channels(STAGES[0]), 7, 2, 3)
    x = net.max_pool(net.relu(net.norm(x)), 3, 2, 1)
    mean, variance = 0.0, 1.0  # of x, about
    for number, published in enumerate(STAGES):
        outputs = scale.channels(published)
        for block in range(scale.blocks(2)):
            first = block == 0
            signs = net.sign(net.norm(x, variance**0.5, mean))
            taps = 9 * net.channels(x)
            y = _count(net, signs, outputs, 3, 2 if first and number else 1)
            y = _count(net, net.sign(net.norm(y, taps**0.5 / 2, taps / 2)), outputs, 3)
            if first:
                mean, variance = net.channels(x) / 2, net.channels(x) / 4
                x = _count(net, signs, outputs, 1, 2 if number else 1)
            x = net.add(y, x)
            mean, variance = mean + 9 * outputs / 2, variance + 9 * outputs / 4
    return net.head(net.relu(net.norm(x, variance**0.5, mean)))


def _count(net: Net, signs: str, outputs: int, kernel: int, stride: int = 1) -> str:
    """The number of equal signs, (K + dot) / 2, with a border of +1."""
    taps = kernel**2 * net.channels(signs)
    padded = net.pad(signs, kernel // 2, 1.0) if kernel > 1 else signs
    dot = net.conv(padded, outputs, kernel, stride, alpha=False)
    half = net.op("Mul", dot, net.constant("half", 0.5))
    return net.op("Add", half, net.constant("offset", taps / 2))
