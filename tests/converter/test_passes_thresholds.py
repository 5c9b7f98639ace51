# SPDX-License-Identifier: BSD-3-Clause
"""Signs of binary dot products: integer thresholds that agree with the float chain for every dot product."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converter.errors import ConversionError
from converter.graph import Graph
from converter.passes.thresholds import possible_dots
from ir_builder import Array, Net, assert_same, converted, ops, outputs

INT32 = np.iinfo(np.int32)


def binary(net: Net, x: str, outputs: int, size: int = 3, **attrs: Any) -> str:
    """sign -> conv with weights of +-1."""
    groups = attrs.get("groups", 1)
    weight = net.signs(outputs, net.channels(x) // groups, size, size)
    return net.conv(net.sign(x), weight, **attrs)


def limits(graph: Graph) -> Array:
    (node,) = [node for node in graph.nodes if node.op == "threshold"]
    data = graph.const(node.inputs[1])
    assert data is not None
    assert data.dtype == np.int32
    return data


@pytest.mark.parametrize("seed", range(12))
def test_random_batch_norm(seed: int) -> None:
    """Factors of both signs; some shifts put the threshold exactly on a dot product."""
    net = Net(1, 5, 6, 6, seed=seed)
    y = binary(net, net.x, 7, pads=(1, 1, 1, 1) if seed % 2 else (0, 0, 0, 0))
    mul = net.rng.choice(np.array([-2, -0.5, 0.1, 1, 3], np.float32), 7)
    add = -mul * net.rng.integers(-9, 10, 7).astype(np.float32)
    graph = net.done(net.sign(net.affine(y, mul, add)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold"]
    assert_same(graph, after)


@pytest.mark.parametrize(
    ("kernel", "attrs"),
    [
        (1, {}),
        (3, {"pads": (1, 1, 1, 1)}),
        (3, {"pads": (0, 1, 2, 0), "strides": (2, 1)}),
        (2, {"pads": (1, 0, 0, 1), "dilations": (2, 3)}),
        (5, {"pads": (4, 4, 4, 4)}),
        (3, {"groups": 2, "pads": (1, 1, 1, 1)}),
    ],
)
def test_geometry(kernel: int, attrs: dict[str, Any]) -> None:
    net = Net(1, 4, 7, 6)
    graph = net.done(net.sign(net.bn(binary(net, net.x, 6, kernel, **attrs))))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold"]
    assert_same(graph, after)
    # the dot products that were considered contain those that occur
    before, _ = converted(net.done(binary(net, net.x, 6, kernel, **attrs)))
    (conv,) = [node for node in before.nodes if node.op == "bconv"]
    found = outputs(before, net.real(1, 4, 7, 6))[0]
    assert np.isin(found, possible_dots(before, conv)).all()


def test_chain_of_activations() -> None:
    net = Net(1, 4, 6, 6)
    y = net.bn(binary(net, net.x, 8))
    y = net.op("prelu", net.op("clip", y, low=-4.0, high=5.0), np.full(8, 0.25, np.float32))
    graph = net.done(net.sign(net.bn(y)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold"]
    assert_same(graph, after)


def test_constant_and_dead_channels() -> None:
    net = Net(1, 4, 6, 6)
    y = net.affine(binary(net, net.x, 6), [0, 0, 1e-20, -1e-20, 1, 1], [1, -1, 2, -2, 999, -999])
    graph = net.done(net.sign(y))
    after, _ = converted(graph)
    assert list(limits(after)) == [INT32.min, INT32.max] * 3
    assert_same(graph, after)


def test_falling_channels_negate_their_weights() -> None:
    net = Net(1, 4, 6, 6)
    y = net.affine(binary(net, net.x, 3), [1, -1, 0], [-4, -4, -4])
    graph = net.done(net.sign(y))
    before = graph.const(graph.nodes[2].inputs[1])
    assert before is not None
    after, _ = converted(graph)
    assert list(limits(after)) == [4, 4, INT32.max]
    weight = after.const(after.nodes[1].inputs[1])
    np.testing.assert_array_equal(weight, before * np.array([1, -1, 1]).reshape(-1, 1, 1, 1))
    assert_same(graph, after)


def test_sign_that_changes_twice_stays_float() -> None:
    net = Net(1, 4, 6, 6)
    bent = net.op("prelu", binary(net, net.x, 3), np.array([-1, 1, 0.5], np.float32))
    graph = net.done(net.sign(net.affine(bent, 1.0, -6.0)))
    after, _ = converted(graph)
    assert "threshold" not in ops(after)
    assert "bconv" in ops(after)
    assert_same(graph, after)


def test_shortcut_keeps_the_floats() -> None:
    """The batch norm's result goes into a sign and into a sum: bits for one, floats for the other."""
    net = Net(1, 4, 6, 6)
    y = net.bn(binary(net, net.x, 4, pads=(1, 1, 1, 1)))
    graph = net.done(net.sign(y), net.op("add", y, net.x))
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["add", "affine", "bconv", "quantise", "threshold"]
    assert_same(graph, after, 1e-6)


def test_two_signs_of_one_dot_product() -> None:
    """The second one falls where the first rises: its weights are spoken for, so it stays float."""
    net = Net(1, 4, 6, 6)
    y = binary(net, net.x, 4)
    graph = net.done(net.sign(net.affine(y, 1.0, 3.0)), net.sign(net.affine(y, -1.0, 1.0)))
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["bconv", "quantise", "quantise", "threshold"]
    assert_same(graph, after)


def test_dot_product_itself_is_an_output() -> None:
    net = Net(1, 4, 6, 6)
    y = binary(net, net.x, 4)
    graph = net.done(y, net.sign(net.affine(y, -1.0, 1.0)))
    after, _ = converted(graph)
    assert sorted(ops(after)) == ["affine", "bconv", "quantise", "threshold"]
    assert_same(graph, after)


@pytest.mark.parametrize("mul", [1.0, -1.0])
@pytest.mark.parametrize("pads", [0, 1])
def test_maxpool_between(mul: float, pads: int) -> None:
    """conv -> maxpool -> batch norm -> sign: the sign comes first, then the maximum of bits."""
    net = Net(1, 4, 9, 9)
    y = net.pool(binary(net, net.x, 4), 3, pads=pads)
    graph = net.done(net.sign(net.affine(y, [mul, -mul, mul, 0], [-2.0, 1.0, 300, 2])))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold", "bmaxpool"]
    assert_same(graph, after)


def test_maxpool_between_chains() -> None:
    net = Net(1, 4, 8, 8)
    y = net.pool(net.op("clip", net.bn(binary(net, net.x, 6)), low=0.0, high=6.0))
    graph = net.done(net.sign(net.affine(net.bn(y), 1.0, -0.25)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold", "bmaxpool"]
    assert_same(graph, after)


def test_maxpool_after_sign() -> None:
    net = Net(1, 4, 8, 8)
    graph = net.done(net.pool(net.sign(net.bn(binary(net, net.x, 6)))))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold", "bmaxpool"]
    assert_same(graph, after)


def test_maxpool_with_other_readers_stays() -> None:
    net = Net(1, 4, 8, 8)
    y = net.pool(binary(net, net.x, 6))
    graph = net.done(net.sign(net.bn(y)), net.bn(y))
    after, _ = converted(graph)
    assert "maxpool" in ops(after)
    assert_same(graph, after)


def test_dense() -> None:
    net = Net(1, 3, 4, 4)
    y = net.dense(net.flatten(net.sign(net.x)), net.signs(20, 48))
    graph = net.done(net.sign(net.bn(y)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "reshape", "bdense", "threshold"]
    assert_same(graph, after)


def test_alpha_and_bias_fold_into_the_threshold() -> None:
    net = Net(1, 4, 6, 6)
    alpha = np.array([0.01, 0.7, 3, 1e-6], np.float32).reshape(4, 1, 1, 1)
    y = net.conv(net.sign(net.x), net.signs(4, 4, 3, 3) * alpha)
    graph = net.done(net.sign(net.affine(net.affine(y, 1.0, net.real(4) * 0.1), 2.0, 0.01)))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold"]
    assert_same(graph, after)


# -- ONNX Sign and the integer 0 ------------------------------------------------------------------
def test_sign_of_an_even_dot_product_is_refused() -> None:
    net = Net(1, 4, 6, 6)
    graph = net.done(net.op("sign", binary(net, net.x, 4)))
    with pytest.raises(ConversionError, match=r"n3.*dot product in front is 0.*--sign-zero"):
        converted(graph)
    for sign_zero, first in (("+1", 0), ("-1", 2)):
        after, report = converted(graph, sign_zero=sign_zero)
        assert not report.warnings
        assert ops(after) == ["quantise", "bconv", "threshold"]
        reached = limits(after)
        assert np.all((reached == first) | (reached == first - 1))


def test_sign_of_an_odd_dot_product_never_meets_zero() -> None:
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("sign", binary(net, net.x, 4)))
    after, report = converted(graph)
    assert not report.warnings
    assert_same(graph, after)


def test_zero_border_makes_even_dot_products() -> None:
    """3 x 3 x 3 taps are odd, but a border of 0 leaves 12 or 18 of them."""
    net = Net(1, 3, 6, 6)
    graph = net.done(net.op("sign", binary(net, net.x, 4, pads=(1, 1, 1, 1))))
    with pytest.raises(ConversionError, match="--sign-zero"):
        converted(graph)


@pytest.mark.parametrize("compare", ["greater", "greater_equal", "less", "less_equal"])
def test_sums_of_zeros_and_alphas_compared_with_zero(compare: str) -> None:
    """Inputs of 0 and a, weights of +-alpha: terms that cancel give exactly 0, whatever alpha rounds to."""
    net = Net(1, 6, 5, 5)
    bits = net.op("cast", net.op("greater", net.x, np.float32(0)), dtype="float32")
    signs = net.signs(24, 6, 3, 3)
    alpha = net.rng.random((24, 1, 1, 1), np.float32) + np.float32(0.1)
    pads = (1, 1, 1, 1)
    real = net.conv(net.affine(bits, 0.3), signs * alpha, pads=pads)
    whole = net.conv(bits, signs, pads=pads)
    both = [
        net.op("where", net.op(compare, y, np.float32(0)), np.float32(1), np.float32(-1))
        for y in (real, whole)
    ]
    after, _ = converted(net.done(*both))
    assert ops(after).count("threshold") == 2
    for seed in range(8):
        x = np.random.default_rng(seed).standard_normal((1, 6, 5, 5)).astype(np.float32)
        got, want = outputs(after, x)
        np.testing.assert_array_equal(got, want)


def test_zero_through_batch_norm_and_maxpool() -> None:
    net = Net(1, 4, 6, 6)
    y = net.affine(net.pool(binary(net, net.x, 4)), 0.5, [1, 2, 2.5, 3])
    graph = net.done(net.op("sign", y))
    with pytest.raises(ConversionError, match=r"dot product in front is -[246] \(channel [013]"):
        converted(graph)
    shifted = net.affine(net.pool(binary(net, net.x, 4)), 0.5, [1.5, 2.5, 3.5, 4.5])
    graph = net.done(net.op("sign", shifted))
    after, report = converted(graph)
    assert not report.warnings
    assert "threshold" in ops(after)
    assert_same(graph, after)


def test_zero_of_a_residual_sum_is_a_warning() -> None:
    net = Net(1, 4, 6, 6)
    y = net.op("add", binary(net, net.x, 4, pads=(1, 1, 1, 1)), net.x)
    graph = net.done(net.op("sign", y))
    _, report = converted(graph)
    assert len(report.warnings) == 1
    assert "n4" in report.warnings[0]
