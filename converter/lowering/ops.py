# SPDX-License-Identifier: BSD-3-Clause
"""Lowering of each operator of the graph: one method per operator, found by its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from converter.dab_model import Kind, Type
from converter.errors import ConversionError
from converter.graph import Array, Graph, Node
from converter.lowering.axes import Shape, canonical, full_dims, positions, storage_dims
from converter.lowering.builder import Builder, normal, six
from converter.lowering.fusion import ELEMENTWISE, OF_TWO, Fusion, Program, node_names, takes
from converter.lowering.needs import VIEWS, Needs, reads_numbers, runs_binary
from converter.lowering.storage import Storage

MAX_EXACT = 1 << 24  # longest dot product of signs that floats add up exactly


class Lowering:
    """Appends the .dab ops of one node after the other."""

    def __init__(self, graph: Graph, needs: Needs, builder: Builder) -> None:
        self.graph, self.needs, self.builder = graph, needs, builder
        self.storage = Storage(graph, builder)
        self.fusion = Fusion(graph, needs, self.storage, builder)

    def node(self, node: Node) -> None:
        """Lower a node, unless nobody needs it or it is a step of an op that is there already."""
        if not self.needs.of(node.output) or id(node) in self.fusion.lowered:
            return
        lower = _OPERATORS.get(node.op)
        if lower is None:
            raise ConversionError(
                f"{node.describe()}: operator '{node.op}' has no counterpart in a .dab file unless it is part of a sign "
                f"function; express it by {', '.join(sorted(_OPERATORS))}, or run it outside of the network"
            )
        lower(self, node)

    # -- elementwise, views --

    def elementwise(self, node: Node) -> None:
        """A pointwise op, with all that fuses."""
        value = node.inputs[0]
        if node.op in OF_TWO:
            found = [name for name in node.inputs if takes(self.graph, node, name)]
            value = min(found, key=lambda name: self.graph.const(name) is not None)
        while id(node) not in self.fusion.lowered:
            x = self.storage.any_form(value)
            self.fusion.run(Program(Kind.POINTWISE, [x]), value, fresh=False)

    def view(self, node: Node) -> None:
        """Transpose and reshape move nothing if they can help it."""
        self.storage.view(node)

    # -- convolution, dense --

    def conv(self, node: Node) -> None:
        """conv: float input."""
        x = self._image(node)
        self._convolve(node, Kind.CONV2D, x, tuple(node.attrs["pads"]))

    def bconv(self, node: Node) -> None:
        """bconv: binary, or on floats where its dot products are too long or its groups too narrow."""
        pads = tuple(node.attrs["pads"])
        if runs_binary(self.graph, node):
            x = self.storage.bits(node.inputs[0])
            self._convolve(node, Kind.BCONV2D, x, pads, [node.attrs["border"]])
            return
        self._require_exact(node)
        x = self._image(node)
        if node.attrs["border"] != 0 and any(pads):
            top, left, bottom, right = pads
            dims = self.builder.tensors[x].dims
            padded = self.builder.activation(
                Type.F32, (top + dims[0] + bottom, left + dims[1] + right, dims[2]), node.inputs[0]
            )
            value = float_bits(node.attrs["border"])
            words = [*six([top, left, 0]), *six([bottom, right, 0]), value]
            self.builder.op(Kind.PAD, [x], [padded], words, name=node_names([node]))
            x, pads = padded, (0, 0, 0, 0)
        self._convolve(node, Kind.CONV2D, x, pads)

    def qconv(self, node: Node) -> None:
        """qconv: 8-bit input, or a float one that becomes it."""
        dims = self._require_image(node)
        x = self._numbers(node, dims)
        self._convolve(node, Kind.QCONV2D, x, tuple(node.attrs["pads"]), [node.attrs["zero"] or 0])

    def _numbers(self, node: Node, dims: Shape) -> int:
        """x of a layer of 8-bit numbers, channels-last; if it is float, in these dims."""
        name = node.inputs[0]
        return (
            self.storage.numbers(name)
            if reads_numbers(node)
            else self.storage.floats(name, dims=dims)
        )

    def _image(self, node: Node) -> int:
        """The first input as floats [H, W, C]."""
        return self.storage.floats(node.inputs[0], dims=self._require_image(node))

    def _require_image(self, node: Node) -> Shape:
        """Dims of the first input, [H, W, C]."""
        shape = self.graph.shape(node.inputs[0])
        if len(shape) != 4 or shape[0] != 1:
            raise ConversionError(
                f"{node.describe()}: its input is {list(shape)}; a '{node.op}' needs an image [1, C, H, W]"
            )
        return storage_dims(shape)

    def _convolve(
        self, node: Node, kind: Kind, x: int, pads: Sequence[int], more: Sequence[int] = ()
    ) -> None:
        groups = node.attrs.get("groups", 1)
        weights = self._weights(node)
        outputs, *rest = weights.shape
        split = weights.reshape(groups, outputs // groups, *rest).transpose(0, 1, 3, 4, 2)
        w = self._packed(split, kind)
        words = [*node.attrs["strides"], *node.attrs["dilations"], *pads, *more]
        self.fusion.run(Program(kind, [x, w], words, [node]), node.output)

    def dense(self, node: Node) -> None:
        """dense and bdense: one row, in whatever order its input lies, or a 1x1 convolution over several."""
        binary = node.op == "bdense"
        if binary and not runs_binary(self.graph, node):
            self._require_exact(node)
            binary = False
        kind = Kind.BDENSE if binary else Kind.QDENSE if node.op == "qdense" else Kind.DENSE
        weights, shape = self._weights(node), self.graph.shape(node.inputs[0])
        if weights.ndim == 2:
            self._rows(node, weights, kind)
            return
        dims: Shape = (1, 1, math.prod(shape))
        words = [node.attrs["zero"] or 0] if kind == Kind.QDENSE else []
        if kind == Kind.BDENSE:
            order, x, dims = (
                canonical(shape),
                self.storage.bits(node.inputs[0]),
                storage_dims(shape),
            )
        elif reads_numbers(node):
            order, x = canonical(shape), self.storage.numbers(node.inputs[0])
        else:
            order, x = self.storage.floats_at_hand(node.inputs[0])
        ones = [axis for axis in range(len(shape)) if axis not in order]
        moved = weights.transpose(0, *(1 + axis for axis in (*ones, *order)))
        w = self._packed(moved.reshape(1, len(weights), *dims), kind)
        self.fusion.run(Program(kind, [x, w], words, [node]), node.output)

    def _packed(self, weights: Array, kind: Kind) -> int:
        """Weights [G, O, KH, KW, C] in the form that the op reads."""
        if kind in (Kind.QCONV2D, Kind.QDENSE) and not np.all(np.abs(weights) == 1):
            return self.builder.weights8(weights)
        return self.builder.weights(weights, kind in (Kind.BCONV2D, Kind.BDENSE))

    def _rows(self, node: Node, weights: Array, dense: Kind) -> None:
        """x [M, K] @ w [O, K].T as a convolution of [1, M, K]."""
        name = node.inputs[0]
        dims = storage_dims(self.graph.shape(name))
        kind, more = Kind.CONV2D, []
        if dense == Kind.BDENSE:
            kind, more, x = Kind.BCONV2D, [0], self.storage.bits(name)
        elif dense == Kind.QDENSE:
            kind, more, x = Kind.QCONV2D, [node.attrs["zero"] or 0], self._numbers(node, dims)
        else:
            x = self.storage.floats(name, dims=dims)
        w = self._packed(weights[np.newaxis, :, np.newaxis, np.newaxis, :], kind)
        program = Program(kind, [x, w], [1, 1, 1, 1, 0, 0, 0, 0, *more], [node])
        self.fusion.run(program, node.output)

    def _weights(self, node: Node) -> Array:
        weights = self.graph.const(node.inputs[1])
        if weights is None:
            raise ConversionError(f"{node.describe()}: its weights must be constant")
        binary = weights.dtype == np.int8 and node.op not in ("qconv", "qdense")
        if binary and not np.all(np.abs(weights) == 1):
            raise ConversionError(f"{node.describe()}: its binary weights are not all -1 and +1")
        if weights.dtype != np.int8 and not np.all(np.isfinite(weights)):
            raise ConversionError(f"{node.describe()}: its weights hold NaN or infinity")
        return weights

    def _require_exact(self, node: Node) -> None:
        length = int(np.prod(self.graph.shape(node.inputs[1])[1:]))
        if length > MAX_EXACT:
            raise ConversionError(
                f"{node.describe()}: its dot products have {length} elements; more than {MAX_EXACT} cannot be added exactly"
            )

    # -- pooling --

    def maxpool(self, node: Node) -> None:
        """Maxpool of floats."""
        self._append(node, Kind.MAXPOOL2D, [self._image(node)], pool_words(node))

    def avgpool(self, node: Node) -> None:
        """Avgpool of floats."""
        words = [*pool_words(node), int(node.attrs["count_pad"])]
        self._append(node, Kind.AVGPOOL2D, [self._image(node)], words)

    def bmaxpool(self, node: Node) -> None:
        """Bmaxpool of bits."""
        flip = self.graph.const(node.inputs[1])
        assert flip is not None
        inputs = [self.storage.bits(node.inputs[0]), self.builder.flips(flip)]
        label = node_names([node])
        self.storage.make(
            node.output, Type.BITS, Kind.BMAXPOOL2D, inputs, pool_words(node), label=label
        )

    # -- resizing --

    def gather2d(self, node: Node) -> None:
        """Gather2d of floats, of bits, or of both."""
        tables = [self.builder.table(np.array(node.attrs[name])) for name in ("rows", "columns")]
        for form in sorted(self.needs.of(node.output)):
            x = self._image(node) if form == Type.F32 else self.storage.bits(node.inputs[0])
            label = node_names([node])
            self.storage.make(node.output, form, Kind.GATHER2D, [x, *tables], label=label)

    def resize2d(self, node: Node) -> None:
        """Resize2d of floats."""
        inputs = [self._image(node)]
        for name in ("row", "column"):
            inputs.append(self.builder.table(np.array(node.attrs[f"{name}s"])))
            weights = normal(np.array(node.attrs[f"{name}_weights"]))
            inputs.append(self.builder.floats(weights, node.describe()))
        self._append(node, Kind.RESIZE2D, inputs, [])

    # -- others --

    def _append(
        self, node: Node, kind: Kind, inputs: list[int], words: list[int], dims: Shape | None = None
    ) -> None:
        """An op that writes the floats of the node's output."""
        label = node_names([node])
        self.storage.make(node.output, Type.F32, kind, inputs, words, dims=dims, label=label)

    def _dims(self, name: str, batch: bool) -> Shape:
        """Dims for an op that looks at axes: with the batch axis only where it must be."""
        shape = self.graph.shape(name)
        return full_dims(shape) if batch else storage_dims(shape)

    def concat(self, node: Node) -> None:
        """Concat along any axis."""
        if len(node.inputs) > 64:
            raise ConversionError(
                f"{node.describe()}: it joins {len(node.inputs)} values; at most 64 can be joined, split it up"
            )
        axis, shape = node.attrs["axis"], self.graph.shape(node.output)
        batch = axis == 0
        inputs = [self.storage.floats(name, dims=self._dims(name, batch)) for name in node.inputs]
        dims = self._dims(node.output, batch)
        self._append(node, Kind.CONCAT, inputs, [positions(shape, dims)[axis]], dims)

    def softmax(self, node: Node) -> None:
        """Softmax along any axis."""
        axis, shape = node.attrs["axis"], self.graph.shape(node.output)
        dims = self._dims(node.output, axis == 0)
        x = self.storage.floats(node.inputs[0], dims=dims)
        self._append(node, Kind.SOFTMAX, [x], [positions(shape, dims)[axis]], dims)

    def pad(self, node: Node) -> None:
        """Pad with a constant."""
        before, after = node.attrs["before"], node.attrs["after"]
        if min(*before, *after) < 0:
            raise ConversionError(
                f"{node.describe()}: its pads are negative; use a Slice to cut something off"
            )
        value = float(node.attrs["value"])
        if np.isnan(value):
            raise ConversionError(f"{node.describe()}: its padding value is NaN")
        batch = bool(before[0] or after[0])
        x, dims, at = self._operand(node, batch)
        words = [*self._six(before, at, dims, 0), *self._six(after, at, dims, 0)]
        words.append(float_bits(value))
        self._append(node, Kind.PAD, [x], words, self._dims(node.output, batch))

    def slice(self, node: Node) -> None:
        """Slice; with steps of 0 elements are repeated, with negative ones it goes backwards."""
        starts, steps = node.attrs["starts"], node.attrs["steps"]
        source, target = self.graph.shape(node.inputs[0]), self.graph.shape(node.output)
        batch = source[0] != target[0]
        x, dims, at = self._operand(node, batch)
        words = [*self._six(starts, at, dims, 0), *self._six(steps, at, dims, 1)]
        self._append(node, Kind.SLICE, [x], words, self._dims(node.output, batch))

    def _operand(self, node: Node, batch: bool) -> tuple[int, Shape, list[int]]:
        """The first input in dims that show its axes, these dims, and where its axes are in them."""
        dims = self._dims(node.inputs[0], batch)
        x = self.storage.floats(node.inputs[0], dims=dims)
        return x, dims, positions(self.graph.shape(node.inputs[0]), dims)

    def _six(self, values: Sequence[int], at: list[int], dims: Shape, default: int) -> list[int]:
        """A group of six attribute words from one number per axis of the graph's value."""
        words = [default] * len(dims)
        for axis, value in enumerate(values):
            if at[axis] >= 0:
                words[at[axis]] = int(value)
        return six(words)


def float_bits(value: float) -> int:
    """The bits of a float as an attribute word."""
    return int(normal(np.array([value])).view(np.int32)[0])


def pool_words(node: Node) -> list[int]:
    """Attribute words that the pooling ops share."""
    attrs = node.attrs
    dilations = attrs.get("dilations", (1, 1))
    return [*attrs["kernel"], *attrs["strides"], *dilations, *attrs["pads"]]


_OPERATORS: dict[str, Callable[[Lowering, Node], None]] = {
    **dict.fromkeys(sorted(ELEMENTWISE), Lowering.elementwise),
    **dict.fromkeys(VIEWS, Lowering.view),
    "conv": Lowering.conv,
    "bconv": Lowering.bconv,
    "qconv": Lowering.qconv,
    "qdense": Lowering.dense,
    "dense": Lowering.dense,
    "bdense": Lowering.dense,
    "maxpool": Lowering.maxpool,
    "avgpool": Lowering.avgpool,
    "bmaxpool": Lowering.bmaxpool,
    "concat": Lowering.concat,
    "softmax": Lowering.softmax,
    "pad": Lowering.pad,
    "gather2d": Lowering.gather2d,
    "resize2d": Lowering.resize2d,
    "slice": Lowering.slice,
}
