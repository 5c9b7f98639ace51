# SPDX-License-Identifier: BSD-3-Clause
"""Fusion: what follows a computing op becomes its program of steps (docs/dab-format.md, section 4).

From a value v the program follows the graph: everything that v's other readers need is emitted (floats, bits, bits by a
threshold), then one elementwise reader is taken up as the next step and its result is the new v.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from converter.dab_model import MAX_STEPS, STEP_OUTPUT, Kind, Step, Type
from converter.errors import ConversionError
from converter.functions import Function
from converter.graph import Array, Graph, Node
from converter.lowering.axes import storage_dims
from converter.lowering.builder import Builder, normal
from converter.lowering.needs import Needs
from converter.lowering.storage import Storage
from converter.ops.registry import spreads
from converter.report import Lowered

#: Nodes of two values, and whether the second may be v as well.
OF_TWO = {
    "add": (Step.ADD, True),
    "mul": (Step.MUL, True),
    "sub": (Step.SUB, False),
    "div": (Step.DIV, False),
    "max": (Step.MAX, True),
    "min": (Step.MIN, True),
}
FUNCTIONS = {function.name.lower(): function for function in Function}
SIGNS = ("quantise", "threshold")


@dataclass
class Program:
    """An op with steps under construction: its own inputs are in `inputs` from the start."""

    kind: Kind
    inputs: list[int]
    words: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    emitted: list[tuple[str, Type, int]] = field(default_factory=list)  # value, form, tensor

    def add(self, step: Step, *operands: int) -> None:
        """Append a step."""
        self.steps.append(step)
        self.inputs += operands

    @property
    def room(self) -> int:
        """Steps that still fit."""
        return MAX_STEPS - len(self.steps)

    @property
    def exact(self) -> bool:
        """Whether v is still the integer dot product of a binary op."""
        return not self.steps and self.kind in (Kind.BCONV2D, Kind.BDENSE)

    @property
    def signed(self) -> bool:
        """Whether v cannot be -0.0."""
        return self.kind != Kind.POINTWISE or any(step not in STEP_OUTPUT for step in self.steps)


def node_names(nodes: list[Node]) -> str:
    """The name of an op: the leading source node of each of its nodes."""
    names = [node.sources[0] if node.sources else node.outputs[0] for node in nodes]
    return "+".join(dict.fromkeys(names))


class Fusion:
    """Builds step programs."""

    def __init__(self, graph: Graph, needs: Needs, storage: Storage, builder: Builder) -> None:
        self.graph, self.needs, self.storage, self.builder = graph, needs, storage, builder
        self.lowered: set[int] = set()  # ids of the elementwise nodes that are done
        self.layers: dict[str, Lowered] = {}  # by the source model's name of a layer's output

    def run(self, program: Program, value: str, fresh: bool = True) -> None:
        """Complete the op whose v is `value` and append it. `fresh`: v has no tensor yet."""
        while True:
            step = self._next(program, value)
            bits = self._bits_from(program, value, step)
            others = self.needs.of(value, without=[*bits, *([step] if step else [])])
            if bits and bits[0].op == "threshold" and program.exact:
                self._emit_bits(program, bits.pop(0))  # EMIT_INT is the first step or none
            if fresh:
                self._emit_value(program, value, others)
            for node in bits:
                self._emit_bits(program, node)
            if step is None:
                break
            self.lowered.add(id(step))
            program.nodes.append(step)
            _STEPS[step.op](self, program, step, value)
            value, fresh = step.output, True
        self.builder.op(
            program.kind,
            program.inputs,
            [index for _, _, index in program.emitted],
            program.words,
            program.steps,
            node_names(program.nodes),
        )
        for name, form, index in program.emitted:
            self.storage.register(name, form, index)
        self._note(program)

    def _note(self, program: Program) -> None:
        """Remember what became of a layer of the source model, which may have parts."""
        attrs = program.nodes[0].attrs if program.nodes else {}
        name = attrs.get("result", attrs.get("part"))
        if name is not None:
            before = self.layers.get(name, Lowered([], 0, True))
            self.layers[name] = Lowered(
                before.sources + [name for node in program.nodes for name in node.sources],
                before.weight_bytes + self.builder.tensors[program.inputs[1]].bytes,
                before.on_bits and program.kind in (Kind.BCONV2D, Kind.BDENSE),
            )

    # -- choice --

    def _open(self, value: str) -> list[Node]:
        """Elementwise readers that are not done yet and whose results somebody needs."""
        return [
            node
            for node in self.needs.readers(value)
            if node.op in ELEMENTWISE
            and id(node) not in self.lowered
            and self.needs.of(node.output)
        ]

    def _only_bits(self, node: Node) -> bool:
        only_bits = node.op in SIGNS and self.needs.of(node.output) == {Type.BITS}
        return only_bits or node.op == "to_int8"

    def _next(self, program: Program, value: str) -> Node | None:
        """The reader that becomes the next step: it and the forms of v and of its result (2 each) must fit."""
        if program.room < 5:
            return None
        ready = [
            node
            for node in self._open(value)
            if not self._only_bits(node) and (node.op not in OF_TWO or self._ready(node, value))
        ]
        return ready[0] if ready else None

    def _ready(self, node: Node, value: str) -> bool:
        """Whether v may be this operand of a node of two, and the other operand is there already."""
        return takes(self.graph, node, value) and self.storage.known(other_operand(node, value))

    def _bits_from(self, program: Program, value: str, step: Node | None) -> list[Node]:
        """The readers whose bits this op writes, integer thresholds first, as many as there is room for."""
        room = program.room - (2 if step is None else 5)
        nodes = [node for node in self._open(value) if self._only_bits(node)]
        return sorted(nodes, key=lambda node: node.op != "threshold")[: max(room, 0)]

    # -- emission --

    def _emit_value(self, program: Program, value: str, needed: set[Type]) -> None:
        """Write v itself."""
        if Type.F32 in needed:
            program.emitted.append((value, Type.F32, self.storage.tensor(value, Type.F32)))
            program.add(Step.EMIT_F32)
        if Type.BITS in needed:
            zeros = np.zeros(self._channels(value))
            self._emit_quantiser(program, value, zeros, zeros)

    def _emit_bits(self, program: Program, node: Node) -> None:
        """Write the result of a sign of v."""
        self.lowered.add(id(node))
        program.nodes.append(node)
        if node.op == "to_int8":
            self._emit_numbers(program, node)
            return
        threshold, flip = self._quantiser(node)
        if node.op == "threshold" and program.exact:
            tensor = self.storage.tensor(node.output, Type.BITS)
            program.emitted.append((node.output, Type.BITS, tensor))
            program.add(Step.EMIT_INT, self.builder.integers(threshold))
        else:
            self._emit_quantiser(program, node.output, threshold, flip)

    def _emit_numbers(self, program: Program, node: Node) -> None:
        """EMIT_I8."""
        tensor = self.storage.tensor(node.output, Type.I8)
        program.emitted.append((node.output, Type.I8, tensor))
        scale, zero = node.attrs["scale"], node.attrs["zero"]
        program.add(Step.EMIT_I8, *self.builder.to_int8(scale, zero))

    def _emit_quantiser(self, program: Program, value: str, threshold: Array, flip: Array) -> None:
        """EMIT_SIGN where it means the same, else EMIT_BITS."""
        tensor = self.storage.tensor(value, Type.BITS)
        program.emitted.append((value, Type.BITS, tensor))
        if program.signed and not threshold.any() and not flip.any():
            program.add(Step.EMIT_SIGN)
        else:
            operands = self.builder.quantiser(threshold, flip, f"value '{value}'")
            program.add(Step.EMIT_BITS, *operands)

    # -- steps --

    def affine(self, program: Program, node: Node, _: str) -> None:
        """AFFINE."""
        mul, add = (normal(self._parameter(node, index)) for index in (1, 2))
        where = node.describe()
        program.add(Step.AFFINE, self.builder.floats(mul, where), self.builder.floats(add, where))

    def from_int8(self, program: Program, node: Node, value: str) -> None:
        """AFFINE twice, as both operations round; where the scale is 1 the first is all."""
        ones = np.ones(self._channels(value), np.float32)
        pairs = [(ones, -ones * node.attrs["zero"]), (ones * node.attrs["scale"], 0 * ones)]
        for mul, add in pairs[: 1 if node.attrs["scale"] == 1 else 2]:
            operands = (self.builder.floats(normal(data), node.describe()) for data in (mul, add))
            program.add(Step.AFFINE, *operands)

    def clip(self, program: Program, node: Node, _: str) -> None:
        """CLIP."""
        limits = normal(np.array([node.attrs["low"], node.attrs["high"]]))
        if limits[0] > limits[1]:
            raise ConversionError(f"{node.describe()}: its lower limit is above its upper limit")
        program.add(Step.CLIP, self.builder.floats(limits, node.describe(), infinite=True))

    def prelu(self, program: Program, node: Node, _: str) -> None:
        """PRELU."""
        slope = normal(self._parameter(node, 1))
        program.add(Step.PRELU, self.builder.floats(slope, node.describe()))

    def of_two(self, program: Program, node: Node, value: str) -> None:
        """ADD, MUL ... with another tensor; one that is repeated over v shows its channels."""
        other = other_operand(node, value)
        shape = self.graph.shape(other)
        whole = shape == self.graph.shape(value)
        last = None if whole else storage_dims(shape)[-1]
        program.add(OF_TWO[node.op][0], self.storage.floats(other, last=last))

    def function(self, program: Program, node: Node, _: str) -> None:
        """FUNCTION."""
        program.add(Step.FUNCTION, self.builder.integers(np.array([FUNCTIONS[node.op]])))

    def sign(self, program: Program, node: Node, _: str) -> None:
        """SIGN."""
        threshold, flip = self._quantiser(node)
        program.add(Step.SIGN, *self.builder.quantiser(threshold, flip, node.describe()))

    # -- parameters --

    def _channels(self, value: str) -> int:
        return storage_dims(self.graph.shape(value))[-1]

    def _parameter(self, node: Node, index: int) -> Array:
        """A constant input [C]."""
        data, channels = self.graph.const(node.inputs[index]), self._channels(node.output)
        if data is None or data.shape != (channels,):
            raise ConversionError(
                f"{node.describe()}: input {index} of its '{node.op}' must be a constant of {channels} elements"
            )
        return data

    def _quantiser(self, node: Node) -> tuple[Array, Array]:
        """Threshold and flip, each [C]."""
        threshold = self._parameter(node, 1)
        flip = np.zeros(threshold.shape, bool)
        return threshold, flip if node.op == "threshold" else self._parameter(node, 2)


def other_operand(node: Node, value: str) -> str:
    """The operand of a node of two that is not `value` (or is, too)."""
    return node.inputs[1] if node.inputs[0] == value else node.inputs[0]


def takes(graph: Graph, node: Node, value: str) -> bool:
    """Whether a node of two can be a step of `value`."""
    shape = graph.shape(node.output)
    first = node.inputs[0] == value or OF_TWO[node.op][1]
    return (
        first
        and graph.shape(value) == shape
        and spreads(graph.shape(other_operand(node, value)), shape)
    )


_STEPS: dict[str, Callable[[Fusion, Program, Node, str], None]] = {
    "affine": Fusion.affine,
    "from_int8": Fusion.from_int8,
    "clip": Fusion.clip,
    "prelu": Fusion.prelu,
    "quantise": Fusion.sign,
    "threshold": Fusion.sign,
    **dict.fromkeys(OF_TWO, Fusion.of_two),
    **dict.fromkeys(FUNCTIONS, Fusion.function),
}
ELEMENTWISE = frozenset({*_STEPS, "to_int8"})
