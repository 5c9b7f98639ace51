# SPDX-License-Identifier: BSD-3-Clause
"""How an operator file declares itself: `@operation` in the IR, `@importer` from ONNX.

An operation is a numpy reference `f(*inputs, **attributes)`; it is also given `shape`, the shape of
the output value, and swallows attributes that it does not need by `**_`. Its shape rule has the
same arguments with shapes for arrays and raises ValueError for shapes that do not fit.

An importer `f(ctx: NodeContext)` writes the IR nodes of one ONNX node and returns the name of the
value that holds its result (a tuple of names where the ONNX node has several outputs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import onnx

from converter.errors import ConversionError
from converter.graph import Array, Graph, Node

Shape = tuple[int, ...]
Result = str | tuple[str, ...]

ONNX = ("", "ai.onnx")
MICROSOFT = "com.microsoft"  # onnxruntime's own
PRIVATE = "libbnn"  # domain of operators that the importer makes for itself
FLOATS = ("float16", "bfloat16", "float32", "float64")
MAX_BYTES = 2**31


@dataclass(frozen=True)
class Operation:
    """An operator of the IR. `dtype` None: as the last input."""

    name: str
    reference: Callable[..., Array]
    shape: Callable[..., Shape]
    dtype: np.dtype[Any] | None


OPERATIONS: dict[str, Operation] = {}
IMPORTERS: dict[tuple[str, str], Callable[[NodeContext], Result]] = {}


def operation(
    name: str, shape: Callable[..., Shape], dtype: npt.DTypeLike | None = np.float32
) -> Callable[[Callable[..., Array]], Callable[..., Array]]:
    """Declare the numpy reference of an operator of the IR, with its shape rule and result type."""

    def register(reference: Callable[..., Array]) -> Callable[..., Array]:
        kind = None if dtype is None else np.dtype(dtype)
        OPERATIONS[name] = Operation(name, reference, shape, kind)
        return reference

    return register


Importer = Callable[["NodeContext"], Result]
F = TypeVar("F", bound=Importer)


def importer(*op_types: str, domains: Sequence[str] = ("",)) -> Callable[[F], F]:
    """Declare how ONNX nodes of these types become nodes of the IR."""

    def register(function: F) -> F:
        IMPORTERS.update({(d, t): function for d in domains for t in op_types})
        return function

    return register


def same_shape(x: Shape, *_others: Shape, **_: Any) -> Shape:
    """Shape rule of operators that keep the shape of their first input."""
    return x


def per_channel(c: Array, rank: int) -> Array:
    """A constant [C] in the form that broadcasts along the channel axis of a value of this rank."""
    return c if rank <= 1 else c.reshape(-1, *(1,) * (rank - 2))


def spreads(shape: Shape, over: Shape) -> bool:
    """Whether a value of this shape is repeated over another as a step of the .dab file can: whole, or one element for each
    channel, for each pixel, or for all."""
    axis = min(1, len(over) - 1)
    one = tuple(d if i == axis else 1 for i, d in enumerate(over))
    pixels = tuple(1 if i == axis else d for i, d in enumerate(over))
    return shape in (over, one, pixels, (1,) * len(over))


def two_valued(x: Array) -> Array:
    """The input of a binary operator; ValueError unless all of it is -1 or +1."""
    if not np.all(np.abs(x) == 1):
        raise ValueError("the input of a binary operator has values other than -1 and +1")
    return x


@dataclass
class NodeContext:
    """What an importer sees of one ONNX node; `inputs` are IR values, "" for missing ones."""

    graph: Graph
    node: onnx.NodeProto
    opset: int
    inputs: list[str]
    label: str

    def error(self, text: str) -> ConversionError:
        """An error that names this node."""
        return ConversionError(f"node '{self.label}' ({self.node.op_type}): {text}")

    # -- attributes and inputs -------------------------------------------------------------------
    def attr(self, name: str, default: Any = None) -> Any:
        """An attribute as a Python value (text decoded), or the default."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                value = onnx.helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def has(self, index: int) -> bool:
        """Whether the optional input is there."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def uses_output(self, index: int) -> bool:
        """Whether the optional output is asked for."""
        return index < len(self.node.output) and self.node.output[index] != ""

    def shape(self, index: int = 0) -> Shape:
        """Shape of an input."""
        return self.graph.shape(self.inputs[index])

    def channels(self, index: int = 0) -> int:
        """Size of the channel axis of an input."""
        shape = self.shape(index)
        return shape[1] if len(shape) > 1 else shape[0]

    def is_const(self, index: int) -> bool:
        """Whether the input is there and constant."""
        return self.has(index) and self.graph.const(self.inputs[index]) is not None

    def weight(self, index: int, what: str) -> str:
        """Name of a constant input as finite float32; messages call it `what`."""
        name = self.inputs[index] if self.has(index) else ""
        data = self.graph.const(name) if name else None
        if data is None:
            raise self.error(
                f"its {what} is computed from the model's input; it must be a constant"
                if name
                else f"it has no {what}"
            )
        if data.dtype.name not in FLOATS:
            raise self.error(f"its {what} '{name}' has type {data.dtype}; it must be float")
        if not np.all(np.isfinite(data.astype(np.float64))):
            raise self.error(
                f"its {what} '{name}' holds NaN or infinite values; train again or repair"
            )
        return as_float32(self.graph, name)

    def const(self, index: int, what: str) -> Array:
        """Data of a constant input as finite float32 (see `weight`)."""
        data = self.graph.const(self.weight(index, what))
        assert data is not None
        return data

    def ints(self, index: int, what: str) -> list[int]:
        """A constant integer input as a list."""
        data = self.graph.const(self.inputs[index]) if self.has(index) else None
        if data is None:
            raise self.error(
                f"its {what} must be a constant (they are computed from the model's input)"
            )
        return [int(v) for v in data.reshape(-1)]

    def axes(
        self, index: int, default: Sequence[int] | None = None, rank: int = 0
    ) -> list[int] | None:
        """Axes as attribute `axes` or as constant input `index`, made non-negative."""
        rank = rank or len(self.shape())
        given = self.attr("axes")
        if given is None:
            given = self.ints(index, "axes") if self.has(index) else default
        return None if given is None else [self.axis(a, rank) for a in given]

    def axis(self, axis: int, rank: int | None = None) -> int:
        """A non-negative axis from one that may count from the end."""
        rank = len(self.shape()) if rank is None else rank
        if not -rank <= axis < rank:
            raise self.error(f"axis {axis} is outside the {rank} axes of its input")
        return int(axis % rank)

    # -- results ---------------------------------------------------------------------------------
    def constant(self, data: Array, hint: str = "const") -> str:
        """Add a constant."""
        return self.graph.add_const(data, f"{self.label}.{hint}")

    def emit(self, op: str, *inputs: str, shape: Sequence[int] | None = None, **attrs: Any) -> str:
        """Add a node of the IR and return its output's name. Float constants become float32."""
        names = [as_float32(self.graph, name) for name in inputs]
        values = [self.graph.values[name] for name in names]
        rule = OPERATIONS[op]
        if shape is None:
            try:
                shape = rule.shape(*(value.shape for value in values), **attrs)
            except ValueError as error:
                raise self.error(str(error)) from None
        dtype = np.dtype(attrs["dtype"]) if op == "cast" else rule.dtype or values[-1].dtype
        shape = tuple(int(d) for d in shape)
        for what, size in (
            *zip(names, (value.shape for value in values), strict=True),
            ("", shape),
        ):
            if 0 in size:
                which = f"its input '{what}'" if what else "its result"
                raise self.error(f"{which} of shape {list(size)} has no elements")
        check_size(shape, dtype, f"the result of node '{self.label}'")
        output = self.graph.fresh(f"{self.node.output[0] or self.label}.{op}")
        self.graph.add_value(output, shape, dtype)
        self.graph.nodes.append(Node(op, names, [output], attrs, [self.label]))
        return output

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """A value with another shape (itself where nothing changes)."""
        return x if self.graph.shape(x) == tuple(shape) else self.emit("reshape", x, shape=shape)

    def transpose(self, x: str, perm: Sequence[int]) -> str:
        """A value with its axes in another order (itself where nothing changes)."""
        perm = tuple(perm)
        return x if perm == tuple(range(len(perm))) else self.emit("transpose", x, perm=perm)

    def affine(self, x: str, mul: Array, add: Array) -> str:
        """x * mul + add along the channel axis."""
        channels = self.graph.shape(x)[1 if len(self.graph.shape(x)) > 1 else 0]
        operands = []
        for name, data in (("mul", mul), ("add", add)):
            with np.errstate(over="ignore", invalid="ignore"):
                data = np.asarray(data, np.float32).reshape(-1)
            if data.size not in (1, channels):
                raise self.error(f"its constant of {data.size} values is for {channels} channels")
            data = np.broadcast_to(data, (channels,)).copy()
            if not np.all(np.isfinite(data)):
                raise self.error(
                    "its constants give NaN or infinity as a float32 factor or offset; "
                    "check variance, epsilon and divisors"
                )
            operands.append(self.constant(data, name))
        return self.emit("affine", x, *operands)


def check_size(shape: Shape, dtype: np.dtype[Any], what: str) -> None:
    """Refuse what could never be in a .dab file, before anything allocates it."""
    size = dtype.itemsize
    for d in shape:
        size *= d
    if size >= MAX_BYTES:
        raise ConversionError(
            f"{what} has shape {list(shape)}, {size / 2**30:.1f} GiB; the limit is 2 GiB a tensor"
        )


def as_float32(graph: Graph, name: str) -> str:
    """The name of the same value; of a float32 copy if it is a constant of another float type."""
    data = graph.const(name) if name else None
    if data is None or data.dtype == np.float32 or data.dtype.name not in FLOATS:
        return name
    copy = f"{name} (float32)"
    if copy not in graph.values:
        with np.errstate(over="ignore"):
            graph.add_value(copy, data.shape).const = data.astype(np.float32)
    return copy
