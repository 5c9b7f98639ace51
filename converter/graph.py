# SPDX-License-Identifier: BSD-3-Clause
"""The converter's intermediate representation: a small, typed, mutable graph of named values.

Axis order is ONNX's (NCHW, batch kept, N = 1) everywhere in the graph; only `lower.py` knows channels-last. The channel
axis of a value is axis 1 (the last one of a value of rank 1). Activations are float32 unless said; a *two-valued*
activation holds only -1.0 and +1.0.

Vocabulary after import (`converter/ops/*.py` has shape rule and numpy reference of each; c: constant):

    conv        x [1,G*C,H,W], c w [G*O,C,KH,KW]   strides (h,w), dilations (h,w), pads (top,left,bottom,right), groups;
                                                   zero padding, no bias (a bias is an affine after it)
    dense       x [M,K], c w [O,K]                 x @ w.T
    affine      x, c mul [C], c add [C]            x * mul + add along the channel axis (BatchNormalization, biases)
    clip        x                                  low, high (may be infinite): Relu, Relu6, Clip, HardTanh
    prelu       x, c slope [C]                     x if x >= 0 else x * slope
    add         x, y                               also sub, mul, div, max, min: with ONNX broadcasting, of equal ranks
    sigmoid     x                                  and the other functions of converter/functions.py: abs, exp, swish ...
    maxpool     x [1,C,H,W]                        kernel, strides, dilations, pads
    avgpool     x [1,C,H,W]                        kernel, strides, pads, count_pad (bool)
    concat      x, y, ...                          axis
    softmax     x                                  axis
    transpose   x                                  perm
    reshape     x                                  (shape of the output value)
    pad         x                                  before, after (one entry per axis), value
    slice       x                                  starts, steps (one entry per axis; size is the output's shape); a step of 0
                                                   repeats an element, a negative one goes backwards
    gather2d    x [1,C,H,W]                        rows, columns: the pixels that are taken (Resize, nearest)
    resize2d    x [1,C,H,W]                        rows, columns (several taps for each), row_weights, column_weights
    sign, neg, pow, greater, greater_equal, less, less_equal, not, where, cast ...
                elementwise with ONNX broadcasting and meaning (`cast` has attribute `dtype`); real spellings of sign
                functions are made of these. What no pass consumes is refused by name.

Layers (conv, dense) also have `result`, the source model's name of their output (for --binary-list), and
`weight_source`: "sign" where the source computes the weight through a sign or a comparison, else "other" (for --strict).

Added by the passes (`converter/passes/`):

    quantise    x, c threshold f32 [C], c flip bool [C]    two-valued: (x >= threshold) != flip ? +1 : -1
    threshold   x, c threshold i32 [C]                     two-valued: x >= threshold ? +1 : -1, where x is the integer
                                                           result of bconv or bdense
    bconv       x two-valued, c w int8 (-1, +1)            as conv, plus border (-1, 0, +1): the value of padded taps;
                                                           the result is integer
    bdense      x two-valued, c w int8 (-1, +1)            as dense; the result is integer
    bmaxpool    x two-valued, c flip bool [C]              as maxpool, then negated where flip

    qconv       x 8-bit, c w int8 [G*O,C,KH,KW]            conv of x - zero; the result is integer
    qdense      x 8-bit, c w int8 [O,K]                    dense of x - zero; the result is integer
                (zero None: x is float and becomes 8-bit by its own range; the result is multiplied by the scale of that)

Quantised activations are float32 values that hold integers of -128..127, between to_int8 (scale, zero) and from_int8;
`own_range` is both at once, with the scale and zero point of x's own range; `own_numbers` are its numbers less their zero
point (which is `own_zero`), `own_scale` [1] is their scale.

`conv` and `dense` may also have int8 weights of -1 and +1 (float input, binary weights).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Grid:
    """A weight as 8-bit numbers less their zero points (-255..255) times a scale that broadcasts over them."""

    numbers: Array
    scale: Array

    def floats(self) -> Array:
        """The weight."""
        return np.asarray(self.numbers * self.scale, np.float32)

    def transposed(self) -> Grid:
        """Of a matrix."""
        return Grid(np.ascontiguousarray(self.numbers.T), self.scale.T)


@dataclass
class Value:
    """A named tensor. `const` holds its data when it is known at conversion time.

    `grid`: how the source model writes a constant weight in 8 bits.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    const: Array | None = None
    grid: Grid | None = None


@dataclass(eq=False)
class Node:
    """One operation. `sources` are the names of the source model's nodes it stands for (first one leads in messages)."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """The only output."""
        (name,) = self.outputs
        return name

    def describe(self) -> str:
        """How messages name this node."""
        return (
            f"node '{self.sources[0]}'"
            if self.sources
            else f"{self.op} node writing '{self.outputs[0]}'"
        )


class Graph:
    """Nodes in an order in which every value is written before it is read, and the values they connect.

    `notes`: what a front door assumed, in sentences for the report.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.nodes: list[Node] = []
        self.values: dict[str, Value] = {}
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.notes: list[str] = []
        self._fresh = 0
        self._writers: dict[str, Node] = {}  # by output; may be out of date, see `producer`

    # values
    def add_value(
        self, name: str, shape: Iterable[int], dtype: npt.DTypeLike = np.float32
    ) -> Value:
        """Declare an activation."""
        value = Value(name, tuple(int(d) for d in shape), np.dtype(dtype))
        self.values[name] = value
        return value

    def add_const(self, data: Array, hint: str = "const") -> str:
        """Add a constant under a fresh name and return the name."""
        data = np.asarray(data)
        name = self.fresh(hint)
        self.values[name] = Value(name, data.shape, data.dtype, data)
        return name

    def fresh(self, hint: str) -> str:
        """A value name not used yet, derived from `hint`."""
        while True:
            self._fresh += 1
            name = f"{hint}:{self._fresh}"
            if name not in self.values:
                return name

    def const(self, name: str) -> Array | None:
        """Data of a constant, or None for an activation."""
        return self.values[name].const

    def shape(self, name: str) -> tuple[int, ...]:
        """The dimensions of a value, in ONNX order."""
        return self.values[name].shape

    # nodes
    def producer(self, name: str) -> Node | None:
        """The node that writes a value; None for constants and graph inputs."""
        node = self._writers.get(name)
        if node is not None and name in node.outputs:
            return node
        if name in self.inputs or (name in self.values and self.values[name].const is not None):
            return None
        self._writers = {output: node for node in self.nodes for output in node.outputs}
        return self._writers.get(name)

    def consumers(self, name: str) -> list[Node]:
        """The nodes that read a value (graph outputs are not nodes: see `is_output`)."""
        return [node for node in self.nodes if name in node.inputs]

    def is_output(self, name: str) -> bool:
        """Whether a value is an output of the graph."""
        return name in self.outputs

    def single_use(self, name: str) -> bool:
        """One node reads the value, once, and it is not a graph output."""
        uses = sum(node.inputs.count(name) for node in self.nodes)
        return uses == 1 and not self.is_output(name)

    def insert_before(self, anchor: Node, *nodes: Node) -> None:
        """Put nodes in front of another one."""
        at = self.nodes.index(anchor)
        self.nodes[at:at] = nodes

    def insert_after(self, anchor: Node, *nodes: Node) -> None:
        """Put nodes behind another one."""
        at = self.nodes.index(anchor) + 1
        self.nodes[at:at] = nodes

    def remove(self, node: Node) -> None:
        """Take a node out; its values stay until `prune`."""
        self.nodes.remove(node)
        for name in node.outputs:
            self._writers.pop(name, None)

    def replace_uses(self, old: str, new: str, keep: Iterable[Node] = ()) -> None:
        """Let every reader of `old` (but those in `keep`) read `new`.

        Graph outputs keep their names: the caller re-labels them.
        """
        kept = list(keep)
        for node in self.nodes:
            if not any(node is k for k in kept):
                node.inputs = [new if name == old else name for name in node.inputs]

    def prune(self) -> None:
        """Drop nodes whose results nobody reads, and values nobody mentions."""
        live = set(self.outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if any(name in live for name in node.outputs):
                kept.append(node)
                live.update(node.inputs)
        self.nodes = kept[::-1]
        self._writers = {}
        live.update(self.inputs, *(node.outputs for node in self.nodes))
        self.values = {name: value for name, value in self.values.items() if name in live}

    def sort(self) -> None:
        """Restore the order of `nodes` (stable); raises ValueError on a cycle."""
        known = set(self.inputs) | {
            name for name, value in self.values.items() if value.const is not None
        }
        waiting, done = list(self.nodes), []
        while waiting:
            rest: list[Node] = []
            for node in waiting:
                if all(name in known or name == "" for name in node.inputs):
                    done.append(node)
                    known.update(node.outputs)
                else:
                    rest.append(node)
            if len(rest) == len(waiting):
                raise ValueError(f"the graph has a cycle through {rest[0].describe()}")
            waiting = rest
        self.nodes = done

    def activations(self) -> Iterator[Value]:
        """All values that are not constants."""
        return (value for value in self.values.values() if value.const is None)
