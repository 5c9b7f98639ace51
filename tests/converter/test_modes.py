# SPDX-License-Identifier: BSD-3-Clause
"""--strict, --moderate, --aggressive and --binary-list: the same layers under every mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from converter.errors import ConversionError
from converter.graph import Graph
from converter.passes import Mode
from ir_builder import Array, Net, assert_same, converted, ops, outputs, row, samples

Case = Callable[[Net], str]
SIGNED, PLAIN, ALPHA, REAL = "sign", "plain", "alpha", "real"


def weight(net: Net, kind: str) -> Array:
    signs = net.signs(4, 4, 3, 3)
    factors = {REAL: net.real(4, 4, 3, 3), PLAIN: np.ones(1, np.float32)}
    weight: Array = signs * factors.get(kind, np.full(1, 0.25, np.float32))
    return weight


def layer(net: Net, x: str, kind: str, pads: int = 0) -> str:
    """The layer y; the importer's word on where its weight comes from is attached."""
    y = net.conv(x, weight(net, kind), "y", pads=(pads,) * 4)
    net.graph.nodes[-1].attrs["weight_source"] = "sign" if kind == SIGNED else "other"
    return y


def signed(kind: str, pads: int = 0) -> Case:
    return lambda net: layer(net, net.sign(net.x), kind, pads)


def padded(kind: str, value: float, sign_first: bool = True) -> Case:
    def build(net: Net) -> str:
        x = net.pad(net.sign(net.x), value, 1) if sign_first else net.sign(net.pad(net.x, value, 1))
        return layer(net, x, kind)

    return build


def unsigned(kind: str, value: float | None = None) -> Case:
    """The layer's input is real-valued, perhaps padded; another layer of the network has a sign."""

    def build(net: Net) -> str:
        x = net.conv(net.sign(net.x), net.real(4, 4, 1, 1), "first")
        return layer(net, x if value is None else net.pad(x, value, 1), kind)

    return build


def zero_and_one(kind: str) -> Case:
    return lambda net: layer(net, net.affine(net.sign(net.x), 0.5, 0.5), kind)


B, W, F = "binary", "binary-weight", "float"
CASES: dict[str, tuple[Case, str, str, str]] = {
    # name: (network, strict, moderate, aggressive)
    "weight through sign": (signed(SIGNED), B, B, B),
    "weight plainly -1 and +1": (signed(PLAIN), B, B, B),
    "weight +-alpha": (signed(ALPHA), F, B, B),
    "real weight": (signed(REAL), F, F, F),
    "sign, pad -1": (padded(SIGNED, -1), B, B, B),
    "sign, pad +1": (padded(SIGNED, 1), B, B, B),
    "pad -1, sign": (padded(SIGNED, -1, sign_first=False), B, B, B),
    "pad 0.5, sign": (padded(SIGNED, 0.5, sign_first=False), B, B, B),
    "sign, pad 0": (padded(SIGNED, 0), W, B, B),
    "padding of the convolution": (signed(SIGNED, pads=1), W, B, B),
    "+-alpha, pad -1": (padded(ALPHA, -1), F, B, B),
    "real input, sign on weight": (unsigned(SIGNED), W, W, W),
    "real input, +-alpha": (unsigned(ALPHA), F, W, W),
    "real input, pad 0": (unsigned(SIGNED, 0), W, W, W),
    "real input, pad +1": (unsigned(SIGNED, 1), W, W, W),
    "zero and one": (zero_and_one(SIGNED), W, B, B),
}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", CASES)
def test_kind(name: str, mode: Mode) -> None:
    case, *kinds = CASES[name]
    net = Net(1, 4, 6, 5)
    graph = net.done(case(net))
    after, report = converted(graph, mode)
    found = row(report, "y")
    assert found.kind == dict(zip(Mode, kinds, strict=True))[mode]
    assert found.reason
    assert not found.inserted_sign
    assert not report.changed
    assert_same(graph, after, 1e-6)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("kind", [SIGNED, ALPHA])
def test_pad_of_minus_one_is_the_authors_statement(mode: Mode, kind: str) -> None:
    net = Net(1, 4, 6, 5)
    graph = net.done(unsigned(kind, -1)(net))
    after, report = converted(graph, mode)
    found = row(report, "y")
    if mode is Mode.STRICT:
        assert found.kind == (W if kind == SIGNED else F)
        assert_same(graph, after, 1e-6)
        return
    assert (found.kind, found.border, found.inserted_sign) == (B, -1, True)
    assert "sign inserted in front (the Pad of -1" in found.reason
    assert report.changed
    net = Net(1, 4, 6, 5)
    x = net.conv(net.sign(net.x), net.real(4, 4, 1, 1), "first")
    stated = net.done(layer(net, net.sign(net.pad(x, -1, 1)), kind))  # the same random numbers
    for data in samples(stated):
        np.testing.assert_array_equal(outputs(after, *data)[0], outputs(stated, *data)[0])


def no_signs(net: Net) -> Graph:
    """first (real input) -> relu -> second -> third (dense), all with +-alpha weights."""
    x = net.affine(net.pad(net.x, 0.0, 1), 0.5)
    first = net.conv(x, 0.5 * net.signs(4, 4, 3, 3), "first")
    bn = net.bn(first)
    second = net.conv(bn, 0.25 * net.signs(6, 4, 3, 3), "second", pads=(1, 1, 1, 1))
    return net.done(net.dense(net.flatten(second), net.signs(3, 6 * 6 * 5), "third"))


def test_aggressive_inserts_where_no_sign_is_at_all() -> None:
    graph = no_signs(Net(1, 4, 6, 5))
    after, report = converted(graph, Mode.AGGRESSIVE)
    kinds = {r.output: (r.kind, r.inserted_sign) for r in report.rows}
    assert kinds == {"first": (W, False), "second": (B, True), "third": (W, False)}
    assert row(report, "second").border == 0
    assert "no signs at all" in row(report, "second").reason
    # what it computes: the same network with the sign written down
    net = Net(1, 4, 6, 5)
    same = no_signs(net)
    (second,) = [node for node in same.nodes if node.attrs.get("result") == "second"]
    tail = same.nodes[same.nodes.index(second) :]
    del same.nodes[same.nodes.index(second) :]
    second.inputs[0] = net.sign(second.inputs[0])
    same.nodes += tail
    assert_same(same, after, 1e-6)


@pytest.mark.parametrize("mode", [Mode.STRICT, Mode.MODERATE])
def test_others_never_insert_without_a_pad(mode: Mode) -> None:
    graph = no_signs(Net(1, 4, 6, 5))
    after, report = converted(graph, mode)
    assert not report.changed
    assert_same(graph, after, 1e-6)


def test_one_sign_is_enough_to_insert_none() -> None:
    net = Net(1, 4, 6, 5)
    graph = no_signs(net)
    graph.outputs.append(net.sign(net.x))
    after, report = converted(graph, Mode.AGGRESSIVE)
    assert not report.changed
    assert [r.kind for r in report.rows] == [W, W, W]
    assert_same(graph, after, 1e-6)


def listed_network() -> tuple[Net, Graph]:
    net = Net(1, 4, 6, 5)
    a = net.conv(net.x, net.real(4, 4, 3, 3), "a", pads=(1, 1, 1, 1))
    b = net.conv(net.op("clip", a, low=0.0, high=6.0), net.real(5, 4, 3, 3), "b")
    return net, net.done(net.dense(net.flatten(b), net.real(2, 5 * 4 * 3), "c"))


@pytest.mark.parametrize("mode", list(Mode))
def test_binary_list(mode: Mode) -> None:
    """Real weights become their signs; the input gets a sign. The report says that this is not the model."""
    net, graph = listed_network()
    after, report = converted(graph, mode, binary_list=["a", "c"])
    assert [(r.kind, r.inserted_sign, r.forced) for r in report.rows] == [
        (B, True, True),
        (F, False, False),
        (B, True, True),
    ]
    assert row(report, "a").border == 0
    assert "not the model's" in row(report, "a").reason
    assert "--binary-list" in row(report, "a").reason
    for name in ("a", "c"):
        (node,) = [n for n in graph.nodes if n.attrs.get("result") == name]
        data = graph.const(node.inputs[1])
        assert data is not None
        node.inputs[1] = graph.add_const(np.where(data >= 0, 1, -1).astype(np.float32))
        at = graph.nodes.index(node)
        tail = graph.nodes[at:]
        del graph.nodes[at:]
        node.inputs[0] = net.sign(node.inputs[0])
        graph.nodes += tail
    assert_same(graph, after, 1e-5)


def test_binary_list_of_a_layer_that_is_binary_anyway() -> None:
    net = Net(1, 4, 6, 5)
    graph = net.done(layer(net, net.sign(net.x), ALPHA))
    after, report = converted(graph, Mode.STRICT, binary_list=["y"])
    found = row(report, "y")
    assert (found.kind, found.inserted_sign, found.forced) == (B, False, False)
    assert not report.changed
    assert_same(graph, after, 1e-6)


def test_binary_list_with_an_unknown_name() -> None:
    _, graph = listed_network()
    with pytest.raises(ConversionError, match=r"'nowhere'.*there are: a, b, c"):
        converted(graph, binary_list=["a", "nowhere"])


def test_default_mode_is_aggressive() -> None:
    graph = no_signs(Net(1, 4, 6, 5))
    explicit, implicit = converted(graph, Mode.AGGRESSIVE), converted(graph)
    assert ops(explicit[0]) == ops(implicit[0])
    assert implicit[1].mode == "aggressive"
