# SPDX-License-Identifier: BSD-3-Clause
"""QuickNet (Bannink et al., MLSys 2021, section 4): residual blocks conv-ReLU-BatchNorm with a border of +1, blurred pools."""

from __future__ import annotations

import numpy as np
import onnx

from pylibbnn.zoo import Scale
from pylibbnn.zoo.net import Net

PIXELS = 224
STAGES = (64, 128, 256, 512)


def quicknet(scale: Scale) -> onnx.ModelProto:
    """A depthwise stem that divides the image by 4, and four stages of four blocks."""
    net = Net("quicknet", scale.picture(PIXELS), scale)
    x = net.relu(net.norm(net.conv(net.image, scale.channels(8), 3, 2, 1)))
    x = net.norm(net.conv(x, net.channels(x), 3, 2, 1, groups=net.channels(x)))
    for number, published in enumerate(STAGES):
        x = _transition(net, x) if number else x
        x = net.norm(net.conv(x, scale.channels(published), 1))
        for _ in range(scale.blocks(4)):
            x = _block(net, x)
    return net.head(net.relu(x))


def _block(net: Net, x: str) -> str:
    channels = net.channels(x)
    y = net.conv(net.pad(net.sign(x), 1, 1.0), channels, 3, alpha=False)
    return net.add(net.norm(net.relu(y), (9 * channels) ** 0.5), x)


def _transition(net: Net, x: str) -> str:
    """ReLU, max-pool of stride 1, then a blur of stride 2 with the outer product of 1/4, 1/2, 1/4."""
    x = net.max_pool(net.relu(x), 2, 1)
    line = np.array([0.25, 0.5, 0.25])
    blur = np.broadcast_to(np.outer(line, line), (net.channels(x), 1, 3, 3))
    return net.op(
        "Conv",
        x,
        net.constant("blur", blur),
        strides=[2, 2],
        pads=[1] * 4,
        group=net.channels(x),
        kernel_shape=[3, 3],
    )
