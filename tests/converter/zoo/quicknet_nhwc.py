# SPDX-License-Identifier: BSD-3-Clause
"""QuickNet (quicknet.py) as tf2onnx writes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from .nhwc import Net

SEED, SIZE, CLASSES = 12, 48, 10


def conv(net: Net, x: str, inputs: int, outputs: int, kernel: int, **attrs: Any) -> str:
    """A convolution in floats, its BatchNormalization folded into weight and bias."""
    shape = (outputs, inputs // attrs.get("group", 1), kernel, kernel)
    weight = net.rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    bias = net.const(0.3 * net.rng.standard_normal(outputs))
    same = {} if "pads" in attrs else {"auto_pad": "SAME_UPPER"}
    shape_of = {"kernel_shape": [kernel] * 2}
    return net.channels_first("Conv", x, net.const(weight), bias, **shape_of, **same, **attrs)


def residual(net: Net, x: str, width: int) -> str:
    """x + BN(relu(conv(sign(x)))): a Pad with 1, BatchNormalization as Mul and Add."""
    pads = net.const([0, 1, 1, 0, 0, 1, 1, 0], np.int64)
    padded = net.add("Pad", net.sign(x), pads, net.const(1.0))
    weight = net.const(net.signs(width, width, 3, 3))
    y = net.add("Relu", net.channels_first("Conv", padded, weight, kernel_shape=[3, 3]))
    unit = 3 * np.sqrt(width)
    factor, shift = net.norm(width, unit, 0.4 * unit)
    y = net.add("Add", net.add("Mul", y, net.const(factor)), net.const(shift))
    return net.add("Add", x, y)


def transition(net: Net, x: str, inputs: int, outputs: int) -> str:
    """ReLU, max-pool of stride 1, depthwise blur of stride 2, 1x1 convolution."""
    y = net.channels_first("MaxPool", net.add("Relu", x), kernel_shape=[2, 2])
    line = np.array([0.25, 0.5, 0.25])
    blur = net.const(np.broadcast_to(np.outer(line, line), (inputs, 1, 3, 3)))
    y = net.channels_first("Conv", y, blur, group=inputs, pads=[0, 0, 1, 1], strides=[2, 2])
    return conv(net, y, inputs, outputs, 1)


def build() -> onnx.ModelProto:
    """The stem and two sections, then mean over height and width, MatMul [K, N]."""
    net = Net("quicknet", SEED)
    x = net.add("Relu", conv(net, "input:0", 3, 8, 3, strides=[2, 2]))
    x = conv(net, x, 8, 8, 3, strides=[2, 2], group=8, pads=[0, 0, 1, 1])
    x = conv(net, x, 8, 12, 1)
    x = transition(net, residual(net, residual(net, x, 12), 12), 12, 16)
    x = net.add("Relu", residual(net, residual(net, x, 16), 16))
    x = net.add("ReduceMean", x, axes=[1, 2], keepdims=0)
    x = net.add("MatMul", x, net.const(net.rng.standard_normal((16, CLASSES))))
    x = net.add("Add", x, net.const(0.3 * net.rng.standard_normal(CLASSES)))
    return net.done(x, (SIZE, SIZE, 3), CLASSES)
