# SPDX-License-Identifier: BSD-3-Clause
"""Where the values of the graph are: as floats in one or more orders of axes, as bits, as 8-bit
numbers.

Asking for a form that a value does not have yet appends the op that makes it (transpose, reshape, pointwise).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from converter.dab_model import Kind, Step, Type
from converter.errors import ConversionError
from converter.graph import Graph, Node
from converter.lowering.axes import (
    Order,
    Shape,
    canonical,
    native,
    permuted,
    reshaped,
    storage_dims,
    transposition,
)
from converter.lowering.builder import Builder, normal, six


@dataclass
class Forms:
    """Tensors that hold a value: floats with their order of axes, bits and 8-bit
    numbers (always channels-last)."""

    floats: list[tuple[Order, int]] = field(default_factory=list)
    bits: int | None = None
    numbers: int | None = None


def keeps_bits(source: Shape, target: Shape, order: Order | None) -> bool:
    """Whether a view in this order has the same bits: same dims, channels still last."""
    return order == canonical(target) and storage_dims(source) == storage_dims(target)


def view_order(node: Node, source: Shape, target: Shape, order: Order) -> Order | None:
    """Order of the result of a transpose or reshape in the memory of its input."""
    if node.op == "transpose":
        return permuted(order, tuple(node.attrs["perm"]))
    return reshaped(order, source, target)


class Storage:
    """Forms of all values computed so far."""

    def __init__(self, graph: Graph, builder: Builder) -> None:
        self.graph = graph
        self.builder = builder
        self.forms: dict[str, Forms] = {}

    def known(self, name: str) -> bool:
        """Whether the value is computed, or constant."""
        return name in self.forms or self.graph.const(name) is not None

    def any_form(self, name: str) -> int:
        """The tensor of a value as floats if they are there, else as bits or numbers; its last axis is the channels."""
        forms = self._of(name)
        if not forms.floats and forms.bits is not None:
            return forms.bits
        if not forms.floats and forms.numbers is not None:
            return forms.numbers
        return self.floats(name, last=storage_dims(self.graph.shape(name))[-1])

    def _of(self, name: str) -> Forms:
        return self.forms.setdefault(name, Forms())

    # -- writing --

    def tensor(self, name: str, form: Type, dims: Shape | None = None) -> int:
        """A new activation for a value's floats or bits, with the value's name."""
        dims = dims or storage_dims(self.graph.shape(name))
        if form == Type.BITS and len(dims) != 3:
            raise ConversionError(
                f"value '{name}' of shape {list(self.graph.shape(name))} cannot be bits; only [1, C, H, W] and [M, K] can"
            )
        return self.builder.activation(form, dims, name)

    def register(self, name: str, form: Type, index: int, order: Order | None = None) -> int:
        """An op has written the tensor: from now on the value has this form (channels-last unless said)."""
        if form == Type.BITS:
            self._of(name).bits = index
        elif form == Type.I8:
            self._of(name).numbers = index
        else:
            order = canonical(self.graph.shape(name)) if order is None else order
            self._of(name).floats.append((order, index))
        return index

    def make(
        self,
        name: str,
        form: Type,
        kind: Kind,
        inputs: list[int],
        words: Sequence[int] = (),
        steps: Sequence[Step] = (),
        dims: Shape | None = None,
        order: Order | None = None,
        label: str = "",
    ) -> int:
        """Append an op that writes one form of a value; `label` names it (default: the value's name)."""
        index = self.tensor(name, form, dims)
        self.builder.op(kind, inputs, [index], words, steps, label or name)
        return self.register(name, form, index, order)

    def view(self, node: Node) -> None:
        """A transpose or reshape: the same memory where it can be, else a copy in another order first."""
        source, target = self.graph.shape(node.inputs[0]), self.graph.shape(node.output)
        if self.graph.const(node.inputs[0]) is not None:
            self.floats(node.inputs[0], native(source))
        forms, new = self.forms[node.inputs[0]], self._of(node.output)
        for order, index in forms.floats:
            seen = view_order(node, source, target, order)
            if seen is not None:
                new.floats.append((seen, index))
        same = view_order(node, source, target, canonical(source))
        if forms.bits is not None and keeps_bits(source, target, same):
            new.bits = forms.bits
        if not new.floats and new.bits is None:
            wanted = self._source_order(node, source, target)
            index = self.floats(node.inputs[0], wanted)
            seen = view_order(node, source, target, wanted)
            assert seen is not None
            new.floats.append((seen, index))

    def _source_order(self, node: Node, source: Shape, target: Shape) -> Order:
        """The order of a view's input in which the result is channels-last, if there is one, else the source model's."""
        if node.op == "transpose":
            return tuple(node.attrs["perm"][axis] for axis in canonical(target))
        back = reshaped(canonical(target), target, source)
        return native(source) if back is None else back

    # -- reading --

    def floats(
        self,
        name: str,
        order: Order | None = None,
        dims: Shape | None = None,
        last: int | None = None,
    ) -> int:
        """The tensor with a value's floats in an order (default: channels-last).

        `dims` asks for exactly these dims, `last` for this size of the last axis; otherwise any dims will do.
        """
        shape = self.graph.shape(name)
        order = canonical(shape) if order is None else order
        self._make_floats(name, order)
        tensors = self.builder.tensors
        found = [index for known, index in self.forms[name].floats if known == order]
        for index in found:
            has = tensors[index].dims
            if dims in (None, has) and last in (None, has[-1]):
                return index
        return self.make(name, Type.F32, Kind.RESHAPE, [found[0]], dims=dims, order=order)

    def _make_floats(self, name: str, order: Order) -> None:
        """Have the value in this order, in some dims."""
        shape, forms = self.graph.shape(name), self._of(name)
        const = self.graph.const(name)
        if any(known == order for known, _ in forms.floats):
            return
        if const is not None:
            rest = [axis for axis in range(len(shape)) if axis not in order]
            dims = storage_dims(shape) if order == canonical(shape) else tuple(shape) or (1,)
            moved = normal(const).transpose(*rest, *order).reshape(dims)
            forms.floats.append((order, self.builder.floats(moved, f"constant '{name}'")))
        elif forms.floats:
            source, index = forms.floats[0]
            dims, perm = transposition(shape, source, order)
            out = None if order == canonical(shape) else tuple(shape)
            words = [len(dims), *six(dims), *six(perm)]
            self.make(name, Type.F32, Kind.TRANSPOSE, [index], words, dims=out, order=order)
        elif forms.bits is not None or forms.numbers is not None:
            x = forms.numbers if forms.bits is None else forms.bits
            assert x is not None
            self.make(name, Type.F32, Kind.POINTWISE, [x], steps=[Step.EMIT_F32])
            self._make_floats(name, order)
        else:
            raise ConversionError(f"value '{name}' is used before it is computed")

    def floats_at_hand(self, name: str) -> tuple[Order, int]:
        """Floats in any order, channels-last if they are there, and the order."""
        if self._of(name).floats:
            order = canonical(self.graph.shape(name))
            return next(
                (f for f in self.forms[name].floats if f[0] == order), self.forms[name].floats[0]
            )
        index = self.floats(name)
        return canonical(self.graph.shape(name)), index

    def bits(self, name: str) -> int:
        """The tensor with a two-valued value's bits."""
        forms = self._of(name)
        if forms.bits is None:
            channels = storage_dims(self.graph.shape(name))[-1]
            x = self.floats(name, last=channels)
            zeros = np.zeros(channels)
            operands = self.builder.quantiser(zeros, zeros, name)
            steps = [Step.EMIT_BITS]
            return self.make(name, Type.BITS, Kind.POINTWISE, [x, *operands], steps=steps)
        return forms.bits

    def numbers(self, name: str) -> int:
        """The tensor with a value's 8-bit numbers."""
        forms = self._of(name)
        if forms.numbers is None:
            x = self.floats(name, last=storage_dims(self.graph.shape(name))[-1])
            operands = self.builder.to_int8(1.0, 0)
            steps = [Step.EMIT_I8]
            return self.make(name, Type.I8, Kind.POINTWISE, [x, *operands], steps=steps)
        return forms.numbers
