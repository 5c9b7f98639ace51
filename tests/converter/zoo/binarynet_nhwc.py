# SPDX-License-Identifier: BSD-3-Clause
"""BinaryNet for CIFAR-10 as larq builds it and tf2onnx writes it: conv, max-pool, BatchNorm without gamma, sign."""

from __future__ import annotations

import numpy as np
import onnx

from .nhwc import Net

SEED, SIZE, CLASSES = 13, 16, 10
WIDTHS = (8, 12, 12, 16)


def conv(net: Net, x: str, inputs: int, outputs: int, pool: bool) -> str:
    """BatchNormalization is folded into the weight and a bias, unless a max-pool stands between them."""
    same = {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}
    weight = net.signs(outputs, inputs, 3, 3)
    factor, shift = net.norm(outputs, 3 * np.sqrt(inputs))
    if not pool:
        folded = net.const(weight * factor[:, None, None, None])
        return net.channels_first("Conv", x, folded, net.const(shift), **same)
    y = net.channels_first("Conv", x, net.const(weight), **same)
    y = net.channels_first("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    parameters = (np.ones(outputs), shift, np.zeros(outputs), np.full(outputs, 9.0 * inputs))
    return net.channels_first(
        "BatchNormalization", y, *(net.const(data) for data in parameters), epsilon=1e-3
    )


def dense(net: Net, x: str, inputs: int, outputs: int) -> str:
    """MatMul [K, N], BatchNormalization as Mul and Add."""
    factor, shift = net.norm(outputs, np.sqrt(inputs))
    y = net.add("MatMul", x, net.const(net.signs(inputs, outputs)))
    return net.add("Add", net.add("Mul", y, net.const(factor)), net.const(shift))


def build() -> onnx.ModelProto:
    """Four convolutions of which the first sees pixels, Flatten in NHWC order, three dense layers."""
    net = Net("binarynet", SEED)
    x, inputs = "input:0", 3
    for index, outputs in enumerate(WIDTHS):
        x = conv(net, x if index == 0 else net.sign(x), inputs, outputs, pool=index % 2 == 1)
        inputs = outputs
    side = SIZE // 4
    flat = side * side * inputs
    x = net.add("Reshape", net.sign(x), net.const([-1, flat], np.int64))
    x = net.sign(dense(net, x, flat, 64))
    x = net.sign(dense(net, x, 64, 48))
    return net.done(dense(net, x, 48, CLASSES), (SIZE, SIZE, 3), CLASSES)
