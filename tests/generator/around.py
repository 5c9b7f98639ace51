# SPDX-License-Identifier: BSD-3-Clause
"""What stands around binary layers: normalisation, arithmetic, activations, pools, branches, and nodes that do nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from generator.exact import Graph, Tensor
from generator.layers import bias, turned
from generator.resized import nearest, resized
from generator.signs import any_sign, clipped, row, scalar

Step = Callable[[Graph, Tensor], Tensor]


# -- arithmetic --------------------------------------------------------------------------------------
def arithmetic(g: Graph, x: Tensor) -> Tensor:
    """Mul, Div, Add or Sub with a number or with one for each channel."""
    op = g.pick("Mul", "Add", "Sub", "Div")
    alike, swapped = g.chance(50), g.chance(30) and op != "Div"
    count = 1 if alike else x.channels
    if op in ("Add", "Sub"):
        values = bias(g, x.grain, count)
        factor, bound, grain = 1.0, x.bound + float(np.abs(values).max()), x.grain
    else:
        values = g.numbers((0.5, 1.0, 2.0, -0.5, -1.0, -2.0), (count,))
        sizes = np.abs(values if op == "Mul" else 1 / values)
        bound, grain = x.bound * float(sizes.max()), g.finer(x.grain, float(sizes.min()))
        factor = float(values[0])
    if not g.fits(bound, grain):
        return x
    other = scalar(g, float(values[0])) if alike else row(g, x, values)
    names = [other, x.name] if swapped else [x.name, other]
    facts: dict[str, Any] = {"bound": bound, "grain": grain, "nonzero": False, "levels": None}
    if alike and x.levels:
        c = float(values[0])
        forms: dict[str, Callable[[float], float]] = {
            "Mul": lambda v: v * c,
            "Div": lambda v: v / c,
            "Add": lambda v: v + c,
            "Sub": lambda v: c - v if swapped else v - c,
        }
        low, high = sorted(forms[op](v) for v in x.levels)
        facts["levels"] = (low, high)
    facts["nonzero"] = x.nonzero and op in ("Mul", "Div") and factor != 0
    return replace(x, name=g.emit(op, names), **facts)


def batch_norm(g: Graph, x: Tensor) -> Tensor:
    """BatchNormalization with its own epsilon, factors of both signs, and 0; variance 0 too. Exact where it shall be."""
    x = turned(g, x, False)
    count = x.channels
    if g.real:
        gamma = g.rng.standard_normal(count) * (g.rng.random(count) > 0.1)
        beta, mean = g.rng.standard_normal((2, count)) * min(x.bound, 3)
        variance = g.rng.uniform(0.2, 2, count) * x.bound * (g.rng.random(count) > 0.05)
        epsilon = g.pick(1e-5, 1e-3)
        spread = float((np.abs(gamma) / np.sqrt(variance + epsilon)).max())
        bound, grain = (x.bound + 3) * spread + 3, 0.0
    else:
        gamma = g.rng.choice(np.array([1, 1, -1, 0.5, -2, 0]), count)
        epsilon = g.pick(1e-5, 1e-3, 2.0**-6)
        root = g.rng.choice(np.array([0.5, 1, 2]), count)
        variance = (root**2 - epsilon).astype(np.float32)
        if epsilon == 2.0**-6 and g.chance(20):
            variance[0], root[0] = 0, 2.0**-3
        factor = np.abs(gamma / root)
        grain = x.grain * min(1.0, float(factor[factor > 0].min(initial=1.0)))
        beta = g.rng.integers(-3, 4, count) * grain
        # With a decimal epsilon the factor is exact only after rounding: a mean would not cancel.
        mean = g.rng.integers(-3, 4, count) * x.grain * (epsilon == 2.0**-6)
        bound = (x.bound + 3 * x.grain) * float(factor.max()) + 3 * grain
    if not g.fits(bound, grain):
        return x
    parameters = [g.constant(p.astype(np.float32)) for p in (gamma, beta, mean, variance)]
    attrs = {"epsilon": epsilon}
    return g.apply("BatchNormalization", x, *parameters, attrs=attrs, bound=bound, grain=grain)


def negated(g: Graph, x: Tensor) -> Tensor:
    """Neg."""
    levels = (-x.levels[1], -x.levels[0]) if x.levels else None
    return g.apply("Neg", x, levels=levels, nonzero=x.nonzero)


# -- activations -------------------------------------------------------------------------------------
def mapped(x: Tensor, function: Callable[[float], float]) -> tuple[float, float] | None:
    """The levels behind a function that is the same in all channels; None if they meet."""
    if not x.levels:
        return None
    low, high = sorted(function(v) for v in x.levels)
    return (low, high) if low != high else None


def relu(g: Graph, x: Tensor) -> Tensor:
    return g.apply("Relu", x, levels=mapped(x, lambda v: max(v, 0.0)))


def clip(g: Graph, x: Tensor) -> Tensor:
    """Clip, HardTanh, Relu6."""
    low, high = g.pick((-1.0, 1.0), (0.0, 1.0), (0.0, 6.0), (-2.0, 0.5))
    levels = mapped(x, lambda v: min(max(v, low), high))
    bound = min(x.bound, max(-low, high))
    return replace(
        x,
        name=clipped(g, x, low, high),
        bound=bound,
        grain=min(x.grain, 0.5),
        levels=levels,
        nonzero=False,
    )


def prelu(g: Graph, x: Tensor) -> Tensor:
    """PRelu with slopes of both signs, or LeakyRelu."""
    slopes = g.numbers((0.25, 0.5, -0.5, 0.0, 1.0, 2.0), (x.channels,))
    bound, grain = 2.4 * x.bound, g.finer(x.grain, 0.25)
    if not g.fits(bound, grain):
        return x
    if g.chance(30):
        return g.apply("LeakyRelu", x, attrs={"alpha": 0.25}, bound=x.bound, grain=grain)
    shape = [1] * len(x.shape)
    shape[x.axis] = x.channels
    return g.apply("PRelu", x, g.constant(slopes.reshape(shape[1:])), bound=bound, grain=grain)


def rprelu(g: Graph, x: Tensor) -> Tensor:
    """ReActNet's: a shift, PRelu, a shift."""
    shifts = [row(g, x, bias(g, x.grain, x.channels)) for _ in range(2)]
    bound = x.bound + 3 * (x.grain or 0.3)
    y = prelu(g, g.apply("Add", x, shifts[0], bound=bound))
    return g.apply("Add", y, shifts[1], bound=y.bound + 3 * (x.grain or 0.3))


# -- pools -------------------------------------------------------------------------------------------
def pooled(
    g: Graph, x: Tensor, op: str, kernel: tuple[int, int], pads: int, attrs: Any, facts: Any
) -> Tensor:
    """A pool with a window of this size and stride."""
    strides = [min(k, g.pick(k, 1)) for k in kernel]
    if any(s + 2 * pads < k for s, k in zip(x.size, kernel, strict=True)):
        return x
    x = turned(g, x, False)
    size = [(s + 2 * pads - k) // t + 1 for s, k, t in zip(x.size, kernel, strides, strict=True)]
    attrs = {"kernel_shape": kernel, "strides": strides, "pads": [pads] * 4, **attrs}
    return g.apply(op, x, attrs=attrs, shape=(1, x.channels, *size), **facts)


def max_pool(g: Graph, x: Tensor) -> Tensor:
    """MaxPool; of signs it is one of signs."""
    if not x.image:
        return x
    kernel = (g.pick(2, 3, 1), g.pick(2, 3, 1))
    pads = 1 if min(kernel) > 1 and g.chance(30) else 0
    facts = {"levels": x.levels, "nonzero": x.nonzero}
    return pooled(g, x, "MaxPool", kernel, pads, {}, facts)


def mean_pool(g: Graph, x: Tensor) -> Tensor:
    """AveragePool over a number of pixels that divides exactly."""
    kernel = (g.pick(2, 1, 4), g.pick(2, 1, 4))
    grain = g.finer(x.grain, 1 / math.prod(kernel))
    if not x.image or not g.fits(x.bound, grain):
        return x
    pads = 1 if min(kernel) > 1 and g.chance(30) else 0
    attrs = {"count_include_pad": 1} if pads else {}
    return pooled(g, x, "AveragePool", kernel, pads, attrs, {"grain": grain})


def whole_image(g: Graph, x: Tensor) -> Tensor:
    """Global pools; means only where they are exact."""
    if not x.image:
        return x
    pixels = math.prod(x.size)
    op = g.pick("GlobalMaxPool", "GlobalAveragePool", "ReduceMean")
    facts: dict[str, Any] = {"levels": x.levels, "nonzero": x.nonzero}
    if op != "GlobalMaxPool":
        grain = g.finer(x.grain, 1 / pixels)
        if (pixels & (pixels - 1) and not g.real) or not g.fits(x.bound, grain):
            return x
        facts = {"grain": grain}
    if op != "ReduceMean":
        x = turned(g, x, False)
    shape = (1, 1, 1, x.channels) if x.last else (1, x.channels, 1, 1)
    if op != "ReduceMean":
        return g.apply(op, x, shape=shape, **facts)
    name = g.over(op, x.name, (1, 2) if x.last else (2, 3), since=18, keepdims=1)
    return replace(x, name=name, shape=shape, **{"levels": None, "nonzero": False, **facts})


# -- nodes that move elements, or do nothing ---------------------------------------------------------
def same(g: Graph, x: Tensor) -> Tensor:
    """Identity, Dropout, a pair of Transposes, Unsqueeze and Squeeze, a Reshape to the shape it has."""
    kind = g.pick("Identity", "Dropout", "Transpose", "Squeeze", "Reshape")
    keep = {"levels": x.levels, "nonzero": x.nonzero}
    if kind == "Transpose" and x.image:
        return turned(g, turned(g, x, not x.last), x.last)
    if kind == "Squeeze":
        up = g.over("Unsqueeze", x.name, (1,))
        return replace(x, name=g.over("Squeeze", up, (1,)))
    if kind == "Reshape":
        return g.apply("Reshape", x, g.emit("Shape", [x.name]), **keep)
    return g.apply("Dropout" if kind == "Dropout" else "Identity", x, **keep)


def shuffle(g: Graph, x: Tensor) -> Tensor:
    """ShuffleNet's exchange of two halves of the channels."""
    if not x.image or x.last or x.channels % 2:
        return same(g, x)
    keep = {"levels": x.levels, "nonzero": x.nonzero}
    _, count, height, width = x.shape
    split = g.apply("Reshape", x, g.ints(1, 2, count // 2, height, width), **keep)
    moved = g.apply("Transpose", split, attrs={"perm": [0, 2, 1, 3, 4]}, **keep)
    return g.apply("Reshape", moved, g.ints(1, -1, height, width), **keep)


def sliced(g: Graph, x: Tensor) -> Tensor:
    """Half of the channels."""
    if x.channels < 2:
        return x
    half = x.channels // 2
    shape = tuple(half if i == x.axis else d for i, d in enumerate(x.shape))
    keep = {"levels": x.levels, "nonzero": x.nonzero, "shape": shape}
    if g.opset < 10:
        attrs = {"starts": [0], "ends": [half], "axes": [x.axis]}
        return g.apply("Slice", x, attrs=attrs, **keep)
    return g.apply("Slice", x, g.ints(0), g.ints(half), g.ints(x.axis), **keep)


def split(g: Graph, x: Tensor) -> Tensor:
    """Split along the channels and Concat in the other order."""
    if x.channels < 2:
        return x
    first = g.integer(1, x.channels - 1)
    sizes = (first, x.channels - first)
    names = [f"part{len(g.nodes)}.{i}" for i in (0, 1)]
    if g.opset < 13:
        g.emit("Split", [x.name], names, axis=x.axis, split=sizes)
    else:
        g.emit("Split", [x.name, g.ints(*sizes)], names, axis=x.axis)
    return replace(x, name=g.emit("Concat", names[::-1], axis=x.axis))


#: Functions that are never exact, with a bound of their results, by the opset that first has them.
#: Those whose bound is not 1 are given numbers within +-2.
SMOOTH = {
    7: (
        ("Sigmoid", 1.0),
        ("Tanh", 1.0),
        ("HardSigmoid", 1.0),
        ("Softsign", 1.0),
        ("Exp", 8.0),
        ("Softplus", 8.0),
        ("Elu", 2.0),
        ("Selu", 4.0),
    ),
    9: (("Erf", 1.0),),
    12: (("Celu", 2.0),),
    14: (("HardSwish", 2.0),),
    18: (("Mish", 2.0),),
    20: (("Gelu", 2.0),),
}


def smooth(g: Graph, x: Tensor) -> Tensor:
    """Functions that are never exact: in graphs of real numbers only."""
    if not g.real:
        return same(g, x)
    op, bound = g.pick(*(f for opset, rows in SMOOTH.items() if opset <= g.opset for f in rows))
    bounded = x.name if bound == 1 else clipped(g, x, -2.0, 2.0)
    name = g.emit(op, [bounded])
    if op == "Sigmoid" and g.chance(40):  # swish
        name, bound = g.emit("Mul", [bounded, name]), x.bound
    return replace(x, name=name, bound=bound, levels=None, nonzero=False)


def gated(g: Graph, x: Tensor) -> Tensor:
    """Times another tensor made from it: a number for each channel (squeeze and excite), pixel, or element."""
    if not x.image:
        return x
    kind, other = g.pick("channels", "pixels", "elements"), x
    if kind == "channels":
        other = whole_image(g, x)
    elif kind == "pixels":
        axes = (x.axis,)
        shape = tuple(1 if i == x.axis else d for i, d in enumerate(x.shape))
        name = g.over("ReduceMax", x.name, axes, since=18, keepdims=1)
        other = replace(x, name=name, shape=shape, levels=None, nonzero=False)
    other = g.pick(clip, any_sign, smooth, relu)(g, other)
    if x.last != other.last:
        x = turned(g, x, other.last)
    bound, grain = x.bound * other.bound, x.grain * other.grain
    if not g.fits(bound, grain):
        return x
    names = [other.name, x.name] if g.chance(30) else [x.name, other.name]
    return replace(
        x,
        name=g.emit("Mul", names),
        bound=bound,
        grain=grain,
        levels=None,
        nonzero=False,
        product=True,
    )


def joined(g: Graph, x: Tensor, earlier: list[Tensor]) -> Tensor:
    """Add to, or Concat with, something earlier of a shape that fits."""
    other = g.pick(*earlier) if earlier else x
    if x.image and other.image:
        other = turned(g, other, x.last)
    grain = min(x.grain, other.grain)
    if other.shape == x.shape and g.chance(70):
        bound = x.bound + other.bound
        if g.fits(bound, grain):
            return g.apply("Add", x, other.name, bound=bound, grain=grain)
    near = (
        s == o or i == x.axis for i, (s, o) in enumerate(zip(x.shape, other.shape, strict=False))
    )
    if len(other.shape) != len(x.shape) or not all(near):
        return x
    bound, count = max(x.bound, other.bound), x.channels + other.channels
    if count > 200 or not g.fits(bound, grain):
        return x
    facts = {
        "shape": tuple(count if i == x.axis else d for i, d in enumerate(x.shape)),
        "bound": bound,
        "grain": grain,
        "levels": x.levels if x.levels == other.levels else None,
        "nonzero": x.nonzero and other.nonzero,
    }
    return g.apply("Concat", x, other.name, attrs={"axis": x.axis}, **facts)


#: In front of a sign or behind a layer; and on what a sign gives (these keep it two-valued).
FLOATS: tuple[Step, ...] = (
    batch_norm,
    arithmetic,
    relu,
    clip,
    prelu,
    rprelu,
    max_pool,
    mean_pool,
    negated,
    same,
    whole_image,
    sliced,
    split,
    smooth,
    gated,
    resized,
)
SIGNS: tuple[Step, ...] = (
    same,
    max_pool,
    shuffle,
    sliced,
    split,
    negated,
    arithmetic,
    clip,
    nearest,
)
