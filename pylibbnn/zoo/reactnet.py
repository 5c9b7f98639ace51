# SPDX-License-Identifier: BSD-3-Clause
"""ReActNet-A (Liu et al., ECCV 2020, section 4): blocks in MobileNet's order, learnt shifts before signs and around PReLU."""

from __future__ import annotations

import onnx

from pylibbnn.zoo import Scale
from pylibbnn.zoo.net import Net

PIXELS, HALVINGS = 224, 32  # side of the image, and what it must be a multiple of
#: Channels of the stem and of the 13 blocks.
WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def reactnet_a(scale: Scale) -> onnx.ModelProto:
    """A 3x3 and a 1x1 binary convolution per block, each with a shortcut."""
    net = Net("reactnet-a", scale.picture(PIXELS, HALVINGS), scale)
    unit = WIDTHS[0]
    widths = [scale.channels(unit) * (published // unit) for published in WIDTHS]
    x = net.norm(net.conv(net.image, widths[0], 3, 2, 1))
    for number, outputs in enumerate(widths[1:]):
        halve = number > 0 and outputs != net.channels(x)
        x = _block(net, x, outputs, halve)
    return net.head(x)


def _block(net: Net, x: str, outputs: int, halve: bool) -> str:
    """Twice as many channels come from two 1x1 convolutions side by side on the same input."""
    inputs = net.channels(x)
    shortcut = net.average_pool(x) if halve else x
    x = _rprelu(net, net.add(_conv(net, x, 3, 2 if halve else 1), shortcut))
    parts = [net.add(_conv(net, x, 1), x) for _ in range(outputs // inputs)]
    return _rprelu(net, parts[0] if len(parts) == 1 else net.op("Concat", *parts, axis=1))


def _conv(net: Net, x: str, kernel: int, stride: int = 1) -> str:
    """Shift, sign, binary convolution of as many outputs as inputs, BatchNorm."""
    signs = net.sign(net.bias(x))
    return net.norm(net.conv(signs, net.channels(x), kernel, stride, kernel // 2, alpha=True))


def _rprelu(net: Net, x: str) -> str:
    """PReLU between two shifts (section 4.2)."""
    return net.bias(net.prelu(net.bias(x)))
