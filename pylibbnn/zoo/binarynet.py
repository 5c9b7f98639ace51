# SPDX-License-Identifier: BSD-3-Clause
"""BinaryNet for CIFAR-10 (Courbariaux et al., 2016, section 2.3): every weight is +-1, the picture alone is real."""

from __future__ import annotations

import onnx

from pylibbnn.zoo import Scale
from pylibbnn.zoo.net import Net

PIXELS = 32
CONVOLUTIONS = (128, 128, 256, 256, 512, 512)  # every second one is followed by a max-pool
DENSE = (1024, 1024)
CLASSES = 10


def binarynet_cifar10(scale: Scale) -> onnx.ModelProto:
    """Convolution, max-pool, BatchNorm, sign."""
    net = Net("binarynet-cifar10", scale.picture(PIXELS), scale)
    x = net.image
    for number, published in enumerate(CONVOLUTIONS):
        spread = (9 * net.channels(x)) ** 0.5
        x = net.conv(x, scale.channels(published), 3, pad=1, alpha=False, bias=True)
        x = net.max_pool(x, 2, 2) if number % 2 else x
        x = net.sign(net.norm(x, spread))
    x = net.flat(x)
    for published in DENSE:
        spread = net.channels(x) ** 0.5
        x = net.sign(net.norm(net.dense(x, scale.channels(published), alpha=False), spread))
    spread = net.channels(x) ** 0.5
    return net.done(net.norm(net.dense(x, CLASSES, alpha=False), spread, affine=False))
