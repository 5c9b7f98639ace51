# SPDX-License-Identifier: BSD-3-Clause
"""Sign functions of activations in the spellings that real networks have (and some that only a test would write).

Each spelling takes a tensor and returns a two-valued one, with its levels. None of them gives ONNX Sign's third value 0,
but for `plain` where the tensor may be 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from onnx import TensorProto

from generator.exact import Graph, Tensor
from onnx_builder import Array

Spelling = Callable[[Graph, Tensor], Tensor]
FLOAT = TensorProto.FLOAT


def scalar(g: Graph, value: float) -> str:
    """A constant number, as scalar or with one element."""
    return g.constant(np.full(g.pick((), (1,), (1, 1)), value, np.float32))


def row(g: Graph, x: Tensor, values: Array) -> str:
    """A constant per channel, in one of the shapes that broadcast to x."""
    shape = [1] * len(x.shape)
    shape[x.axis] = x.channels
    kinds: list[Array] = [values.reshape(shape), values.reshape(shape[1:])]
    if x.axis == len(x.shape) - 1:
        kinds.append(values)
    if g.opset >= 8 and np.prod(x.shape) < 500:
        kinds.append(np.broadcast_to(values.reshape(shape), x.shape).copy())
    return g.constant(g.pick(*kinds))


def limits(g: Graph, x: Tensor) -> str:
    """What x is compared with: 0, a number, or numbers per channel; often values that x takes."""
    kind = g.pick("zero", "scalar", "row")
    if kind == "zero":
        return scalar(g, 0.0)
    step = x.grain or x.bound / 8
    if kind == "scalar":
        return scalar(g, float(g.integer(-3, 3)) * step)
    return row(g, x, (g.rng.integers(-3, 4, x.channels) * step).astype(np.float32))


def compare(g: Graph, x: Tensor, limit: str) -> tuple[str, bool]:
    """A boolean name, and whether it is true above the limit."""
    strict = g.chance(50) or g.opset < 12
    op, above = g.pick(("Greater", True), ("Less", False))
    swapped, negated = g.chance(25), g.chance(25)
    names = [limit, x.name] if swapped else [x.name, limit]
    result = g.emit(op if strict else f"{op}OrEqual", names)
    if negated:
        result = g.emit("Not", [result])
    return result, above != swapped != negated


def two(g: Graph) -> tuple[float, float]:
    """Two values, lower one first."""
    return g.pick((-1.0, 1.0), (-1.0, 1.0), (0.0, 1.0), (-0.5, 0.5), (-2.0, 0.0), (1.0, 2.0))


def levelled(x: Tensor, name: str, low: float, high: float) -> Tensor:
    """The result of a sign function of x."""
    return replace(
        x,
        name=name,
        bound=max(abs(low), abs(high)),
        grain=0.5 if x.grain else 0.0,
        levels=(low, high),
        nonzero=low * high != 0,
    )


def where(g: Graph, x: Tensor) -> Tensor:
    """Where(comparison, a, b)."""
    low, high = two(g)
    condition, above = compare(g, x, limits(g, x))
    whole = g.chance(30)
    values = [
        g.constant(np.full(x.shape, v, np.float32)) if whole else scalar(g, v)
        for v in ((high, low) if above else (low, high))
    ]
    return levelled(x, g.emit("Where", [condition, *values]), low, high)


def cast(g: Graph, x: Tensor) -> Tensor:
    """Cast(comparison), mostly with * 2 - 1 behind it."""
    condition, _ = compare(g, x, limits(g, x))
    bits = g.emit("Cast", [condition], to=FLOAT)
    form = g.pick("2x-1", "1-2x", "x", "(x-0.5)/0.5")
    if form == "2x-1":
        name = g.emit("Sub", [g.emit("Mul", [bits, scalar(g, 2)]), scalar(g, 1)])
    elif form == "1-2x":
        name = g.emit("Sub", [scalar(g, 1), g.emit("Mul", [scalar(g, 2), bits])])
    elif form == "x":
        return levelled(x, bits, 0, 1)
    else:
        name = g.emit("Div", [g.emit("Sub", [bits, scalar(g, 0.5)]), scalar(g, 0.5)])
    return levelled(x, name, -1, 1)


def off_zero(g: Graph, x: Tensor) -> Tensor:
    """x plus odd halves of its grain, which is never 0."""
    if x.nonzero:
        return x
    odd = (g.rng.integers(-2, 2, x.channels) + 0.5) * (x.grain or 0.25)
    shift = row(g, x, odd.astype(np.float32))
    return g.apply(
        "Add", x, shift, bound=x.bound + 2 * (x.grain or 0.25), grain=x.grain / 2, nonzero=True
    )


def plain(g: Graph, x: Tensor) -> Tensor:
    """Sign, of something that may be 0 in one case of six."""
    x = x if g.chance(16) else off_zero(g, x)
    return levelled(x, g.emit("Sign", [x.name]), -1, 1)


def twice(g: Graph, x: Tensor) -> Tensor:
    """Sign(Sign(x) + c), which decides about 0 itself."""
    shift = scalar(g, g.pick(0.1, -0.1, 0.5))
    inner = g.emit("Add", [g.emit("Sign", [x.name]), shift])
    return levelled(x, g.emit("Sign", [inner]), -1, 1)


def clipped(g: Graph, x: Tensor, low: float, high: float) -> str:
    """Clip in the form of the opset."""
    if g.opset < 11:
        return g.emit("Clip", [x.name], min=low, max=high)
    if g.opset >= 12 and g.chance(20):
        return g.emit("Min", [g.emit("Max", [x.name, scalar(g, low)]), scalar(g, high)])
    names = [g.constant(np.array(v, np.float32)) for v in (low, high)]
    return g.emit("Clip", [x.name, *names])


def straight_through(g: Graph, x: Tensor) -> Tensor:
    """(Sign(x) - clip(x)) + clip(x), as `detach` leaves it.

    Not of products: those of few values may have more on paper, and the sum is then not seen to cancel.
    """
    if x.product:
        return plain(g, x)
    x = off_zero(g, x)
    sign, clip = g.emit("Sign", [x.name]), clipped(g, x, -1.0, 1.0)
    difference = g.emit("Sub", [sign, clip])
    names = [difference, clip] if g.chance(50) else [clip, difference]
    return levelled(x, g.emit("Add", names), -1, 1)


def polynomial(g: Graph, x: Tensor) -> Tensor:
    """Bi-Real-Net's estimator: pieces of +-x^2 + 2x between -1 and +1, all of which cancel."""
    x = off_zero(g, x)
    if x.product or not g.fits((x.bound + 1) ** 2, x.grain**2):
        return straight_through(g, x)
    sign = g.emit("Sign", [x.name])
    masks = [
        g.emit("Cast", [g.emit("Less", [x.name, scalar(g, limit)])], to=FLOAT)
        for limit in (-1, 0, 1)
    ]
    square, double = g.emit("Mul", [x.name, x.name]), g.emit("Mul", [x.name, scalar(g, 2)])
    pieces = [
        scalar(g, -1),
        g.emit("Add", [square, double]),
        g.emit("Add", [g.emit("Neg", [square]), double]),
        scalar(g, 1),
    ]
    total = pieces[3]
    for mask, piece in zip(masks[::-1], pieces[2::-1], strict=True):
        rest = g.emit("Sub", [scalar(g, 1), mask])
        total = g.emit("Add", [g.emit("Mul", [piece, mask]), g.emit("Mul", [total, rest])])
    return levelled(x, g.emit("Add", [g.emit("Sub", [sign, total]), total]), -1, 1)


def rounded(g: Graph, x: Tensor) -> Tensor:
    """2 * round((clip(x) + 1) / 2) - 1; Round goes to the even number, so 0 gives -1."""
    up = g.emit("Add", [clipped(g, x, -1.0, 1.0), scalar(g, 1)])
    half = g.emit(*g.pick(("Div", [up, scalar(g, 2)]), ("Mul", [up, scalar(g, 0.5)])))
    double = g.emit("Mul", [g.emit("Round", [half]), scalar(g, 2)])
    return levelled(x, g.emit("Sub", [double, scalar(g, 1)]), -1, 1)


def soft(g: Graph, x: Tensor) -> Tensor:
    """Sign(Tanh(x)), Sign(HardTanh(x))."""
    x = off_zero(g, x)
    name = g.emit("Tanh", [x.name]) if g.chance(50) else clipped(g, x, -1.0, 1.0)
    return levelled(x, g.emit("Sign", [name]), -1, 1)


def masked(g: Graph, x: Tensor) -> Tensor:
    """y[x >= t] = 1; y[x < t] = -1: two Where in a row."""
    limit = limits(g, x)
    below = g.emit("Less", [x.name, limit])
    above = g.emit("Not", [below])
    first = g.emit("Where", [above, scalar(g, 1), x.name])
    return levelled(x, g.emit("Where", [below, scalar(g, -1), first]), -1, 1)


def negative(g: Graph, x: Tensor) -> Tensor:
    """Neg(Sign(x))."""
    x = off_zero(g, x)
    return levelled(x, g.emit("Neg", [g.emit("Sign", [x.name])]), -1, 1)


def bipolar(g: Graph, x: Tensor) -> Tensor:
    """QONNX: BipolarQuant."""
    scale = g.pick(1.0, 0.5, 2.0)
    return levelled(x, g.bipolar(x.name, scalar(g, scale)), -scale, scale)


#: Spellings by the opset that first has their operators.
SPELLINGS: dict[int, tuple[Spelling, ...]] = {
    7: (cast,),
    9: (plain, where, twice, straight_through, polynomial, soft, masked, negative),
    11: (rounded,),
    16: (bipolar,),
}


def any_sign(g: Graph, x: Tensor) -> Tensor:
    """One of the spellings that the opset can write."""
    able = [spelling for opset, rows in SPELLINGS.items() if opset <= g.opset for spelling in rows]
    return g.pick(*able)(g, x)
