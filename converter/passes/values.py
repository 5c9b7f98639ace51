# SPDX-License-Identifier: BSD-3-Clause
"""Which values can an activation take? Abstract interpretation of the graph, in its order.

A fact about a tensor is one of

- a finite set: each channel holds one of the rows of `values` [n, C] (or [n, 1]: the same for all channels);
- an interval: all elements lie in [low, high];
- a finite set plus real tensors: `values` + sum of coefficient * tensor (`terms`). Straight-through estimators end in sums such
  as (sign(x) - t) + t, where the real-valued t cancels.

Sets and intervals may be larger than what really happens (sign gives {-1, 0, +1} even where 0 is out of reach), never smaller.
But where real tensors have cancelled, rounding may leave other values (anything, if t is huge): such a fact is `nominal`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from converter.graph import Array, Graph, Node
from converter.passes.region import ELEMENTWISE, PARAMETRIC, channel_row, evaluate_node
from converter.passes.rule import uniform

LIMIT = 16
#: Functions that never decrease: an interval's ends give the result's ends.
MONOTONE = frozenset(
    (
        *("clip", "round", "floor", "ceil", "sign", "cast", "sqrt"),
        *("exp", "log", "sigmoid", "tanh", "erf", "elu", "softplus"),
    )
)
#: Functions that grow with x but for a dip below 0: its depth, rounded down.
DIP = {"swish": -0.2785, "hard_swish": -0.3751, "mish": -0.3089}
INTEGER_VALUED = frozenset({"round", "floor", "ceil", "sign"})
LINEAR = frozenset({"add", "sub", "neg", "affine"})
SIGNED = frozenset({"quantise", "threshold", "bmaxpool"})
MOVING = frozenset({"reshape", "transpose", "slice", "maxpool", "concat", "pad", "gather2d"})


@dataclass(frozen=True, eq=False)
class Fact:
    """What is known of one tensor; see the module's text."""

    low: float = -math.inf
    high: float = math.inf
    values: Array | None = None
    terms: tuple[tuple[str, int], ...] = ()
    nominal: bool = False

    @property
    def finite(self) -> bool:
        """Whether each channel has finitely many values."""
        return self.values is not None and not self.terms

    def distinct(self) -> Array | None:
        """All values of all channels, sorted, if they are finitely many."""
        return np.unique(self.values) if self.finite and self.values is not None else None

    def two_valued(self) -> tuple[float, float] | None:
        """(lower, upper) if there are certainly two values, the same in every channel."""
        found = self.distinct() if not self.nominal else None
        return (float(found[0]), float(found[1])) if found is not None and len(found) == 2 else None


def finite(values: Array) -> Fact:
    """Fact for rows of values; an interval when there are too many."""
    rows = np.unique(np.atleast_2d(values), axis=0)
    low, high = float(rows.min()), float(rows.max())
    return Fact(low, high, rows) if len(rows) <= LIMIT else Fact(low, high)


def facts(graph: Graph) -> dict[str, Fact]:
    """Facts about every value of the graph."""
    known: dict[str, Fact] = {}
    for node in graph.nodes:
        for name in node.inputs:
            if name not in known:
                data = graph.const(name)
                looked_at = data is not None and node.op in ELEMENTWISE | MOVING
                known[name] = _constant(data) if looked_at and data is not None else Fact()
        if len(node.outputs) == 1:
            known[node.output] = _fact(graph, node, known)
        else:
            known.update((name, Fact()) for name in node.outputs)
    for name in graph.inputs:
        known.setdefault(name, Fact())
    return known


def _constant(data: Array) -> Fact:
    if data.size == 0 or data.dtype.kind not in "fbiu" or not np.all(np.isfinite(data)):
        return Fact()
    found = np.unique(data)
    if len(found) <= LIMIT:
        return finite(found[:, None])
    return Fact(float(found[0]), float(found[-1]))


def _fact(graph: Graph, node: Node, known: dict[str, Fact]) -> Fact:
    inputs = [known[name] for name in node.inputs]
    if node.op in SIGNED:
        return finite(np.array([[-1], [1]], np.float32))
    if node.op in MOVING:
        fact = _moved(node, inputs)
    elif node.op == "avgpool":
        fact = Fact(min(inputs[0].low, 0.0), max(inputs[0].high, 0.0))
    elif node.op == "softmax":
        fact = Fact(0.0, 1.0)
    elif node.op in ELEMENTWISE:
        fact = (
            _enumerated(graph, node, known)
            or _sum(graph, node, known)
            or _interval(graph, node, inputs)
        )
    else:
        return Fact()
    return replace(fact, nominal=True) if any(x.nominal for x in inputs) else fact


def _moved(node: Node, inputs: list[Fact]) -> Fact:
    """Operators that only choose or move elements. Channels may mix, so the sets of all channels are united."""
    low, high = min(f.low for f in inputs), max(f.high for f in inputs)
    if node.op == "pad":
        low, high = min(low, node.attrs["value"]), max(high, node.attrs["value"])
    sets = [fact.distinct() for fact in inputs]
    if any(s is None for s in sets):
        return Fact(low, high)
    if node.op == "pad":
        sets.append(np.array([node.attrs["value"]], np.float32))
    return finite(np.concatenate([s for s in sets if s is not None])[:, None])


def _enumerated(graph: Graph, node: Node, known: dict[str, Fact]) -> Fact | None:
    """All operands from finite sets: evaluate every combination."""
    shape = graph.shape(node.output)
    choices: list[list[Array]] = []
    for name in node.inputs:
        data = graph.const(name)
        row = data if node.op in PARAMETRIC else None
        if data is not None and row is None:
            row = channel_row(data, shape)
        if data is not None and row is not None:
            choices.append([row])
            continue
        fact = known[name]
        if not fact.finite or fact.values is None:
            return None
        dtype = graph.values[name].dtype
        choices.append([value[None, :].astype(dtype) for value in fact.values])
    if math.prod(len(c) for c in choices) > LIMIT**2:
        return None
    results = [evaluate_node(node, list(operands)) for operands in product(*choices)]
    width = max(result.shape[-1] for result in results)
    rows = np.concatenate([np.broadcast_to(result, (1, width)) for result in results])
    if rows.dtype.kind == "f" and not np.all(np.isfinite(rows)):
        return None
    if width > 1 and all(uniform(row) for row in rows):
        rows = rows[:, :1]
    return finite(rows)


def _sum(graph: Graph, node: Node, known: dict[str, Fact]) -> Fact | None:
    """Sums of tensors, as long as their finite part is small; equal tensors cancel."""
    if node.op not in LINEAR:
        return None
    signs = {"add": (1, 1), "sub": (1, -1), "neg": (-1,), "affine": (1,)}[node.op]
    shift = np.zeros((1, 1))
    if node.op == "affine":
        mul, add = graph.const(node.inputs[1]), graph.const(node.inputs[2])
        if mul is None or add is None or not uniform(mul) or abs(mul[0]) != 1:
            return None
        signs, shift = (int(mul[0]),), add[None, :].astype(np.float64)
        shift = shift[:, :1] if uniform(shift) else shift
    total, terms = shift, dict[str, int]()
    for sign, name in zip(signs, node.inputs, strict=False):
        fact = known[name]
        values, own = fact.values, dict(fact.terms)
        if values is None:
            values, own = np.zeros((1, 1)), {name: 1}
        if len(total) * len(values) > LIMIT**2:
            return None
        sums = total[:, None, :] + sign * values.astype(np.float64)[None, :, :]
        total = sums.reshape(-1, sums.shape[-1])
        for term, coefficient in own.items():
            terms[term] = terms.get(term, 0) + sign * coefficient
    left = tuple((name, c) for name, c in terms.items() if c)
    if not left:
        plain = finite(total.astype(np.float32))
        return replace(plain, nominal=bool(terms)) if plain.values is not None else None
    if len(total) > LIMIT:
        return None
    bounds = _interval(graph, node, [known[name] for name in node.inputs])
    return Fact(bounds.low, bounds.high, total.astype(np.float32), left)


def _interval(graph: Graph, node: Node, inputs: list[Fact]) -> Fact:
    """Bounds from bounds. Few integers in an integer-valued result are a finite set again."""
    if graph.values[node.output].dtype == np.bool_:
        return finite(np.array([[False], [True]]))
    bounds = _bounds(graph, node, inputs)
    if bounds is None or any(math.isnan(b) for b in bounds):
        return Fact()
    low, high = bounds
    integers = graph.values[node.output].dtype.kind in "iu" or node.op in INTEGER_VALUED
    if integers and high - low < LIMIT:
        dtype = graph.values[node.output].dtype
        return finite(np.arange(low, high + 1).astype(dtype)[:, None])
    return Fact(low, high)


def _bounds(graph: Graph, node: Node, inputs: list[Fact]) -> tuple[float, float] | None:
    x = inputs[0]
    ends = np.array([[x.low], [x.high]], np.float32)
    if node.op in MONOTONE:
        with np.errstate(all="ignore"):
            if node.op == "cast" and not np.all(np.isfinite(ends)):
                return None
            first, last = evaluate_node(node, [ends]).ravel()
        return float(first), float(last)
    if node.op in ("affine", "prelu"):
        # Linear on each side of 0: the extremes are at the ends (and at 0).
        points = np.unique(np.append(ends, 0.0) if x.low < 0 < x.high else ends).astype(np.float32)
        parameters = [graph.const(name) for name in node.inputs[1:]]
        rows = np.broadcast_to(
            points[:, None], (len(points), max(len(p) for p in parameters if p is not None))
        )
        results = evaluate_node(node, [rows, *(p for p in parameters if p is not None)])
        return float(results.min()), float(results.max())
    if node.op in DIP:
        return DIP[node.op] if x.low < 0 else 0.0, max(0.0, x.high)
    if rule := _ARITHMETIC.get(node.op):
        return rule(inputs)
    return None


def _span(*numbers: float) -> tuple[float, float]:
    return min(numbers), max(numbers)


def _times(inputs: list[Fact]) -> tuple[float, float]:
    x, y = inputs
    ends = [0.0 if 0 in (a, b) else a * b for a in (x.low, x.high) for b in (y.low, y.high)]
    return _span(*ends)


_ARITHMETIC: dict[str, Callable[[list[Fact]], tuple[float, float]]] = {
    "add": lambda f: (f[0].low + f[1].low, f[0].high + f[1].high),
    "sub": lambda f: (f[0].low - f[1].high, f[0].high - f[1].low),
    "neg": lambda f: (-f[0].high, -f[0].low),
    "abs": lambda f: (0.0, max(abs(f[0].low), abs(f[0].high))),
    "mul": _times,
    "max": lambda f: (max(f[0].low, f[1].low), max(f[0].high, f[1].high)),
    "min": lambda f: (min(f[0].low, f[1].low), min(f[0].high, f[1].high)),
    "where": lambda f: (min(f[1].low, f[2].low), max(f[1].high, f[2].high)),
}
