# SPDX-License-Identifier: BSD-3-Clause
"""Which layers become binary, with which border and factor, and what is said about the others."""

from __future__ import annotations

import numpy as np
import pytest

from ir_builder import Net, assert_same, converted, ops, outputs, row


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 2, 1, 0), (3, 3, 3, 3)])
def test_pad_behind_sign(value: float, pads: tuple[int, int, int, int]) -> None:
    net = Net(1, 4, 6, 5)
    y = net.conv(net.pad(net.sign(net.x), value, *pads), net.signs(6, 4, 3, 3), "y")
    graph = net.done(y)
    after, report = converted(graph, "moderate")
    assert ops(after) == ["quantise", "bconv"]
    assert after.nodes[1].attrs["border"] == value
    assert after.nodes[1].attrs["pads"] == pads
    assert row(report, "y").border == value
    assert_same(graph, after)


@pytest.mark.parametrize(("value", "border"), [(-1.0, -1), (-0.5, -1), (0.5, 1), (0.0, 1)])
def test_pad_in_front_of_sign(value: float, border: int) -> None:
    net = Net(1, 4, 6, 5)
    y = net.conv(net.sign(net.pad(net.x, value, 1)), net.signs(6, 4, 3, 3), "y")
    graph = net.done(y)
    after, _ = converted(graph, "moderate")
    assert ops(after) == ["quantise", "bconv"]
    assert after.nodes[1].attrs["border"] == border
    assert_same(graph, after)


def test_zero_pad_in_front_of_onnx_sign_is_a_border_of_zero() -> None:
    """Sign(0) = 0 is a third value inside the image, but exactly a border of 0 in the padding."""
    net = Net(1, 4, 6, 5)
    y = net.conv(net.op("sign", net.pad(net.x, 0.0, 1)), net.signs(6, 4, 3, 3), "y")
    graph = net.done(y)
    after, _ = converted(graph, "moderate")
    assert ops(after) == ["quantise", "bconv"]
    assert after.nodes[1].attrs["border"] == 0
    x = net.real(1, 4, 6, 5)  # without zeros
    np.testing.assert_array_equal(outputs(after, x)[0], outputs(graph, x)[0])


def test_pad_whose_sign_differs_by_channel_stays() -> None:
    net = Net(1, 4, 6, 5)
    signs = net.sign(net.affine(net.pad(net.x, 0.0, 1), 1.0, [1, -1, 1, -1]))
    graph = net.done(net.conv(signs, net.signs(6, 4, 3, 3), "y"))
    after, report = converted(graph, "moderate")
    assert ops(after) == ["pad", "quantise", "bconv"]
    assert row(report, "y").border is None
    assert_same(graph, after)


def test_batch_norm_between_pad_and_sign() -> None:
    net = Net(1, 4, 6, 5)
    signs = net.sign(net.affine(net.pad(net.x, 1.0, 1), [2, 3, 4, 5], [-1, -1, -1, -1]))
    graph = net.done(net.conv(signs, net.signs(6, 4, 3, 3), "y"))
    after, report = converted(graph, "moderate")
    assert ops(after) == ["quantise", "bconv"]
    assert row(report, "y").border == 1
    assert_same(graph, after)


def test_padding_of_the_convolution_is_a_border_of_zero() -> None:
    net = Net(1, 4, 6, 5)
    y = net.conv(net.sign(net.x), net.signs(6, 4, 3, 3), "y", pads=(1, 0, 2, 1))
    graph = net.done(y)
    after, _ = converted(graph, "moderate")
    assert after.nodes[1].attrs["border"] == 0
    assert_same(graph, after)


def test_mixed_borders_stay_apart() -> None:
    net = Net(1, 4, 6, 5)
    padded = net.pad(net.sign(net.x), -1.0, 1)
    graph = net.done(net.conv(padded, net.signs(6, 4, 3, 3), "y", pads=(1, 1, 1, 1)))
    after, report = converted(graph, "moderate")
    assert ops(after) == ["quantise", "pad", "quantise", "bconv"]
    assert row(report, "y").border == 0
    assert_same(graph, after)


def test_two_pads() -> None:
    net = Net(1, 4, 6, 5)
    padded = net.pad(net.pad(net.sign(net.x), -1.0, 1), -1.0, 0, 1, 2, 0)
    graph = net.done(net.conv(padded, net.signs(6, 4, 3, 3), "y"))
    after, _ = converted(graph, "moderate")
    assert ops(after) == ["quantise", "bconv"]
    assert after.nodes[1].attrs["pads"] == (1, 2, 3, 1)
    assert_same(graph, after)


@pytest.mark.parametrize(("value", "kind"), [(1.0, "binary"), (0.5, "binary-weight")])
def test_channel_padding(value: float, kind: str) -> None:
    net = Net(1, 4, 6, 5)
    padded = net.op("pad", net.sign(net.x), before=(0, 1, 0, 0), after=(0, 1, 0, 0), value=value)
    graph = net.done(net.conv(padded, net.signs(6, 6, 3, 3), "y"))
    after, report = converted(graph, "moderate")
    assert row(report, "y").kind == kind
    assert_same(graph, after)


@pytest.mark.parametrize("value", [0.5, -3.0, 7.75])
@pytest.mark.parametrize("groups", [1, 2])
def test_padding_with_a_value_between_or_beyond(value: float, groups: int) -> None:
    """A mix of two borders: the same integers inside, exact halves at the border."""
    net = Net(1, 4, 6, 5)
    x = net.pad(net.sign(net.x), value, 1, 0, 2, 1)
    graph = net.done(net.conv(x, net.signs(6, 4 // groups, 3, 3), "y", groups=groups))
    after, report = converted(graph, "moderate")
    found = row(report, "y")
    assert (found.kind, found.border) == ("binary", value)
    assert "mix of two convolutions" in found.reason
    assert [n.attrs["border"] for n in after.nodes if n.op == "bconv"] == [-1, 1]
    assert_same(graph, after)
    assert row(converted(graph, "strict")[1], "y").kind == "binary-weight"


def test_padding_with_a_value_far_away() -> None:
    net = Net(1, 4, 6, 5)
    graph = net.done(net.conv(net.pad(net.sign(net.x), 100.0, 1), net.signs(6, 4, 3, 3), "y"))
    after, report = converted(graph, "moderate")
    assert row(report, "y").kind == "binary-weight"
    assert "padded with 100, which is far" in row(report, "y").reason
    assert_same(graph, after)


@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize(("mul", "add", "border"), [(0.5, 0.5, -1), (-0.5, 0.5, -1), (3, 0, 0)])
def test_other_two_values(mul: float, add: float, border: int, pads: int) -> None:
    """{0, 1} activations: padding with 0 is a border of -1."""
    net = Net(1, 4, 6, 5)
    v = net.affine(net.sign(net.x), mul, add)
    graph = net.done(net.conv(v, 0.5 * net.signs(6, 4, 3, 3), "y", pads=(pads,) * 4))
    after, report = converted(graph)
    assert ops(after) == ["quantise", "bconv", "affine"]
    assert row(report, "y").border == (border if pads else None)
    assert_same(graph, after, 1e-6)


def test_other_two_values_far_from_zero() -> None:
    net = Net(1, 4, 6, 5)
    v = net.affine(net.sign(net.x), 1.0, 50.0)
    graph = net.done(net.conv(v, net.signs(6, 4, 3, 3), "y", pads=(1, 1, 1, 1)))
    after, report = converted(graph)
    assert row(report, "y").kind == "binary-weight"
    assert "49 and 51" in row(report, "y").reason
    assert_same(graph, after, 1e-6)


def test_zero_and_one_through_pool_and_flatten() -> None:
    net = Net(1, 4, 6, 6)
    v = net.pool(net.affine(net.sign(net.x), 0.5, 0.5))
    graph = net.done(net.dense(net.flatten(v), net.signs(7, 36), "y"))
    after, report = converted(graph)
    assert row(report, "y").kind == "binary"
    assert_same(graph, after, 1e-6)


def test_zero_and_one_in_front_of_dense() -> None:
    net = Net(1, 4, 6, 6)
    v = net.affine(net.sign(net.x), 0.5, 0.5)
    graph = net.done(net.dense(net.flatten(v), net.signs(7, 144), "y"))
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "reshape", "bdense", "affine"]
    assert_same(graph, after, 1e-6)


def test_two_valued_by_way_of_concat_and_transpose() -> None:
    net = Net(1, 4, 6, 6)
    both = net.op("concat", net.sign(net.x), net.sign(net.bn(net.x)), axis=1)
    turned = net.op("transpose", both, perm=(0, 1, 3, 2))
    graph = net.done(net.conv(turned, net.signs(6, 8, 3, 3), "y"))
    after, report = converted(graph)
    assert row(report, "y").kind == "binary"
    assert_same(graph, after)


def test_reshaped_image_is_packed_again() -> None:
    net = Net(1, 4, 6, 6)
    y = net.op("reshape", net.sign(net.x), shape=(1, 8, 6, 3))
    graph = net.done(net.conv(y, net.signs(6, 8, 3, 3), "y"))
    after, report = converted(graph)
    assert row(report, "y").kind == "binary"
    assert ops(after) == ["quantise", "reshape", "quantise", "bconv"]
    assert_same(graph, after)


def test_factor_by_input_channel_is_not_binary() -> None:
    net = Net(1, 4, 6, 6)
    v = net.affine(net.sign(net.x), [1, 2, 3, 4])
    graph = net.done(net.conv(v, net.signs(6, 4, 3, 3), "y"))
    after, report = converted(graph)
    assert row(report, "y").kind == "binary-weight"
    assert_same(graph, after, 1e-6)


# -- weights --------------------------------------------------------------------------------------
def test_alpha_by_channel() -> None:
    net = Net(1, 4, 6, 6)
    alpha = np.array([0.5, 0.25, 3, 0.1, 1e-3, 7], np.float32).reshape(6, 1, 1, 1)
    graph = net.done(net.conv(net.sign(net.x), alpha * net.signs(6, 4, 3, 3), "y"))
    after, report = converted(graph)
    assert ops(after) == ["quantise", "bconv", "affine"]
    assert "mean of |w|" not in row(report, "y").reason
    assert_same(graph, after, 1e-6)


@pytest.mark.parametrize(("noise", "binary"), [(2.4e-7, True), (0.002, True), (0.02, False)])
def test_tolerance(noise: float, binary: bool) -> None:
    net = Net(1, 4, 6, 6)
    factor = 0.3 * (1 + noise * net.rng.choice(np.array([-1, 1], np.float32), (6, 4, 3, 3)))
    weight = (factor * net.signs(6, 4, 3, 3)).astype(np.float32)
    graph = net.done(net.conv(net.sign(net.x), weight, "y"))
    after, report = converted(graph)
    found = row(report, "y")
    assert found.kind == ("binary" if binary else "float")
    assert ("mean of |w|" in found.reason) == (noise == 0.002)  # roundings are told by explain only
    assert ("|w| scatters by" in found.weight) == binary
    assert_same(graph, after, 2 * noise)


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        ("ternary", "3 values: -1, 0, 1"),
        ("zero channel", "all zeros in output channel 2"),
        ("real", "real-valued"),
        ("nan", "NaN"),
        ("ternary by channel", "-alpha, 0 and +alpha"),
    ],
)
def test_weights_that_are_not_binary(spoil: str, text: str) -> None:
    net = Net(1, 4, 6, 6)
    weight = net.signs(6, 4, 3, 3)
    if spoil == "ternary":
        weight[1, 2, 0, 0] = 0
    elif spoil == "zero channel":
        weight[2] = 0
    elif spoil == "real":
        weight = net.real(6, 4, 3, 3)
    elif spoil == "nan":
        weight[1, 2, 0, 0] = np.nan
    else:
        weight *= np.arange(1, 7, dtype=np.float32).reshape(6, 1, 1, 1)
        weight[:, 0] = 0
    graph = net.done(net.conv(net.sign(net.x), weight, "y"))
    after, report = converted(graph)
    assert row(report, "y").kind == "float"
    assert text in row(report, "y").reason
    assert ops(after) == ["quantise", "conv"]


def test_shared_weight() -> None:
    net = Net(1, 4, 6, 6)
    shared = net.graph.add_const(net.signs(4, 4, 3, 3))
    a = net.conv(net.sign(net.x), shared, "a", pads=(1, 1, 1, 1))  # type: ignore[arg-type]
    b = net.conv(net.sign(net.affine(a, -1.0, 0.5)), shared, "b")  # type: ignore[arg-type]
    graph = net.done(b)
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv", "threshold", "bconv"]
    assert_same(graph, after)


def test_real_input_gives_binary_weights_only() -> None:
    net = Net(1, 4, 6, 6)
    alpha = np.array([0.5, 0.25, 3], np.float32).reshape(3, 1, 1, 1)
    y = net.conv(net.x, alpha * net.signs(3, 4, 3, 3), "y", pads=(1, 1, 1, 1))
    graph = net.done(net.conv(net.sign(y), net.signs(2, 3, 1, 1), "z"))
    after, report = converted(graph)
    found = row(report, "y")
    assert found.kind == "binary-weight"
    assert "real-valued: it comes from graph input 'x'" in found.reason
    conv = after.nodes[0]
    weight = after.const(conv.inputs[1])
    assert conv.op == "conv"
    assert weight is not None
    assert weight.dtype == np.int8
    assert_same(graph, after)


def test_dense_with_real_input() -> None:
    net = Net(1, 12)
    graph = net.done(net.dense(net.x, 0.5 * net.signs(3, 12), "y"))
    after, report = converted(graph, "moderate")
    assert row(report, "y").kind == "binary-weight"
    assert ops(after) == ["dense", "affine"]
    assert_same(graph, after, 1e-6)


def test_too_many_taps() -> None:
    net = Net(1, 65536)
    graph = net.done(net.dense(net.sign(net.x), net.signs(2, 65536), "y"))
    after, report = converted(graph)
    assert row(report, "y").kind == "binary-weight"
    assert "65536 terms" in row(report, "y").reason
    assert_same(graph, after, count=1)


def test_several_rows() -> None:
    net = Net(3, 16)
    graph = net.done(net.dense(net.sign(net.x), net.signs(5, 16), "y"))
    after, report = converted(graph)
    assert "more than one row" in row(report, "y").reason
    assert_same(graph, after)


def test_constant_input() -> None:
    net = Net(1, 4, 6, 6)
    always = net.sign(net.op("clip", net.x, low=0.0, high=1.0))
    graph = net.done(net.conv(always, net.signs(5, 4, 3, 3), "y"))
    after, _ = converted(graph)
    assert_same(graph, after)


@pytest.mark.parametrize("groups", [2, 4])
def test_groups(groups: int) -> None:
    net = Net(1, 8, 5, 5)
    y = net.conv(net.sign(net.x), net.signs(8, 8 // groups, 3, 3), "y", groups=groups)
    graph = net.done(y)
    after, _ = converted(graph)
    assert ops(after) == ["quantise", "bconv"]
    assert_same(graph, after)
