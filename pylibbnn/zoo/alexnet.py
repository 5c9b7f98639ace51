# SPDX-License-Identifier: BSD-3-Clause
"""AlexNet, binary in the two ways of Rastegari et al. (ECCV 2016, sections 3.1 and 3.2): first and last layer stay real."""

from __future__ import annotations

from collections.abc import Callable

import onnx

from pylibbnn.zoo import Scale
from pylibbnn.zoo.net import CLASSES, Net

PIXELS = 227
#: Channels, kernel and whether a max-pool follows, of the binary convolutions.
CONVOLUTIONS = ((256, 5, True), (384, 3, False), (384, 3, False), (256, 3, True))
DENSE = 4096

Layer = Callable[[str, int, int], str]  # input, outputs, kernel (0: a dense layer)


def xnor_alexnet(scale: Scale) -> onnx.ModelProto:
    """BatchNorm, sign, convolution, ReLU."""
    net = Net("xnor-alexnet", scale.picture(PIXELS), scale)

    def layer(x: str, outputs: int, kernel: int) -> str:
        return net.relu(_binary(net, net.sign(net.norm(x)), outputs, kernel))

    scores = net.dense(net.norm(_features(net, layer)), CLASSES)
    return net.done(scores)


def bwn_alexnet(scale: Scale) -> onnx.ModelProto:
    """Convolution with binary weights on real inputs, BatchNorm, ReLU."""
    net = Net("bwn-alexnet", scale.picture(PIXELS), scale)

    def layer(x: str, outputs: int, kernel: int) -> str:
        return net.relu(net.norm(_binary(net, x, outputs, kernel)))

    return net.done(net.dense(_features(net, layer), CLASSES))


def _binary(net: Net, x: str, outputs: int, kernel: int) -> str:
    """A convolution or dense layer with weights of +-alpha."""
    if kernel:
        return net.conv(x, outputs, kernel, pad=kernel // 2, alpha=True, bias=True)
    return net.dense(x, outputs, alpha=True)


def _features(net: Net, layer: Layer) -> str:
    """Everything but the classifier."""
    x = net.norm(net.conv(net.image, net.scale.channels(96), 11, 4, bias=True))
    x = net.max_pool(net.relu(x), 3, 2)
    for published, kernel, pool in CONVOLUTIONS:
        x = layer(x, net.scale.channels(published), kernel)
        x = net.max_pool(x, 3, 2) if pool else x
    x = net.flat(x)
    for _ in range(2):
        x = layer(x, net.scale.channels(DENSE), 0)
    return x
