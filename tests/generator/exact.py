# SPDX-License-Identifier: BSD-3-Clause
"""ONNX graphs that grow by one node at a time and know how exact their numbers are.

In an exact graph all numbers are small multiples of a power of two. No sum of such numbers rounds, in no order, so
onnxruntime, numpy and the library must agree bit for bit, at ties too. Each tensor carries what is needed to stay there:
its `grain` and its `bound`. Graphs of real numbers have grain 0 and are compared within a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from onnx_builder import Array, runtime_newest

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

#: Where the operators of QONNX live.
QONNX = "qonnx.custom_op.general"
#: bound / grain of any tensor: far below the 2^24 up to which float32 holds every integer.
ROOM = 2.0**20
#: Real-valued graphs stay below this, so that rounding errors stay small.
LARGEST = 1e4


@dataclass(frozen=True)
class Tensor:
    """A value of the graph: all its elements are multiples of `grain` within +-`bound`.

    `levels`: the two values it takes, where the converter has promised to find that out. `last`: its channels are on the
    last axis (NHWC). `nonzero`: 0 is none of its values. `product`: one of activations went into it.
    """

    name: str
    shape: tuple[int, ...]
    bound: float
    grain: float
    levels: tuple[float, float] | None = None
    last: bool = False
    nonzero: bool = False
    product: bool = False

    @property
    def axis(self) -> int:
        """The channel axis."""
        return len(self.shape) - 1 if self.last else 1

    @property
    def channels(self) -> int:
        return self.shape[self.axis]

    @property
    def image(self) -> bool:
        return len(self.shape) == 4

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.shape[1:3] if self.last else self.shape[2:]
        return height, width


class Graph:
    """An ONNX graph under construction. Choices come from hypothesis, the simplest one first, so that failures shrink."""

    def __init__(self, draw: Draw, real: bool = False) -> None:
        self._draw = draw
        self.real = real
        self.opset = self.pick(*(v for v in (13, *range(7, 31)) if v <= runtime_newest()))
        self.rng = np.random.default_rng(self.integer(0, 999))
        self.nodes: list[onnx.NodeProto] = []
        self.consts: dict[str, Array | None] = {}  # None: the name is that of a Constant node
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.binary: list[
            str
        ] = []  # outputs of layers that the converter has promised to make binary

    # -- choices -------------------------------------------------------------------------------------
    def pick(self, *choices: T) -> T:
        result: T = self._draw(st.sampled_from(choices))
        return result

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def chance(self, percent: int) -> bool:
        """True in about so many of 100 cases; False is simpler."""
        return self.integer(0, 99) >= 100 - percent

    # -- constants -----------------------------------------------------------------------------------
    def numbers(self, choices: Sequence[float], shape: Sequence[int]) -> Array:
        """Random ones of these numbers; in a real graph each is moved a little."""
        found = self.rng.choice(np.array(choices, np.float64), tuple(shape))
        if self.real:
            found = found * self.rng.uniform(0.8, 1.2, found.shape)
        return found.astype(np.float32)

    def constant(self, data: Array) -> str:
        """A constant, in one of the ways in which a graph can hold it."""
        data = np.asarray(data)
        kind = self.pick("initializer", "initializer", "Constant", "Identity", "float16")
        name = f"c{len(self.consts)}"
        if kind == "float16" and not (
            data.dtype == np.float32 and np.array_equal(data.astype(np.float16), data)
        ):
            kind = "initializer"
        if kind == "initializer":
            self.consts[name] = data
            return name
        if kind == "Constant":
            self.consts[name] = None
            return self.emit("Constant", [], [name], value=numpy_helper.from_array(data))
        self.consts[name] = data.astype(np.float16) if kind == "float16" else data
        if kind == "float16":
            return self.emit("Cast", [name], to=TensorProto.FLOAT)
        return self.emit("Identity", [name])

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    # -- nodes ---------------------------------------------------------------------------------------
    def emit(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str] = (), **attrs: Any
    ) -> str:
        """Add a node and return the name of its (first) output."""
        outputs = list(outputs) or [f"{op.lower()}{len(self.nodes)}"]
        name = f"{op}_{len(self.nodes)}" if len(self.nodes) % 3 else ""
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=name, **attrs))
        return outputs[0]

    def bipolar(self, x: str, scale: str) -> str:
        """QONNX's sign of x times a scale; check.py says it in ONNX for onnxruntime."""
        return self.emit("BipolarQuant", [x, scale], domain=QONNX)

    def over(self, op: str, x: str, axes: Sequence[int], since: int = 13, **attrs: Any) -> str:
        """Squeeze, Unsqueeze, ReduceMean, ...: from opset `since` on the axes are an input."""
        if self.opset < since:
            return self.emit(op, [x], axes=list(axes), **attrs)
        return self.emit(op, [x, self.ints(*axes)], **attrs)

    def apply(self, op: str, x: Tensor, *others: str, **changes: Any) -> Tensor:
        """A node whose result is like x, but for the `changes` of the tensor's facts (`attrs`: those of the node)."""
        attrs = changes.pop("attrs", {})
        facts = {"levels": None, "nonzero": False, **changes}
        return replace(x, name=self.emit(op, [x.name, *others], **attrs), **facts)

    def fits(self, bound: float, grain: float) -> bool:
        """Whether numbers of this kind are still far from rounding."""
        return bound <= (LARGEST if self.real else ROOM * grain)

    def finer(self, grain: float, factor: float) -> float:
        """The grain of products."""
        return 0.0 if self.real else grain * factor

    # -- the whole -----------------------------------------------------------------------------------
    def input(self, shape: tuple[int, ...], last: bool) -> Tensor:
        grain = 0.0 if self.real else 0.25
        tensor = Tensor(f"in{len(self.inputs)}", shape, 2.0, grain, last=last)
        self.inputs.append(tensor)
        return tensor

    def _live(self) -> set[str]:
        """Names that the outputs depend on."""
        live = {tensor.name for tensor in self.outputs}
        for node in reversed(self.nodes):
            if live.intersection(node.output):
                live.update(node.input)
        return live

    def model(self) -> onnx.ModelProto:
        """The graph as a model; what the tests need to know beside it stands in its metadata."""
        batch = self.pick(1, "N")
        infos = [
            helper.make_tensor_value_info(t.name, TensorProto.FLOAT, [batch, *t.shape[1:]])
            for t in self.inputs
        ]
        graph = helper.make_graph(
            self.nodes,
            "generated",
            infos,
            [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, None) for t in self.outputs],
            [numpy_helper.from_array(a, name) for name, a in self.consts.items() if a is not None],
        )
        imports = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=8)
        live = self._live()
        binary = " ".join(name for name in self.binary if name in live)
        facts = {"exact": str(int(not self.real)), "binary": binary}
        helper.set_model_props(model, facts)
        return model
