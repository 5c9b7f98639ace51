# SPDX-License-Identifier: BSD-3-Clause
"""Sign functions in all spellings become one quantise that agrees on every float."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter.errors import ConversionError
from converter.passes.steps import from_ordinal, ordinal
from ir_builder import Array, Net, assert_same, converted, ops, outputs

ONE, MINUS, ZERO, HALF = (np.float32(v) for v in (1, -1, 0, 0.5))
Spelling = Callable[[Net, str], str]


def where(compare: str, x_first: bool = True, at: float = 0.0, low: float = -1.0) -> Spelling:
    def build(net: Net, x: str) -> str:
        pair = (x, np.float32(at)) if x_first else (np.float32(at), x)
        return net.op("where", net.op(compare, *pair), ONE, np.float32(low))

    return build


def negated(net: Net, x: str) -> str:
    below = net.op("not", net.op("less", x, ZERO))
    return net.op("where", below, ONE, MINUS)


def full_shape(net: Net, x: str) -> str:
    ones = np.ones(net.graph.shape(x), np.float32)
    return net.op("where", net.op("greater_equal", x, ZERO), ones, -ones)


def cast(net: Net, x: str) -> str:
    bits = net.op("cast", net.op("greater_equal", x, ZERO), dtype="float32")
    return net.affine(net.affine(bits, 2.0), 1.0, -1.0)


def cast_to_int(net: Net, x: str) -> str:
    bits = net.op("cast", net.op("greater", x, ZERO), dtype="int64")
    return net.affine(net.op("cast", bits, dtype="float32"), 2.0, -1.0)


def difference_of_casts(net: Net, x: str) -> str:
    above = net.op("cast", net.op("greater_equal", x, ZERO), dtype="float32")
    below = net.op("cast", net.op("less", x, ZERO), dtype="float32")
    return net.op("sub", above, below)


def sign_of_sign(net: Net, x: str) -> str:
    return net.op("sign", net.affine(net.op("sign", x), 1.0, 0.1))


def straight_through(net: Net, x: str) -> str:
    t = net.op("clip", x, low=-1.0, high=1.0)
    return net.op("add", net.op("sub", net.sign(x), t), t)


def straight_through_other_way(net: Net, x: str) -> str:
    t = net.op("tanh", x)
    return net.op("sub", t, net.op("sub", t, net.sign(x)))


def polynomial(net: Net, x: str) -> str:
    """Bi-Real: the straight-through polynomial is x^2-like between -1 and 1, the result is sign(x)."""

    def mask(limit: float) -> str:
        return net.op("cast", net.op("less", x, np.float32(limit)), dtype="float32")

    def choose(limit: float, below: str, above: str) -> str:
        inside = mask(limit)
        outside = net.affine(inside, -1.0, 1.0)
        return net.op("add", net.op("mul", inside, below), net.op("mul", outside, above))

    square = net.op("mul", x, x)
    rising = net.op("add", square, net.affine(x, 2.0))
    falling = net.op("add", net.op("neg", square), net.affine(x, 2.0))
    left = net.op("where", net.op("less", x, MINUS), np.full((1, 1, 1, 1), -1, np.float32), rising)
    right = net.op("where", net.op("less", x, ONE), falling, np.ones((1, 1, 1, 1), np.float32))
    t = choose(0.0, left, right)
    return net.op("add", net.op("sub", net.sign(x), t), t)


def nested_where(net: Net, x: str) -> str:
    """y = x.clone(); y[y > 0] = 1; y[y <= 0] = -1."""
    first = net.op("where", net.op("greater", x, ZERO), np.ones((1, 3, 1, 1), np.float32), x)
    return net.op(
        "where", net.op("less_equal", first, ZERO), np.full((1, 1), -1, np.float32), first
    )


def rounding(net: Net, x: str) -> str:
    unit = net.affine(net.affine(net.op("clip", x, low=-1.0, high=1.0), 1.0, 1.0), 0.5)
    return net.affine(net.affine(net.op("round", unit), 2.0), 1.0, -1.0)


def tanh_sign(net: Net, x: str) -> str:
    return net.sign(net.op("tanh", x))


def per_channel(net: Net, x: str) -> str:
    limits = net.real(3, 1, 1)
    return net.op("where", net.op("greater", x, limits), ONE, MINUS)


def behind_affine(net: Net, x: str) -> str:
    return net.sign(net.op("clip", net.bn(x), low=-4.0, high=np.inf))


SPELLINGS: dict[str, Spelling] = {
    "greater_equal": where("greater_equal"),
    "greater": where("greater"),
    "less": where("less"),
    "less_equal": where("less_equal"),
    "constant first": where("less", x_first=False),
    "another threshold": where("greater_equal", at=0.3),
    "not": negated,
    "full shape": full_shape,
    "cast": cast,
    "cast to int": cast_to_int,
    "difference of casts": difference_of_casts,
    "sign of sign": sign_of_sign,
    "straight through": straight_through,
    "straight through, other way": straight_through_other_way,
    "polynomial": polynomial,
    "nested where": nested_where,
    "round": rounding,
    "tanh": tanh_sign,
    "per channel": per_channel,
    "behind affine and clip": behind_affine,
}


def critical(graph_input: tuple[int, ...], *centres: float) -> Array:
    """Floats around zero, around other places, large and random ones, in a given shape."""
    rng = np.random.default_rng(3)
    near = ordinal(np.array([0, 1, -1, *centres], np.float32))[:, None] + np.arange(-20, 21)
    fixed = [-0.0, np.finfo(np.float32).max, np.finfo(np.float32).min, np.inf, -np.inf]
    points = np.concatenate([from_ordinal(near.ravel()), np.array(fixed, np.float32)])
    count = int(np.prod(graph_input))
    x = rng.standard_normal(count).astype(np.float32)
    x[: len(points)] = points[:count]
    return rng.permutation(x).reshape(graph_input)


@pytest.mark.parametrize("name", SPELLINGS)
def test_spelling(name: str) -> None:
    net = Net(1, 3, 12, 12)
    graph = net.done(SPELLINGS[name](net, net.x))
    after, report = converted(graph)
    assert ops(after) == ["quantise"]
    assert not report.warnings
    assert_same(graph, after)
    threshold = after.const(after.nodes[0].inputs[1])
    assert threshold is not None
    x = critical((1, 3, 12, 12), 0.3, *threshold)
    with np.errstate(all="ignore"):
        (want,), (got,) = outputs(graph, x), outputs(after, x)
    known = np.isfinite(want)  # t of (s - t) + t is infinite at infinity
    np.testing.assert_array_equal(got[known], want[known])


@pytest.mark.parametrize("name", ["greater_equal", "straight through", "polynomial", "cast"])
def test_values_other_than_one(name: str) -> None:
    net = Net(1, 3, 12, 12)
    graph = net.done(net.affine(SPELLINGS[name](net, net.x), 0.25, 0.5))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "affine"]
    assert_same(graph, after)


def test_zero_and_one() -> None:
    net = Net(1, 3, 12, 12)
    graph = net.done(net.op("cast", net.op("less", net.x, HALF), dtype="float32"))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "affine"]
    assert_same(graph, after)


def test_values_by_channel() -> None:
    net = Net(1, 3, 5, 5)
    alpha = net.real(3, 1, 1)
    graph = net.done(net.op("where", net.op("greater", net.x, ZERO), alpha, -alpha))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "affine"]
    assert_same(graph, after)


@pytest.mark.parametrize(
    ("mul", "add"),
    [(0.0, 1.0), (0.0, -1.0), (1e-30, 1.0), (-1e-30, -1.0)],
)
def test_constant_channels(mul: float, add: float) -> None:
    net = Net(1, 3, 6, 6)
    x = net.affine(net.x, [mul, 1.0, mul], [add, 0.0, add])
    graph = net.done(net.sign(x))
    after, _ = converted(graph)
    assert ops(after) == ["quantise"]
    assert_same(graph, after)


def test_folds_no_further_than_nobody_else_reads() -> None:
    net = Net(1, 3, 6, 6)
    x = net.bn(net.x)
    graph = net.done(net.sign(x), net.op("clip", x, low=0.0, high=6.0))
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["affine", "clip", "quantise"]
    assert_same(graph, after)


def test_falling_prelu_stays_in_front() -> None:
    """x -> |x| - 1 changes its sign twice; the sign behind it is still one."""
    net = Net(1, 3, 6, 6)
    bent = net.op("prelu", net.x, -np.ones(3, np.float32))
    graph = net.done(net.sign(net.affine(bent, 1.0, -1.0)))
    after, _ = converted(graph)
    assert ops(after) == ["prelu", "quantise"]
    assert_same(graph, after)


def test_band_is_no_sign() -> None:
    net = Net(1, 3, 6, 6)
    above, below = net.op("greater", net.x, ZERO), net.op("less", net.x, HALF)
    graph = net.done(net.op("where", net.op("and", above, below), ONE, MINUS))
    after, report = converted(graph)
    assert "quantise" not in ops(after)
    (warning,) = report.warnings
    assert "node 'n3'" in warning
    assert "changes its value more than once" in warning
    assert_same(graph, after)


def test_three_values_are_no_sign() -> None:
    net = Net(1, 3, 6, 6)
    low = net.op("where", net.op("less", net.x, -HALF), MINUS, ZERO)
    high = net.op("cast", net.op("greater", net.x, HALF), dtype="float32")
    y = net.conv(net.op("add", low, high), net.signs(4, 3, 1, 1), "y")
    graph = net.done(y)
    after, report = converted(graph)
    assert report.rows[0].kind == "binary-weight"
    assert "3 values (-1, 0, 1)" in report.rows[0].reason
    assert_same(graph, after)


def test_spatial_threshold_is_no_sign() -> None:
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("where", net.op("greater", net.x, net.real(6)), ONE, MINUS))
    after, _ = converted(graph)
    assert "quantise" not in ops(after)
    assert_same(graph, after)


@pytest.mark.parametrize(("sign_zero", "at_zero"), [("auto", 1), ("+1", 1), ("-1", -1)])
def test_zero_of_a_float(sign_zero: str, at_zero: int) -> None:
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("sign", net.x))
    after, report = converted(graph, sign_zero=sign_zero)
    assert ops(after) == ["quantise"]
    assert len(report.warnings) == (sign_zero == "auto")
    assert all("n0" in text and "--sign-zero" in text for text in report.warnings)
    x = critical((1, 3, 6, 6))
    (want,), (got,) = outputs(graph, x), outputs(after, x)
    np.testing.assert_array_equal(got, np.where(want == 0, at_zero, want))


def test_zero_of_a_float_refused_on_demand() -> None:
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("sign", net.x))
    with pytest.raises(ConversionError, match=r"n0.*--sign-zero"):
        converted(graph, sign_zero="error")


@pytest.mark.parametrize("sign_zero", ["+1", "-1"])
def test_zero_behind_an_affine(sign_zero: str) -> None:
    """x * 0.5 - 1 is 0 at x = 2: the threshold is 2 or its neighbour."""
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("sign", net.affine(net.x, 0.5, -1.0)))
    after, _ = converted(graph, sign_zero=sign_zero)
    assert ops(after) == ["quantise"]
    threshold = after.const(after.nodes[0].inputs[1])
    two = np.float32(2)
    assert threshold is not None
    assert np.all(threshold == (two if sign_zero == "+1" else np.nextafter(two, np.float32(3))))


@pytest.mark.parametrize("border", [-1.0, 0.0])
def test_zero_of_a_sign_behind_prelu_and_pad(border: float) -> None:
    """The first Sign's 0 reaches the second; with +-1 in its place they agree."""
    net = Net(1, 2, 3, 3)
    y = net.op("prelu", net.op("sign", net.x), np.full(2, 0.25, np.float32))
    graph = net.done(net.op("sign", net.pad(y, border, 1)))
    _, report = converted(graph)
    assert len(report.warnings) == 1
    with pytest.raises(ConversionError, match="--sign-zero"):
        converted(graph, sign_zero="error")
    zeros = np.zeros((1, 2, 3, 3), np.float32)
    for sign_zero in (1, -1):
        after, _ = converted(graph, sign_zero=f"{sign_zero:+d}")
        assert np.all(outputs(after, zeros)[0][..., 1:-1, 1:-1] == sign_zero)
        real = net.real(1, 2, 3, 3)
        np.testing.assert_array_equal(outputs(after, real)[0], outputs(graph, real)[0])


def test_zero_between_equal_values_is_no_sign() -> None:
    """Sign(Abs(Sign(x))) is 1, but 0 at 0: no choice of a sign for the 0 gives that."""
    net = Net(1, 2, 3, 3)
    graph = net.done(net.op("sign", net.op("abs", net.op("sign", net.x))))
    after, _ = converted(graph)
    assert "abs" in ops(after)


def test_a_zero_is_named_once() -> None:
    net = Net(1, 2, 3, 3)
    first = net.op("sign", net.x)
    _, report = converted(net.done(first, net.op("sign", first), net.pool(first)))
    assert report.warnings[0].endswith(": n0")


def test_falling_sign_and_zero() -> None:
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("sign", net.op("neg", net.x)))
    for sign_zero, at_zero in (("+1", 1), ("-1", -1)):
        after, _ = converted(graph, sign_zero=sign_zero)
        assert ops(after) == ["quantise"]
        x = critical((1, 3, 6, 6))
        (want,), (got,) = outputs(graph, x), outputs(after, x)
        np.testing.assert_array_equal(got, np.where(want == 0, at_zero, want))


def test_shared_signs_become_one() -> None:
    net = Net(1, 3, 6, 6)
    a = net.conv(net.sign(net.x), net.signs(4, 3, 1, 1), "a")
    b = net.conv(net.sign(net.x), net.signs(4, 3, 3, 3), "b")
    graph = net.done(a, b)
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["bconv", "bconv", "quantise"]
    assert_same(graph, after)


@pytest.mark.parametrize("pool", ["maxpool", "avgpool"])
def test_sign_of_what_is_never_negative(pool: str) -> None:
    """relu -> pool -> Sign has the values 0 and 1, both exactly: nothing to decide, nothing to warn of."""
    net = Net(1, 3, 6, 6)
    pooled = net.pool(net.op("clip", net.x, low=0.0, high=np.inf), op=pool)
    graph = net.done(
        net.conv(net.op("sign", pooled), net.signs(4, 3, 3, 3), "y", pads=(1, 1, 1, 1))
    )
    after, report = converted(graph, sign_zero="error")
    assert report.rows[0].kind == "binary"
    assert report.rows[0].border == -1
    assert "0 or 1" in report.rows[0].reason
    assert_same(graph, after)


@pytest.mark.parametrize("slope", [0.37, 1.7, 3.1])
def test_straight_through_sum_that_rounds(slope: float) -> None:
    """(s - t) + t is not s to the last bit for every t; the values are -1 and +1 all the same."""
    net = Net(1, 3, 24, 24)
    t = net.affine(net.op("tanh", net.x), -slope, 0.13)
    y = net.op("add", net.op("sub", net.sign(net.x), t), t)
    rounded = outputs(net.done(y), net.real(1, 3, 24, 24))[0]
    assert len(np.unique(rounded)) > 2
    graph = net.done(net.conv(y, net.signs(4, 3, 3, 3), "y", pads=(1, 1, 1, 1)))
    after, report = converted(graph)
    assert ops(after) == ["quantise", "bconv"]
    assert report.rows[0].border == 0
    assert_same(graph, after, 1e-5)


def test_cancelling_is_not_trusted_blindly() -> None:
    """With a huge t the sum is 0, not -1 or +1: the layer behind it stays real-valued."""
    net = Net(1, 3, 6, 6)
    t = net.affine(net.op("tanh", net.conv(net.x, net.signs(3, 3, 1, 1), "t")), 1e9)
    y = net.op("add", net.op("sub", net.sign(net.x), t), t)
    graph = net.done(net.conv(y, net.signs(4, 3, 3, 3), "y"))
    after, report = converted(graph)
    assert [r.kind for r in report.rows] == ["binary-weight", "binary-weight"]
    assert "real-valued" in report.rows[1].reason
    assert any("because t is large" in warning for warning in report.warnings)
    assert_same(graph, after)


SUMS: dict[str, Callable[[Net, str, str], str]] = {
    "(s - t) + t": lambda net, s, t: net.op("add", net.op("sub", s, t), t),
    "t + (s - t)": lambda net, s, t: net.op("add", t, net.op("sub", s, t)),
    "t - (t - s)": lambda net, s, t: net.op("sub", t, net.op("sub", t, s)),
    "-(t - s) + t": lambda net, s, t: net.op("add", net.affine(net.op("sub", t, s), -1.0), t),
}


@pytest.mark.parametrize("spelling", SUMS)
def test_straight_through_sum_of_an_unbounded_tensor(spelling: str) -> None:
    """No set of values can be proved for s + t - t; it is taken as s, and a warning says so."""
    net = Net(1, 3, 9, 8)
    t = net.conv(net.x, net.real(3, 3, 1, 1), "t")
    y = SUMS[spelling](net, net.sign(t), t)
    graph = net.done(net.conv(y, net.signs(4, 3, 3, 3), "y", pads=(1, 1, 1, 1)))
    after, report = converted(graph)
    assert ops(after) == ["conv", "quantise", "bconv"]
    assert report.rows[1].border == 0
    assert any("(s - t) + t" in warning for warning in report.warnings)
    assert_same(graph, after, 1e-5)


def test_sums_that_are_no_straight_through_estimators() -> None:
    """(x - t) + t of a real x, and (s - t) + u, stay as they are."""
    net = Net(1, 3, 9, 8)
    t, u, x = (net.conv(net.x, net.real(3, 3, 1, 1), name) for name in "tux")
    real = net.op("add", net.op("sub", x, t), t)
    other = net.op("add", net.op("sub", net.sign(t), t), u)
    graph = net.done(
        net.conv(real, net.signs(4, 3, 3, 3), "y"), net.conv(other, net.signs(4, 3, 3, 3), "z")
    )
    after, report = converted(graph)
    assert report.count("binary") == 0
    assert not any("(s - t) + t" in warning for warning in report.warnings)
    assert_same(graph, after, 1e-5)
