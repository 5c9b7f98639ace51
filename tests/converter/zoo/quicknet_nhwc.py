# SPDX-License-Identifier: BSD-3-Clause
"""QuickNet as tf2onnx writes it, of ONNX nodes alone: channels last, Transposes around every convolution, symbolic batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 12
SIZE, CLASSES = 48, 10
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
Array = npt.NDArray[Any]


class _Net:
    """Nodes and constants so far. Names have colons and slashes, as TensorFlow's have."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(SEED)
        self.nodes: list[onnx.NodeProto] = []
        self.consts: list[onnx.TensorProto] = []

    def add(self, op: str, *inputs: str, **attrs: Any) -> str:
        """A node with one output."""
        name = f"quicknet/{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [f"{name}:0"], name, **attrs))
        return f"{name}:0"

    def const(self, data: Any, dtype: Any = np.float32) -> str:
        """An initializer."""
        name = f"const_fold_opt__{len(self.consts)}"
        self.consts.append(numpy_helper.from_array(np.asarray(data, dtype), name))
        return name

    def channels_first(self, op: str, x: str, *inputs: str, **attrs: Any) -> str:
        """An operator that ONNX has for NCHW only."""
        y = self.add(op, self.add("Transpose", x, perm=TO_NCHW), *inputs, **attrs)
        return self.add("Transpose", y, perm=TO_NHWC)

    def conv(self, x: str, inputs: int, outputs: int, kernel: int, **attrs: Any) -> str:
        """A convolution in floats, its BatchNormalization folded into weight and bias."""
        shape = (outputs, inputs // attrs.get("group", 1), kernel, kernel)
        weight = self.rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        bias = 0.3 * self.rng.standard_normal(outputs)
        same: dict[str, Any] = {} if "pads" in attrs else {"auto_pad": "SAME_UPPER"}
        return self.channels_first(
            "Conv",
            x,
            self.const(weight),
            self.const(bias),
            kernel_shape=[kernel] * 2,
            **same,
            **attrs,
        )

    def residual(self, x: str, width: int) -> str:
        """x + BN(relu(conv(sign(x)))): sign(sign(x) + 0.1), a Pad with 1, BatchNormalization as Mul and Add."""
        shifted = self.add("Add", self.add("Sign", x), self.const(0.1))
        pads = self.const([0, 1, 1, 0, 0, 1, 1, 0], np.int64)
        padded = self.add("Pad", self.add("Sign", shifted), pads, self.const(1.0))
        weight = self.rng.choice(np.array([-1.0, 1.0]), (width, width, 3, 3))
        y = self.channels_first("Conv", padded, self.const(weight), kernel_shape=[3, 3])
        unit = 1 / np.sqrt(9 * width)
        factor = self.rng.choice(np.array([-1.0, 1.0]), width, p=(0.2, 0.8))
        factor = factor * self.rng.uniform(0.5, 1.5, width) * unit
        shift = 0.3 * self.rng.standard_normal(width) - 0.4 * factor / unit
        y = self.add("Mul", self.add("Relu", y), self.const(factor))
        return self.add("Add", x, self.add("Add", y, self.const(shift)))

    def transition(self, x: str, inputs: int, outputs: int) -> str:
        """ReLU, max-pool of stride 1, depthwise blur of stride 2, 1x1 convolution."""
        y = self.channels_first("MaxPool", self.add("Relu", x), kernel_shape=[2, 2])
        line = np.array([0.25, 0.5, 0.25])
        blur = np.broadcast_to(np.outer(line, line), (inputs, 1, 3, 3))
        y = self.channels_first(
            "Conv", y, self.const(blur), group=inputs, pads=[0, 0, 1, 1], strides=[2, 2]
        )
        return self.conv(y, inputs, outputs, 1)


def build() -> onnx.ModelProto:
    """The stem and two sections, then mean over height and width, MatMul [K, N], Softmax."""
    net = _Net()
    x = net.add("Relu", net.conv("input:0", 3, 8, 3, strides=[2, 2]))
    x = net.conv(x, 8, 8, 3, strides=[2, 2], group=8, pads=[0, 0, 1, 1])
    x = net.conv(x, 8, 12, 1)
    x = net.transition(net.residual(net.residual(x, 12), 12), 12, 16)
    x = net.add("Relu", net.residual(net.residual(x, 16), 16))
    x = net.add("ReduceMean", x, axes=[1, 2], keepdims=0)
    x = net.add("MatMul", x, net.const(net.rng.standard_normal((16, CLASSES))))
    x = net.add("Add", x, net.const(0.3 * net.rng.standard_normal(CLASSES)))
    net.nodes.append(helper.make_node("Softmax", [x], ["out"], "quicknet/softmax", axis=-1))
    real = TensorProto.FLOAT
    graph = helper.make_graph(
        net.nodes,
        "tf2onnx",
        [helper.make_tensor_value_info("input:0", real, ["unk__0", SIZE, SIZE, 3])],
        [helper.make_tensor_value_info("out", real, ["unk__1", CLASSES])],
        net.consts,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
