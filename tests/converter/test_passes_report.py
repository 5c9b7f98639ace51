# SPDX-License-Identifier: BSD-3-Clause
"""The report: one row per layer of the source model, totals, warnings, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from converter import interp
from converter.onnx_import import load
from converter.passes import run
from converter.report import Report, Row
from ir_builder import Net, converted, row

DIGITS = Path(__file__).parents[2] / "examples/digits"


def network() -> Net:
    net = Net(1, 4, 8, 8)
    x = net.conv(net.x, net.real(100, 4, 3, 3), "stem")
    x = net.pad(net.op("sign", net.bn(x)), -1.0, 1)
    x = net.sign(net.bn(net.conv(x, 0.5 * net.signs(12, 100, 3, 3), "body")))
    x = net.dense(net.flatten(x), net.signs(3, 12 * 36), "head")
    net.done(net.affine(x, 1.0, 2.0))
    return net


def test_rows() -> None:
    _, report = converted(network().graph)
    assert [(r.output, r.op, r.kind) for r in report.rows] == [
        ("stem", "conv", "float"),
        ("body", "conv", "binary"),
        ("head", "dense", "binary"),
    ]
    body = row(report, "body")
    assert (body.node, body.border, body.taps, body.outputs) == ("n4", -1, 900, 12)
    assert body.bytes_before == 4 * 12 * 900
    assert (
        body.bytes_after == 2 * 9 * 8 * 16
    )  # 2 blocks of 8 outputs, 9 taps, 16 bytes for 100 channels
    assert "n3" in body.fused  # the pad
    assert {"n5", "n6", "n7"} <= set(body.fused)  # batch norm and sign
    assert (
        row(report, "head").bytes_after == 1 * 8 * 36 * 8
    )  # packed as the image it reads: 36 pixels
    assert row(report, "stem").bytes_after == row(report, "stem").bytes_before == 4 * 100 * 36
    assert len(report.warnings) == 1


def test_binary_weight_bytes() -> None:
    net = Net(1, 4, 8, 8)
    net.done(net.conv(net.x, net.signs(12, 4, 3, 3), "y"))
    _, report = converted(net.graph)
    assert row(report, "y").bytes_after == 2 * 36


def test_json() -> None:
    _, report = converted(network().graph, "moderate")
    data = json.loads(report.to_json())
    assert data["mode"] == "moderate"
    assert [layer["output"] for layer in data["layers"]] == ["stem", "body", "head"]
    assert data["layers"][1]["border"] == -1
    assert data["warnings"] == report.warnings
    assert data["totals"]["binary"] == 2
    assert data["totals"]["weight_bytes_after"] == sum(r.bytes_after for r in report.rows)


def test_table() -> None:
    _, report = converted(network().graph)
    lines = str(report).splitlines()
    assert len(lines) == 1 + 3 + 1 + 1
    assert lines[0].split() == [
        "layer",
        "kind",
        "border",
        "K",
        "mul-adds",
        "weights",
        "fused",
        "why",
    ]
    assert lines[2].startswith("n4 ")
    assert " binary " in lines[2]
    assert " -1 " in lines[2]
    assert lines[4].startswith("3 layers (aggressive): 2 binary, 0 binary-weight, 1 float")
    assert lines[5].endswith("(--sign-zero chooses): n2")


def test_empty_report() -> None:
    report = Report("strict")
    assert report.totals()["binary"] == 0
    assert "0 layers (strict)" in str(report)
    assert not report.changed


def test_changed() -> None:
    report = Report(rows=[Row("a", "a", "conv")])
    assert not report.changed
    report.rows[0].inserted_sign = True
    assert report.changed


def test_digits() -> None:
    """The trained example: three kinds of border, a shortcut, max-pooling, a binary dense layer; same predictions."""
    graph, source = load(DIGITS / "digits.onnx"), load(DIGITS / "digits.onnx")
    report = run(graph)
    kinds = [(r.op, r.kind, r.border) for r in report.rows]
    assert kinds == [
        ("conv", "float", None),
        ("conv", "binary", 0),
        ("conv", "binary", -1),
        ("conv", "binary", 0),
        ("conv", "binary", 0),
        ("dense", "binary", None),
        ("dense", "float", None),
    ]
    assert not report.warnings
    operators = [node.op for node in graph.nodes]
    assert operators.count("bmaxpool") == 1
    assert operators.count("threshold") == 1
    assert not {"greater_equal", "where", "pad", "maxpool"} & set(operators)
    for image in np.load(DIGITS / "test.npz")["x"][:20]:
        (name,) = graph.outputs
        want, got = (interp.run(g, {"image": image[None]})[name] for g in (source, graph))
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * float(np.abs(want).max()))
