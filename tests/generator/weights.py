# SPDX-License-Identifier: BSD-3-Clause
"""Binary weights in the spellings that exporters leave: folded or as the arithmetic that makes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from onnx import TensorProto

from generator.exact import Graph
from generator.signs import scalar
from onnx_builder import Array

Spelling = Callable[[Graph, Array], str]


def latent(g: Graph, signs: Array) -> Array:
    """Trained real numbers with these signs."""
    return (signs * g.rng.uniform(0.1, 0.9, signs.shape)).astype(np.float32)


def plain(g: Graph, signs: Array) -> str:
    """-1 and +1."""
    return g.constant(signs)


def signed(g: Graph, signs: Array) -> str:
    """Sign(w)."""
    return g.emit("Sign", [g.constant(latent(g, signs))])


def compared(g: Graph, signs: Array) -> str:
    """Where(w > 0, 1, -1)."""
    above = g.emit("Greater", [g.constant(latent(g, signs)), scalar(g, 0)])
    return g.emit("Where", [above, scalar(g, 1), scalar(g, -1)])


def doubled(g: Graph, signs: Array) -> str:
    """2 * w - 1 with w of 0 and 1."""
    bits = g.constant(((signs + 1) / 2).astype(np.float32))
    return g.emit("Sub", [g.emit("Mul", [bits, scalar(g, 2)]), scalar(g, 1)])


def as_bool(g: Graph, signs: Array) -> str:
    """Cast(w > 0) * 2 - 1."""
    above = g.emit("Greater", [g.constant(latent(g, signs)), scalar(g, 0)])
    bits = g.emit("Cast", [above], to=TensorProto.FLOAT)
    return g.emit("Sub", [g.emit("Mul", [bits, scalar(g, 2)]), scalar(g, 1)])


def reshaped(g: Graph, signs: Array) -> str:
    """A flat array, given its shape by the graph."""
    return g.emit("Reshape", [g.constant(signs.reshape(-1)), g.ints(*signs.shape)])


def transposed(g: Graph, signs: Array) -> str:
    """Stored with its axes in reverse."""
    perm = list(range(signs.ndim))[::-1]
    return g.emit("Transpose", [g.constant(np.ascontiguousarray(signs.T))], perm=perm)


def clipped(g: Graph, signs: Array) -> str:
    """(Sign(w) - Clip(w)) + Clip(w), with latent numbers for which this is exact."""
    w = g.constant((signs * g.rng.integers(1, 13, signs.shape) / 8).astype(np.float32))
    if g.opset < 11:
        clip = g.emit("Clip", [w], min=-1.0, max=1.0)
    else:
        clip = g.emit("Clip", [w, *(g.constant(np.array(v, np.float32)) for v in (-1, 1))])
    return g.emit("Add", [g.emit("Sub", [g.emit("Sign", [w]), clip]), clip])


def centred(g: Graph, signs: Array) -> str:
    """Sign(w - mean(w)), where w is the signs and a constant for each output: its mean is subtracted again."""
    w = latent(g, signs)
    w -= w.mean(axis=tuple(range(1, w.ndim)), keepdims=True)
    safe = np.where(np.sign(w) == signs, w, signs * np.float32(0.5))
    if np.any(np.sign(safe - mean_of(safe)) != signs):
        return signed(g, signs)
    name = g.constant(safe)
    mean = g.over("ReduceMean", name, range(1, w.ndim), since=18, keepdims=1)
    return g.emit("Sign", [g.emit("Sub", [name, mean])])


def mean_of(w: Array) -> Array:
    """Mean of each output channel."""
    result: Array = w.mean(axis=tuple(range(1, w.ndim)), keepdims=True)
    return result


def bipolar(g: Graph, signs: Array) -> str:
    """QONNX: BipolarQuant(w, 1)."""
    return g.bipolar(g.constant(latent(g, signs)), scalar(g, 1))


#: Spellings by the opset that first has their operators.
SPELLINGS: dict[int, tuple[Spelling, ...]] = {
    7: (plain, doubled, as_bool, reshaped, transposed),
    9: (signed, compared, clipped, centred),
    16: (bipolar,),
}


def averaged(g: Graph, signs: Array) -> tuple[str, Array]:
    """mean|w| of each output, as the graph computes it, and alpha [O]; w is such that an exact graph's is exact."""
    rows = (-1, *(1,) * (signs.ndim - 1))
    w = signs * g.numbers((0.5, 1.0, 2.0), (len(signs),)).reshape(rows)
    w = latent(g, signs) if g.real else w
    size = g.emit("Abs", [g.constant(w)])
    mean = g.over("ReduceMean", size, range(1, signs.ndim), since=18, keepdims=1)
    return mean, mean_of(np.abs(w)).reshape(-1)


def scaled(g: Graph, name: str, signs: Array) -> tuple[str, Array]:
    """The weight times alpha of each output (or of all), negative ones too; and alpha [O]."""
    shape = signs.shape
    kind = g.pick("none", "none", "row", "scalar", "mean")
    if kind == "mean" and (g.real or math.log2(signs[0].size) % 1 == 0):
        mean, alpha = averaged(g, signs)
        return g.emit("Mul", [name, mean]), alpha
    if kind in ("none", "mean"):
        return name, np.ones(shape[0], np.float32)
    choices = (0.5, 1.0, 2.0, -0.5, -1.0)
    if kind == "scalar":
        alpha = g.numbers(choices, ())
        return g.emit("Mul", [name, g.constant(alpha)]), np.full(shape[0], alpha, np.float32)
    alpha = g.numbers(choices, (shape[0],))
    factor = g.constant(alpha.reshape(-1, *(1,) * (len(shape) - 1)))
    names = [factor, name] if g.chance(30) else [name, factor]
    return g.emit("Mul", names), alpha


def binary(g: Graph, shape: Sequence[int]) -> tuple[str, float, float]:
    """A weight of +-alpha: its name, the largest and the smallest |alpha|."""
    signs = g.numbers((-1, 1), shape)
    signs = np.sign(signs)
    able = [spelling for opset, rows in SPELLINGS.items() if opset <= g.opset for spelling in rows]
    name, alpha = scaled(g, g.pick(*able)(g, signs), signs)
    if g.real and g.chance(30):
        noise = (1 + 2.4e-7 * g.rng.standard_normal(tuple(shape))).astype(np.float32)
        name = g.emit("Mul", [name, g.constant(noise)])
    return name, float(np.abs(alpha).max()), float(np.abs(alpha).min())


def other(g: Graph, shape: Sequence[int]) -> tuple[str, float, float]:
    """A weight that is not binary: ternary, of 0 and 1, or of many values. Largest magnitude and grain as above."""
    choices = g.pick((-1.0, 0.0, 1.0), (0.0, 1.0), (-1.0, -0.75, -0.25, 0.0, 0.5, 1.0))
    data = g.numbers(choices, shape)
    grain = 0.25 if len(choices) > 3 else 1.0
    return g.constant(data), max(float(np.abs(data).max()), grain), grain
