# SPDX-License-Identifier: BSD-3-Clause
"""Reasons, stories and advice name the nodes and values that matter; tables and paragraphs fit a terminal."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from converter import dab, explain, lower
from converter.errors import ConversionError
from converter.passes import advice
from converter.progress import Progress
from converter.report import Report, Row, count_text, size_text
from converter.text_table import table, wrap
from ir_builder import Net, converted, row


def story(net: Net, output: str, *outputs: str, **options: Any) -> Row:
    """The row of a layer in a network with these outputs."""
    return row(converted(net.done(*outputs), **options)[1], output)


# -- where values come from ----------------------------------------------------------------------
def test_real_values_are_traced_to_the_graph_input() -> None:
    net = Net(1, 8, 6, 6)
    x = net.op("clip", net.bn(net.x), low=0.0, high=np.inf)
    found = story(net, "y", net.conv(x, net.signs(4, 8, 3, 3), "y"), mode="moderate")
    assert found.kind == "binary-weight"
    assert found.reason == (
        "its weight is binary, but its input is real-valued: it comes from graph input 'x', through 'n0', 'n1'"
    )
    assert found.input == [
        "graph input 'x': real values",
        "'n0' (affine): real values",
        "'n1' (clip): real values from 0 to inf",
    ]
    assert found.advice == advice.SIGN


def test_real_values_are_traced_through_both_branches_to_layers() -> None:
    net = Net(1, 8, 6, 6)
    left = net.conv(net.x, net.real(8, 8, 1, 1), "left")
    right = net.bn(net.conv(net.x, net.real(8, 8, 1, 1), "right"))
    total = net.op("add", left, right)
    found = story(net, "y", net.conv(total, net.signs(4, 8, 3, 3), "y"), mode="moderate")
    assert "comes from layer 'n0', layer 'n1', through 'n2', 'n3'" in found.reason
    assert found.input[0] == "layer 'n0': real values, the sums of its products"


def test_what_a_binary_layer_became_is_named_once() -> None:
    """A binary layer and the factor behind it have one name."""
    net = Net(1, 8, 6, 6)
    x = net.conv(net.sign(net.x), 0.5 * net.signs(8, 8, 1, 1), "first")
    x = net.op("clip", x, low=0.0, high=np.inf)
    found = story(net, "y", net.conv(x, net.signs(4, 8, 3, 3), "y"), mode="moderate")
    assert found.reason.endswith("it comes from layer 'n2', through 'n3'")
    assert found.input == [
        "layer 'n2': real values, the sums of its products",
        "'n3' (clip): real values from 0 to inf",
    ]


def test_long_ways_are_cut() -> None:
    net = Net(1, 8, 6, 6)
    x = net.x
    for _ in range(20):
        x = net.op("tanh", x)
    found = story(net, "y", net.conv(x, net.signs(4, 8, 3, 3), "y"), mode="moderate")
    assert "through 'n0', 'n1', 'n2', 'n3' and 16 more" in found.reason
    assert found.input[0] == "..."
    assert found.input[-1].startswith("'n19' (tanh)")


def test_two_values_are_traced_to_their_sign() -> None:
    net = Net(1, 8, 6, 6)
    signs = net.op("sign", net.affine(net.x, 2.0, np.arange(8.0)))
    padded = net.pad(net.pool(signs), -1.0, 1)
    found = story(net, "y", net.conv(padded, 0.25 * net.signs(4, 8, 3, 3), "y"), sign_zero="+1")
    assert (found.kind, found.border) == ("binary", -1)
    sign, pool, pad = found.input
    assert (
        sign
        == "'n1', 'n0' together are a sign of 'x': +1 where it is >= (-3.5 to 0, by channel), else -1"
    )
    assert "'n2'" in pool
    assert pad == "'n3' (pads with -1): -1 or 1"
    assert found.weight == "is +-alpha, alpha is 0.25 in all 4 output channels"
    assert found.alpha == (0.25, 0.25)
    assert not found.advice


def test_other_values_of_a_sign() -> None:
    net = Net(1, 8, 6, 6)
    above = net.op("greater_equal", net.x, np.float32(0))
    ones = net.op("cast", above, dtype="float32")
    found = story(net, "y", net.conv(ones, net.signs(4, 8, 3, 3), "y"))
    assert found.reason.startswith("its input is 0 or 1")
    assert found.input[-1].endswith(": 0 or 1")
    assert found.weight == "holds nothing but -1 and +1"


def test_inserted_sign() -> None:
    net = Net(1, 8, 6, 6)
    x = net.pad(net.bn(net.x), -1.0, 1)
    found = story(net, "y", net.conv(x, net.signs(4, 8, 3, 3), "y"), mode="moderate")
    assert found.inserted_sign
    assert found.advice == advice.REAL


# -- advice --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-0.5, 0, 0.5], advice.TERNARY),
        ([0.25, 0.75], advice.CENTRE),
        (np.linspace(-1, 1, 64), advice.EXPORT_SIGNS),
    ],
)
def test_advice_for_weights(values: Any, expected: str) -> None:
    net = Net(1, 8, 6, 6)
    weight = np.resize(np.asarray(values, np.float32), (4, 8, 3, 3))
    found = story(net, "y", net.conv(net.sign(net.x), weight, "y"), mode="strict")
    assert (found.kind, found.advice) == ("float", expected)
    assert f"its weight {found.weight}" == found.reason


def test_advice_for_a_border_that_is_no_value() -> None:
    net = Net(1, 8, 6, 6)
    x = net.pad(net.sign(net.x), 50.0, 1)
    found = story(net, "y", net.conv(x, net.signs(4, 8, 3, 3), "y"))
    assert (found.kind, found.advice) == ("binary-weight", advice.BORDER)


def test_advice_for_three_values() -> None:
    net = Net(1, 8, 6, 6)
    x = net.op("add", net.sign(net.x), net.sign(net.bn(net.x)))
    found = story(net, "y", net.conv(x, net.signs(4, 8, 3, 3), "y"))
    assert "takes 3 values (-2, 0, 2)" in found.reason
    assert found.advice == advice.ZERO


def test_advice_for_the_first_layer_and_for_strict() -> None:
    net = Net(1, 8, 6, 6)
    x = net.conv(net.x, net.signs(8, 8, 3, 3), "first")
    y = net.conv(net.sign(x), net.signs(8, 8, 3, 3), "second", pads=(1, 1, 1, 1))
    net.done(y)
    report = converted(net.graph, "strict")[1]
    assert row(report, "first").advice == advice.FIRST
    assert row(report, "second").advice == advice.SHOW


def test_advice_for_rows() -> None:
    net = Net(3, 8)
    found = story(net, "y", net.dense(net.sign(net.x), net.signs(4, 8), "y"))
    assert found.advice == advice.ROWS


# -- what lowering adds --------------------------------------------------------------------------
def test_fused_and_sizes_after_lowering() -> None:
    """The shortcut's add and the activation behind it are steps of the convolution."""
    net = Net(1, 8, 6, 6)
    y = net.conv(net.sign(net.x), net.signs(8, 8, 3, 3), "y", pads=(1, 1, 1, 1))
    net.done(net.op("clip", net.op("add", net.bn(y), net.x), low=0.0, high=6.0))
    graph, report = converted(net.graph)
    assert report.totals()["file_bytes"] is None
    data = lower.lower(graph, {}, report)
    assert set(row(report, "y").fused) == {"n3", "n4", "n5"}
    totals = report.totals()
    assert totals["file_bytes"] == len(data)
    assert totals["arena_bytes"] >= 4 * 8 * 36
    assert totals["multiply_adds"] == totals["binary_multiply_adds"] == 8 * 72 * 36
    assert totals["binary_share"] == 1
    assert "100.0 % of 21 k multiply-adds are binary" in str(report)


def test_narrow_groups_are_counted_as_floats() -> None:
    """A depthwise binary convolution is binary by its values, but no op on bits does it."""
    net = Net(1, 8, 6, 6)
    net.done(net.conv(net.sign(net.x), net.signs(8, 1, 3, 3), "y", groups=8))
    graph, report = converted(net.graph)
    data = dab.read(lower.lower(graph, {}, report))
    found = row(report, "y")
    assert (found.kind, found.on_bits) == ("binary", False)
    assert found.reason.endswith("computed on floats, as exactly: its groups have few channels")
    assert report.totals()["binary_multiply_adds"] == 0
    assert found.bytes_after in [tensor.bytes for tensor in data.tensors if tensor.constant]


def test_bytes_of_all_parts_of_a_layer() -> None:
    """A weight of 0 and 1 takes one output more."""
    net = Net(1, 8, 6, 6)
    weight = np.maximum(net.signs(8, 8, 3, 3), 0)
    net.done(net.conv(net.sign(net.x), weight, "y"))
    graph, report = converted(net.graph)
    data = dab.read(lower.lower(graph, {}, report))
    packed = [tensor.bytes for tensor in data.tensors if tensor.type == dab.Type.W_XNOR]
    assert len(packed) == 2
    assert row(report, "y").bytes_after == sum(packed)


def test_unknown_layer() -> None:
    report = Report(rows=[Row("n", "o", "conv"), Row("m", "p", "conv")])
    assert explain.chosen(report, ["o", "m"]) == report.rows
    assert explain.chosen(report, []) == report.rows
    with pytest.raises(ConversionError, match=r"--node q: .*; there are: n, m"):
        explain.chosen(report, ["q"])


def test_story_names_everything() -> None:
    found = Row(
        "n", "o", "conv", "binary", "because", "do that", ["first", "second"], "is +-alpha",
        border=0, taps=9, outputs=4, multiply_adds=36, fused=["a", "b"], bytes_before=144,
    )  # fmt: skip
    lines = explain.story(found).splitlines()
    assert lines[0] == "n (conv writing 'o'): binary"
    for text in (
        "why:    because", "input:  first", "          second", "weight: is +-alpha",
        "border: 0: padded taps count exactly 0", "fused:  a, b", "K = 9", "change: do that",
    ):  # fmt: skip
        assert sum(text in line for line in lines) == 1, text


# -- text ----------------------------------------------------------------------------------------
def test_table_wraps_its_last_column() -> None:
    rows = [("name", "12", "word " * 20), ("n", "1", "short")]
    assert len(table(("a", "b", "why"), rows, None)) == 3
    lines = table(("a", "b", "why"), rows, 60)
    assert max(map(len, lines)) <= 60
    assert len(lines) > 3
    start = lines[0].index("why")
    assert all(line[:start].strip() == "" for line in lines[2:-1])
    assert lines[-1] == "n     1   short"


def test_table_puts_the_last_column_below_long_names() -> None:
    lines = table(("layer", "why"), [("x" * 60, "word " * 20)], 70)
    assert lines[0].split() == ["layer"]
    assert lines[1] == "x" * 60
    assert lines[2].startswith("    word word")
    assert max(map(len, lines)) <= 70


def test_names_are_not_broken() -> None:
    name = "a-very/long-name" * 8
    assert any(name in line for line in wrap(f"see {name} there", 40))


def test_numbers_for_people() -> None:
    assert [count_text(n) for n in (999, 1000, 25_000, 1_680_000_000)] == [
        "999", "1.0 k", "25 k", "1.7 G",
    ]  # fmt: skip
    assert [size_text(n) for n in (9999, 10_000, 47_000_000)] == ["9999 B", "10 kB", "47.0 MB"]


# -- progress ------------------------------------------------------------------------------------
class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_goes_away() -> None:
    stream = Terminal()
    progress = Progress(stream)
    with progress as tell:
        tell("one")
        assert stream.getvalue() == ""
        progress._appear()
        tell("two")
        assert stream.getvalue() == "\r\x1b[Kone\r\x1b[Ktwo"
    assert stream.getvalue().endswith("two\r\x1b[K")


def test_progress_is_silent_elsewhere_and_when_it_is_quick() -> None:
    for stream in (io.StringIO(), Terminal()):
        with Progress(stream) as tell:
            tell("one")
        assert stream.getvalue() == ""
