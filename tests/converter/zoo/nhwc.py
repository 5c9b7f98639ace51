# SPDX-License-Identifier: BSD-3-Clause
"""Graphs as tf2onnx writes Keras models: channels last, Transposes around what ONNX has for NCHW only, symbolic batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
Array = npt.NDArray[Any]


class Net:
    """Nodes and constants so far. Names have colons and slashes, as TensorFlow's have."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.consts: list[onnx.TensorProto] = []

    def add(self, op: str, *inputs: str, **attrs: Any) -> str:
        """A node with one output."""
        name = f"{self.name}/{op.lower()}_{len(self.nodes)}"
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

    def signs(self, *shape: int) -> Array:
        """-1 and +1."""
        signs: Array = self.rng.choice(np.array([-1.0, 1.0]), shape)
        return signs

    def norm(self, channels: int, unit: float, mean: float = 0.0) -> tuple[Array, Array]:
        """Factor and shift that give numbers of that mean and unit size 0 and about 1; some factors are negative."""
        sign = self.rng.choice(np.array([-1.0, 1.0]), channels, p=(0.2, 0.8))
        factor = sign * self.rng.uniform(0.5, 1.5, channels) / unit
        return factor, 0.3 * self.rng.standard_normal(channels) - mean * factor

    def sign(self, x: str) -> str:
        """sign(sign(x) + 0.1), as larq's ste_sign."""
        return self.add("Sign", self.add("Add", self.add("Sign", x), self.const(0.1)))

    def done(self, x: str, shape: tuple[int, ...], classes: int) -> onnx.ModelProto:
        """The model whose output is the Softmax of x."""
        self.nodes.append(
            helper.make_node("Softmax", [x], ["out"], f"{self.name}/softmax", axis=-1)
        )
        real = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "tf2onnx",
            [helper.make_tensor_value_info("input:0", real, ["unk__0", *shape])],
            [helper.make_tensor_value_info("out", real, ["unk__1", classes])],
            self.consts,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
