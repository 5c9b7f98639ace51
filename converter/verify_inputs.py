# SPDX-License-Identifier: BSD-3-Clause
"""Inputs on which a converted network is compared with its source: random ones, and values at the boundaries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice

import numpy as np

from converter.graph import Array, Graph

SEED = 20
RANDOM_INPUTS = 6
LARGE, DENORMAL = 1e4, 1e-40

Arrays = dict[str, Array]
Maker = Callable[[np.random.Generator, tuple[int, ...]], Array]

#: Kinds of random numbers, taken in turn.
RANDOM: dict[str, Maker] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "wide": lambda rng, shape: 10 * rng.standard_normal(shape),
    "0 to 1": lambda rng, shape: rng.random(shape),
    "-1 to 1": lambda rng, shape: 2 * rng.random(shape) - 1,
    "bytes": lambda rng, shape: rng.integers(0, 256, shape),
}
BOUNDARY: dict[str, Maker] = {
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "minus ones": lambda rng, shape: -np.ones(shape),
    "large": lambda rng, shape: LARGE * rng.choice([-1.0, 1.0], shape),
    "denormals": lambda rng, shape: DENORMAL * rng.standard_normal(shape),
}


def make_inputs(
    graph: Graph, count: int = RANDOM_INPUTS, converted: Graph | None = None
) -> dict[str, Arrays]:
    """Inputs of a graph by kind and name, the same ones every time: `count` random ones and the boundaries.

    Where the converted graph takes signs of its inputs, values at their thresholds are among the boundaries.
    """
    rng = np.random.default_rng(SEED)
    result: dict[str, Arrays] = {}
    for number, (kind, make) in enumerate(islice(cycle(RANDOM.items()), count)):
        turn = number // len(RANDOM)
        result[f"{kind}, {turn + 1}" if turn else kind] = _inputs(graph, rng, make)
    for kind, make in BOUNDARY.items():
        result[kind] = _inputs(graph, rng, make)
    thresholds = _thresholds(converted) if converted is not None else {}
    if thresholds:
        result["thresholds"] = {
            name: _near(rng, thresholds[name], graph.shape(name)) if name in thresholds else data
            for name, data in _inputs(graph, rng, RANDOM["normal"]).items()
        }
    return result


def _inputs(graph: Graph, rng: np.random.Generator, make: Maker) -> Arrays:
    return {name: np.asarray(make(rng, graph.shape(name)), np.float32) for name in graph.inputs}


def _thresholds(graph: Graph) -> dict[str, Array]:
    """All finite thresholds at which signs of a graph input change, by input."""
    found: dict[str, Array] = {}
    for node in graph.nodes:
        name = node.inputs[0]
        if node.op == "quantise" and name in graph.inputs:
            data = graph.const(node.inputs[1])
            assert data is not None
            found[name] = np.append(found.get(name, np.zeros(0)), data[np.isfinite(data)])
    return {name: np.unique(data).astype(np.float32) for name, data in found.items() if len(data)}


def _near(rng: np.random.Generator, thresholds: Array, shape: tuple[int, ...]) -> Array:
    """Thresholds and the floats next to them."""
    chosen = rng.choice(thresholds, shape)
    toward = rng.choice(np.array([-np.inf, 0, np.inf], np.float32), shape)
    moved = np.nextafter(chosen, toward)
    return np.asarray(np.where(toward == 0, chosen, moved), np.float32)
