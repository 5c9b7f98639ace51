# SPDX-License-Identifier: BSD-3-Clause
"""What recognition stands on: facts about values, and the search for a step on the line of floats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter.passes.steps import Step, float_step, from_ordinal, ordinal
from converter.passes.values import facts
from ir_builder import Array, Net, outputs

ZERO = np.float32(0)


# -- floats in order ------------------------------------------------------------------------------
def test_ordinals_follow_the_floats() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 1 << 32, 1000, np.uint64).astype(np.uint32).view(np.float32)
    x = np.unique(x[np.isfinite(x)])
    assert np.all(np.diff(ordinal(x)) > 0)
    np.testing.assert_array_equal(from_ordinal(ordinal(x)), x)
    after = from_ordinal(ordinal(x) + 1)
    np.testing.assert_array_equal(after, np.nextafter(x, np.float32(np.inf)))


def test_both_zeros_are_one_point() -> None:
    assert list(ordinal(np.array([-0.0, 0.0], np.float32))) == [0, 0]
    assert not np.signbit(from_ordinal(np.array([0])))[0]


# -- steps ----------------------------------------------------------------------------------------
def step(function: Callable[[Array], Array], *landmarks: float, channels: int = 1) -> Step | str:
    def rows(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return function(x).astype(np.float32)

    return float_step(rows, channels, np.array(landmarks, np.float32))


def signs(condition: Array) -> Array:
    result: Array = np.where(condition, np.float32(1), np.float32(-1))
    return result


@pytest.mark.parametrize("seed", range(5))
def test_step_is_exact_to_the_last_bit(seed: int) -> None:
    """Random affines in float32: the neighbours of the threshold lie on both sides."""
    rng = np.random.default_rng(seed)
    mul, add = (rng.standard_normal(64).astype(np.float32) for _ in range(2))
    mul *= np.float32(10.0) ** rng.integers(-6, 6, 64)

    def function(x: Array) -> Array:
        return signs(x * mul + add >= 0)

    found = step(function, channels=64)
    assert isinstance(found, Step)
    np.testing.assert_array_equal(found.flip, mul < 0)
    at = function(found.threshold[None])[0]
    below = function(from_ordinal(ordinal(found.threshold) - 1)[None])[0]
    np.testing.assert_array_equal(at, np.where(mul > 0, 1, -1))
    np.testing.assert_array_equal(below, -at)


@pytest.mark.parametrize("limit", [0.0, 1e-45, -1e-45, 1.0, -3e38, 1e-38])
def test_thresholds_anywhere(limit: float) -> None:
    at = np.float32(limit)
    closed, opened = step(lambda x: signs(x >= at)), step(lambda x: signs(x > at))
    assert isinstance(closed, Step)
    assert isinstance(opened, Step)
    assert closed.threshold[0] == at
    assert opened.threshold[0] == np.nextafter(at, np.float32(np.inf))


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_constant(value: float) -> None:
    found = step(lambda x: np.full_like(x, value))
    assert isinstance(found, Step)
    assert found.threshold[0] == -np.inf
    assert found.low[0] == found.high[0] == value


def test_nan_at_the_ends_does_not_matter() -> None:
    found = step(lambda x: signs(x >= 2) + 0 * (x * x))
    assert isinstance(found, Step)
    assert found.threshold[0] == 2
    assert not found.flip[0]


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: signs(np.abs(x) >= 1), "more than once"),
        (lambda x: signs((x >= 3) & (x < np.nextafter(np.float32(3), np.float32(4)))), "more than"),
        (lambda x: np.clip(x * 1e6, -1, 1), "also takes the value"),
        (lambda x: np.clip((x - 1000) * 1e6, -1, 1), "also takes the value 0"),
        (np.sign, "also takes the value 0"),
        (lambda x: x, "also takes the value"),
        (lambda x: x * np.nan, "NaN everywhere"),
        (lambda x: signs(np.signbit(x)), "-0.0"),
        (lambda x: np.where(x > 0, np.inf, -1), "not bounded"),
    ],
)
def test_what_is_no_step(function: Callable[[Array], Array], why: str) -> None:
    found = step(function, 3.0)
    assert isinstance(found, str)
    assert why in found


# -- facts ----------------------------------------------------------------------------------------
def values_of(net: Net, name: str) -> list[float] | None:
    found = facts(net.done(name))[name].distinct()
    return None if found is None else [float(v) for v in found]


def test_finite_sets() -> None:
    net = Net(1, 3, 4, 4)
    sign = net.op("sign", net.x)
    cases: list[tuple[str, list[float] | None]] = [
        (net.x, None),
        (sign, [-1, 0, 1]),
        (net.op("sign", net.affine(sign, 1.0, 0.5)), [-1, 1]),
        (net.op("greater", net.x, ZERO), [0, 1]),
        (net.op("cast", net.op("less", net.x, ZERO), dtype="float32"), [0, 1]),
        (net.op("not", net.op("less", net.x, ZERO)), [0, 1]),
        (net.op("round", net.op("clip", net.x, low=-1.2, high=2.0)), [-1, 0, 1, 2]),
        (net.op("floor", net.affine(net.op("tanh", net.x), 0.5, 0.5)), [0, 1]),
        (net.op("round", net.op("sigmoid", net.x)), [0, 1]),
        (net.op("round", net.x), None),
        (net.op("clip", net.x, low=-1.0, high=1.0), None),
        (net.op("add", sign, net.op("neg", sign)), [-2, -1, 0, 1, 2]),
        (net.op("mul", sign, sign), [-1, 0, 1]),
        (net.op("abs", sign), [0, 1]),
        (net.op("max", sign, np.float32(0.5)), [0.5, 1]),
        (net.op("where", net.op("greater", net.x, ZERO), sign, np.float32(3)), [-1, 0, 1, 3]),
        (
            net.op("concat", net.sign(net.x), net.affine(net.sign(net.x), 2.0), axis=1),
            [-2, -1, 1, 2],
        ),
        (net.pad(net.sign(net.x), 0.0, 1), [-1, 0, 1]),
        (net.pad(net.sign(net.x), -1.0, 1), [-1, 1]),
        (net.pool(net.sign(net.x)), [-1, 1]),
        (net.pool(net.sign(net.x), op="avgpool"), None),
        (net.flatten(net.sign(net.x)), [-1, 1]),
        (net.op("transpose", net.sign(net.x), perm=(0, 1, 3, 2)), [-1, 1]),
        (net.conv(net.sign(net.x), net.signs(2, 3, 1, 1)), None),
    ]
    for name, expected in cases:
        assert values_of(net, name) == expected, name


def test_sums_cancel() -> None:
    net = Net(1, 3, 4, 4)
    sign = net.sign(net.x)
    real = net.op("tanh", net.x)
    there = net.op("sub", sign, real)
    assert values_of(net, there) is None
    assert values_of(net, net.op("add", there, real)) == [-1, 1]
    assert values_of(net, net.op("add", real, there)) == [-1, 1]
    assert values_of(net, net.op("add", there, net.op("exp", net.x))) is None
    twice = net.op("sub", net.op("add", net.op("add", there, net.x), real), net.x)
    assert values_of(net, twice) == [-1, 1]
    shifted = net.affine(net.op("add", net.affine(there, 1.0, 0.5), real), -1.0)
    assert values_of(net, shifted) == [-1.5, 0.5]


@pytest.mark.parametrize("seed", range(8))
def test_facts_hold(seed: int) -> None:
    """A random elementwise graph: what was promised of each value is seen in its values."""
    net = Net(1, 3, 8, 8, seed=seed)
    names = [
        net.x,
        net.op("sign", net.x),
        net.op("round", net.op("clip", net.x, low=-2.0, high=1.0)),
    ]
    unary = ["sign", "abs", "neg", "round", "floor", "ceil", "tanh", "sigmoid"]
    for _ in range(40):
        a, b = (names[i] for i in net.rng.integers(0, len(names), 2))
        kind = int(net.rng.integers(0, 5))
        if kind == 0:
            names.append(net.op(unary[int(net.rng.integers(len(unary)))], a))
        elif kind == 1:
            names.append(
                net.op(["add", "sub", "mul", "max", "min"][int(net.rng.integers(5))], a, b)
            )
        elif kind == 2:
            names.append(net.affine(a, *net.rng.integers(-2, 3, (2, 3)).astype(np.float32)))
        elif kind == 3:
            names.append(net.op("clip", a, low=-1.0, high=1.0))
        else:
            names.append(net.op("where", net.op("greater", a, ZERO), a, b))
    graph = net.done(*names)
    known = facts(graph)
    x = 3 * net.real(1, 3, 8, 8)
    for name, data in zip(names, outputs(graph, x), strict=True):
        fact = known[name]
        assert np.all(data >= fact.low - 1e-5 * abs(fact.low))
        assert np.all(data <= fact.high + 1e-5 * abs(fact.high))
        if fact.finite and fact.values is not None:
            for channel in range(3):
                column = fact.values[:, min(channel, fact.values.shape[1] - 1)]
                distance = np.abs(data[0, channel][..., None] - column).min(-1)
                assert np.all(distance <= 1e-5 * np.maximum(1, np.abs(column).max()))
