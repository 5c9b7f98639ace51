# SPDX-License-Identifier: BSD-3-Clause
"""How an MXNet operator declares its translation to ONNX: `@translates`, and what it sees of its node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from converter.errors import ConversionError
from converter.graph import Array
from converter.mxnet.symbol import VARIABLE, Symbol, SymbolNode, integer, numbers
from converter.onnx_build import ModelBuilder
from converter.ops.registry import Shape

Translation = Callable[["Context"], "str | Sequence[str]"]


@dataclass(frozen=True)
class Operator:
    """A translation, and how many inputs it reads (None: all); the rest are labels for training."""

    translate: Translation
    reads: int | None = None


OPERATORS: dict[str, Operator] = {}


class UnknownShapeError(ConversionError):
    """The shape of an input is said nowhere. `channels` (None: not known either) and `stride` are those of its reader."""

    def __init__(self, name: str, found: str, channels: int | None, stride: int) -> None:
        self.name, self.channels, self.stride = name, channels, stride
        super().__init__(
            f"input '{name}' needs its shape ({found}): give --input-shape "
            f"{name}=1,{channels or 'C'},H,W with its height and width "
            "(if it is no input, the parameter file lacks it)"
        )


def translates(*names: str, reads: int | None = None) -> Callable[[Translation], Translation]:
    """Declare how MXNet operators of these names become ONNX nodes.

    The function returns the tensor that holds the result, or one for each of several outputs.
    """

    def register(function: Translation) -> Translation:
        OPERATORS.update((name, Operator(function, reads)) for name in names)
        return function

    return register


@dataclass
class Network:
    """All that is known during a translation; `tensors` holds the ONNX names of outputs of nodes."""

    symbol: Symbol
    params: Mapping[str, Array]
    shapes: Mapping[str, Shape]
    builder: ModelBuilder = field(default_factory=lambda: ModelBuilder("mxnet"))
    tensors: dict[tuple[int, int], str] = field(default_factory=dict)

    def tensor(self, reference: tuple[int, int]) -> str:
        """The ONNX tensor of an output of a node; variables become constants or inputs when first asked for."""
        if reference not in self.tensors:
            node = self.symbol.nodes[reference[0]]
            if node.op != VARIABLE or reference[1] != 0:
                raise node.error(
                    f"its output {reference[1]} is used, which inference does not give"
                )
            self.tensors[reference] = self._variable(node)
        return self.tensors[reference]

    def _variable(self, node: SymbolNode) -> str:
        if node.name in self.params:
            array = self.params[node.name]
            if array.size == 0 or not np.all(np.isfinite(array)):
                raise ConversionError(f"array '{node.name}' is empty, or holds NaN or infinity")
            return self.builder.constant(node.name, array)
        shape = self.shapes.get(node.name) or self.shapes.get("")
        shape = shape or node.attr("__shape__", numbers, ())
        if len(shape) < 2 or min(shape[1:]) < 1 or shape[0] > 1:
            found = f"the symbol says {list(shape)}" if shape else "the symbol does not say it"
            raise UnknownShapeError(node.name, found, *self._reader(node))
        return self.builder.add_input(node.name, (1, *shape[1:]))

    def _reader(self, variable: SymbolNode) -> tuple[int | None, int]:
        """How many channels an input must have, as far as the first parameter of its reader says it.

        And the stride of the first convolution.
        """
        channels, stride = None, 1
        for node in self.symbol.nodes:
            sources = [self.symbol.nodes[number] for number, _ in node.inputs[:2]]
            if len(sources) < 2 or sources[1].name not in self.params:
                continue
            shape = self.params[sources[1].name].shape
            if sources[0] is variable and node.op == "BatchNorm" and len(shape) == 1:
                channels = shape[0]
            if node.op == "Convolution" and len(shape) == 4:
                if sources[0] is variable:
                    channels = shape[1] * node.attr("num_group", integer, 1)
                stride = max(node.attr("stride", numbers, (1,)), default=1)
                break
        return channels, stride


@dataclass
class Context:
    """What a translation sees of one node."""

    node: SymbolNode
    network: Network

    def error(self, text: str) -> ConversionError:
        """An error that names this node."""
        return self.node.error(text)

    @property
    def count(self) -> int:
        """How many inputs the node has."""
        return len(self.node.inputs)

    def x(self, index: int = 0) -> str:
        """The tensor of an input."""
        if index >= self.count:
            raise self.error(f"it has {self.count} inputs, too few")
        return self.network.tensor(self.node.inputs[index])

    def shape(self, index: int = 0) -> Shape:
        """The sizes of an input."""
        return self.network.builder.shape(self.x(index))

    def variable(self, index: int, what: str) -> str:
        """The name of the parameter that an input is; messages call it `what`."""
        source = (
            self.network.symbol.nodes[self.node.inputs[index][0]] if index < self.count else None
        )
        if source is None or source.op != VARIABLE:
            raise self.error(f"its {what} must be a parameter, not a result")
        if source.name not in self.network.params:
            raise self.error(f"its {what} '{source.name}' is not in the parameter file")
        return source.name

    def array(self, index: int, what: str) -> Array:
        """The parameter itself, as float32, finite."""
        self.variable(index, what)
        return self.network.builder.arrays[self.x(index)]

    def raw(self, index: int, what: str) -> tuple[str, Array]:
        """Name and bytes of a parameter of packed words, as the file has them."""
        name = self.variable(index, what)
        return name, self.network.params[name]

    def weight(self, index: int, what: str) -> str:
        """The tensor of a weight, which may be computed from parameters."""
        source = (
            self.network.symbol.nodes[self.node.inputs[index][0]] if index < self.count else None
        )
        if source is None or source.op == VARIABLE:
            self.variable(index, what)
        return self.x(index)

    def constant(self, array: Array | float, hint: str) -> str:
        """Add a constant."""
        return self.network.builder.constant(
            f"{self.node.name}/{hint}", np.asarray(array, np.float32)
        )

    def channels(self, array: Array, hint: str) -> str:
        """Add a constant with one number for each channel of input 0, in the form that broadcasts."""
        return self.constant(array.reshape(-1, *(1,) * (len(self.shape()) - 2)), hint)

    def integers(self, values: Sequence[int], hint: str) -> str:
        """Add a constant list of integers."""
        return self.network.builder.constant(
            f"{self.node.name}/{hint}", np.asarray(values, np.int64)
        )

    def emit(self, op: str, *inputs: str, **attrs: Any) -> str:
        """Add an ONNX node, called after this node and the ONNX operator."""
        builder = self.network.builder
        return builder.emit(op, inputs, [builder.free(f"{self.node.name}/{op.lower()}")], **attrs)

    def main(self, op: str, *inputs: str, outputs: Sequence[str] = (), **attrs: Any) -> str:
        """Add the ONNX node that this node is about; it has this node's name."""
        return self.network.builder.emit(op, inputs, outputs or [self.node.name], **attrs)

    def sign(self, x: str) -> str:
        """BMXNet's det_sign: -1 where x < 0, else +1."""
        negative = self.emit("Less", x, self.constant(0.0, "zero"))
        return self.emit(
            "Where", negative, self.constant(-1.0, "minus"), self.constant(1.0, "plus")
        )

    def axis(self, axis: int, rank: int) -> int:
        """A non-negative axis from one that may count from the end."""
        if not -rank <= axis < rank:
            raise self.error(f"axis {axis} is outside the {rank} axes of its input")
        return axis % rank
