# SPDX-License-Identifier: BSD-3-Clause
"""MXNet and BMXNet files: each operator and each form of a binary layer against numpy's evaluation of the symbol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import bmxnet
from bmxnet import SymbolWriter, pack_columns, pack_rows, write_params
from converter import interp, lower, passes, sources
from converter.graph import Graph
from converter.report import Report

Array = npt.NDArray[Any]
RNG = np.random.default_rng(5)


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def load(
    folder: Path,
    symbol: bytes,
    params: Mapping[str, Array],
    shape: tuple[int, ...],
    version: int = 2,
) -> Graph:
    """Write both files and import them."""
    (folder / "net-symbol.json").write_bytes(symbol)
    named = {f"arg:{name}": array for name, array in params.items()}
    (folder / "net-0000.params").write_bytes(write_params(named, version))
    return sources.load(folder / "net-symbol.json", folder / "net-0000.params", {"data": shape})


def check(
    folder: Path,
    symbol: bytes,
    params: Mapping[str, Array],
    shape: tuple[int, ...],
    mode: str = "aggressive",
) -> tuple[Graph, Report]:
    """The imported graph and the one after all passes compute what the symbol says."""
    graph = load(folder, symbol, params, shape)
    x = normal(*shape)
    x.reshape(-1)[::7] = 0  # the sign of 0 is +1
    want = bmxnet.evaluate(symbol, params, x)
    assert np.any(want)
    for step in ("imported", "converted"):
        if step == "converted":
            report = passes.run(graph, mode)
        found = interp.run(graph, {"data": x})[graph.outputs[0]]
        np.testing.assert_allclose(
            found, want, rtol=0, atol=1e-5 * np.abs(want).max(), err_msg=step
        )
    return graph, report


def q_convolution(op: str, shape: tuple[int, ...], **attrs: Any) -> tuple[bytes, dict[str, Array]]:
    """A symbol of one layer on `data`, and its float weight."""
    symbol = SymbolWriter("attr")
    inputs = [symbol.variable("data"), symbol.variable("conv_weight")]
    params = {"conv_weight": normal(*shape)}
    if attrs.get("no_bias") is False:
        inputs.append(symbol.variable("conv_bias"))
        params["conv_bias"] = normal(shape[0])
    symbol.node(op, "conv", inputs, num_filter=shape[0], kernel=shape[2:], **attrs)
    return symbol.json(), params


# -- binary layers -------------------------------------------------------------------------------
@pytest.mark.parametrize("op", ["QConvolution", "QConvolution_v1", "BinaryInferenceConvolution"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    "attrs",
    [{}, {"pad": (1, 1)}, {"pad": (2, 0), "stride": (2, 1)}, {"dilate": (1, 2), "pad": (1, 1)}],
    ids=str,
)
def test_packed_convolution(op: str, bits: int, attrs: dict[str, Any], tmp_path: Path) -> None:
    """The count of equal signs; zeros around the image act as +1. The shape of the packed array means nothing."""
    if op != "BinaryInferenceConvolution":
        attrs = {**attrs, "binarized_weights_only": True}
    symbol, params = q_convolution(op, (8, 64, 3, 3), **attrs)
    words = pack_rows(params["conv_weight"], bits)
    for shape in ((-1,), (8, 64 // bits, 3, 3)):
        packed = {"conv_weight": words.reshape(shape)}
        graph, report = check(tmp_path, symbol, packed, (1, 64, 7, 9))
        (row,) = report.rows
        assert (row.node, row.kind) == ("conv", "binary")
        assert row.border == (1 if "pad" in attrs else None)
        assert [n.op for n in graph.nodes if n.op == "bconv"] == ["bconv"]


@pytest.mark.parametrize("op", ["QFullyConnected", "BinaryInferenceFullyConnected"])
@pytest.mark.parametrize("bits", [32, 64])
def test_packed_fully_connected(op: str, bits: int, tmp_path: Path) -> None:
    """Words are stored [words of a row][outputs]; the image is flattened in the order C, H, W."""
    symbol = SymbolWriter()
    inputs = [symbol.variable("data"), symbol.variable("w")]
    packed = {"binarized_weights_only": True} if op == "QFullyConnected" else {}
    symbol.node(op, "fc", inputs, num_hidden=5, **packed)
    words = pack_columns(normal(5, 192), bits)
    for shape in ((-1,), words.shape):
        _, report = check(tmp_path, symbol.json(), {"w": words.reshape(shape)}, (1, 12, 4, 4))
        assert [row.kind for row in report.rows] == ["binary"]


@pytest.mark.parametrize(
    ("attrs", "kind"),
    [
        ({}, "binary"),
        ({"pad": (1, 1), "no_bias": False}, "binary"),
        ({"scaling_mode": "forward", "no_bias": False}, "binary"),
        ({"scaling_mode": "backward"}, "binary"),
        ({"num_group": 2, "pad": (1, 1)}, "binary"),
        ({"act_bit": 32, "pad": (1, 1)}, "binary-weight"),
        ({"weight_bit": 32, "pad": (1, 1)}, "float"),
        ({"act_bit": 32, "weight_bit": 32, "pad": (1, 1)}, "float"),
    ],
    ids=str,
)
def test_float_weights(attrs: dict[str, Any], kind: str, tmp_path: Path) -> None:
    """Layers that were not packed: bits of either operand, bias, scaling by the mean of |w|, groups. Also in strict mode."""
    shape = (6, 10 // attrs.get("num_group", 1), 3, 3)
    symbol, params = q_convolution("QConvolution", shape, **attrs)
    for mode in ("aggressive", "strict"):
        _, report = check(tmp_path, symbol, params, (1, 10, 6, 5), mode)
        assert [row.kind for row in report.rows] == [kind]


@pytest.mark.parametrize("packed", [True, False])
def test_version_2(packed: bool, tmp_path: Path) -> None:
    """Signs and a Pad of -1 as nodes; (K + dot) / 2 as nodes, or in the packed layer."""
    symbol = SymbolWriter()
    x = symbol.variable("data", __shape__="(0, 64, 6, 6)")
    x = symbol.node("_contrib_gradcancel", "qactivation0_gradcancel0", [x], threshold=1.0)
    x = symbol.node("det_sign", "qactivation0_det_sign0", [x])
    x = symbol.node(
        "Pad",
        "qconv0_pad0",
        [x],
        pad_width=(0, 0, 0, 0, 1, 1, 1, 1),
        constant_value=-1.0,
        mode="constant",
    )
    weight, dense = normal(8, 64, 3, 3), normal(5, 8 * 6 * 6)
    w = symbol.variable("qconv0_weight", __shape__="(8, 1, 3, 3)")
    attrs: dict[str, Any] = {"num_filter": 8, "kernel": (3, 3), "pad": (0, 0), "no_bias": True}
    if packed:
        x = symbol.node("BinaryInferenceConvolution", "qconv0_fwd", [x, w], **attrs)
        params = {"qconv0_weight": pack_rows(weight, 64).reshape(8, 1, 3, 3)}
    else:
        w = symbol.node("det_sign", "qconv0_det_sign0", [w])
        x = symbol.node("Convolution", "qconv0_fwd", [x, w], **attrs)
        x = symbol.node("_plus_scalar", "qconv0__plusscalar0", [x], scalar=64 * 9)
        x = symbol.node("_div_scalar", "qconv0__divscalar0", [x], scalar=2)
        params = {"qconv0_weight": weight}
    x = symbol.node("BatchNorm", "bn", [x, *map(symbol.variable, BATCH_NORM)], fix_gamma=False)
    x = symbol.node("det_sign", "sign", [x])
    w = symbol.variable("qdense0_weight")
    if packed:
        symbol.node("BinaryInferenceFullyConnected", "qdense0_fwd", [x, w], num_hidden=5)
        params["qdense0_weight"] = pack_columns(dense, 32)
    else:
        w = symbol.node("det_sign", "qdense0_det_sign0", [w])
        symbol.node("FullyConnected", "qdense0_fwd", [x, w], num_hidden=5, no_bias=True)
        params["qdense0_weight"] = dense
    params |= batch_norm(8)
    params["beta"] -= 4
    _, report = check(tmp_path, symbol.json(), params, (1, 64, 6, 6), "strict")
    assert [(row.node, row.kind, row.border) for row in report.rows] == [
        ("qconv0_fwd", "binary", -1),
        ("qdense0_fwd", "binary", None),
    ]


# -- float operators -----------------------------------------------------------------------------
BATCH_NORM = ("gamma", "beta", "mean", "var")


def batch_norm(channels: int) -> dict[str, Array]:
    arrays = {name: normal(channels) for name in BATCH_NORM}
    return {**arrays, "var": np.abs(arrays["var"]) + np.float32(0.1)}


@pytest.mark.parametrize(
    "attrs", [{}, {"fix_gamma": False, "eps": 0.5}, {"use_global_stats": True, "axis": 1}], ids=str
)
def test_batch_norm(attrs: dict[str, Any], tmp_path: Path) -> None:
    writer = SymbolWriter("param")
    inputs = [writer.variable("data"), *map(writer.variable, BATCH_NORM)]
    writer.node("BatchNorm", "bn", inputs, **attrs)
    check(tmp_path, writer.json(), batch_norm(4), (1, 4, 3, 5))


def test_constant_channel(tmp_path: Path) -> None:
    """A channel whose result never changed in training: its variance is 0, beta decides its sign, however small it is."""
    symbol = SymbolWriter("attr")
    inputs = [symbol.variable("data"), symbol.variable("weight")]
    x = symbol.node("QConvolution", "conv", inputs, num_filter=4, kernel=(1, 1))
    x = symbol.node("BatchNorm", "bn", [x, *map(symbol.variable, BATCH_NORM)], fix_gamma=False)
    symbol.node("QActivation", "sign", [x])
    params = {
        "weight": np.ones((4, 32, 1, 1), np.float32),
        "gamma": np.array([0.7, 1.3, -0.7, 0.1], np.float32),
        "beta": np.array([1e-10, -1e-10, 1e-10, -1e-10], np.float32),
        "mean": np.full(4, 32, np.float32),
        "var": np.zeros(4, np.float32),
    }
    graph = load(tmp_path, symbol.json(), params, (1, 32, 1, 1))
    passes.run(graph)
    found = interp.run(graph, {"data": np.ones((1, 32, 1, 1), np.float32)})[graph.outputs[0]]
    np.testing.assert_array_equal(found.reshape(-1), [1, -1, 1, -1])


@pytest.mark.parametrize(
    "attrs",
    [
        {"pool_type": "max", "kernel": (2, 2), "stride": (2, 2)},
        {"pool_type": "max", "kernel": (3, 3), "stride": (2, 2), "pooling_convention": "full"},
        {"pool_type": "max", "kernel": (3, 2), "stride": (2, 1), "pad": (1, 0)},
        {"pool_type": "avg", "kernel": (3, 3), "stride": (2, 2), "pad": (1, 1)},
        {
            "pool_type": "avg",
            "kernel": (3, 3),
            "stride": (1, 1),
            "pad": (1, 1),
            "count_include_pad": False,
        },
        {"pool_type": "avg", "kernel": (7, 7), "global_pool": True},
        {"pool_type": "max", "kernel": (1, 1), "global_pool": True},
    ],
    ids=str,
)
def test_pooling(attrs: dict[str, Any], tmp_path: Path) -> None:
    symbol = SymbolWriter()
    symbol.node("Pooling", "pool", [symbol.variable("data")], **attrs)
    check(tmp_path, symbol.json(), {}, (1, 3, 8, 6))


@pytest.mark.parametrize("bias", [True, False])
def test_float_layers(bias: bool, tmp_path: Path) -> None:
    """Convolution and FullyConnected in groups, with padding, with their biases."""
    symbol = SymbolWriter()
    extra = [symbol.variable("conv_bias")] if bias else []
    x, w = symbol.variable("data"), symbol.variable("conv_weight")
    x = symbol.node(
        "Convolution",
        "conv",
        [x, w, *extra],
        kernel=(3, 1),
        pad=(1, 0),
        num_filter=4,
        num_group=2,
        no_bias=not bias,
    )
    extra = [symbol.variable("fc_bias")] if bias else []
    inputs = [x, symbol.variable("fc_weight"), *extra]
    symbol.node("FullyConnected", "fc", inputs, num_hidden=3, no_bias=not bias)
    params = {"conv_weight": normal(4, 2, 3, 1), "fc_weight": normal(3, 80)}
    if bias:
        params |= {"conv_bias": normal(4), "fc_bias": normal(3)}
    check(tmp_path, symbol.json(), params, (1, 4, 5, 4))


X = normal(1, 4, 4, 6)
SLOPE = np.array([0.1, 0.2, -0.3, 2], np.float32)
OPERATORS: dict[str, tuple[str, dict[str, Any], dict[str, Array], Array]] = {
    "relu": ("Activation", {"act_type": "relu"}, {}, np.maximum(X, 0)),
    "tanh": ("Activation", {"act_type": "tanh"}, {}, np.tanh(X)),
    "sigmoid": ("Activation", {"act_type": "sigmoid"}, {}, 1 / (1 + np.exp(-X))),
    "leaky": ("LeakyReLU", {}, {}, np.where(X < 0, 0.25 * X, X)),
    "leaky slope": (
        "LeakyReLU",
        {"act_type": "leaky", "slope": 0.1},
        {},
        np.where(X < 0, 0.1 * X, X),
    ),
    "prelu": (
        "LeakyReLU",
        {"act_type": "prelu"},
        {"p": SLOPE},
        np.where(X < 0, SLOPE[:, None, None] * X, X),
    ),
    "rrelu": ("LeakyReLU", {"act_type": "rrelu"}, {}, np.where(X < 0, 0.2295 * X, X)),
    "elu": (
        "LeakyReLU",
        {"act_type": "elu", "slope": 0.5},
        {},
        np.where(X < 0, 0.5 * np.expm1(X), X),
    ),
    "selu": (
        "LeakyReLU",
        {"act_type": "selu"},
        {},
        1.0507010 * np.where(X < 0, 1.6732632 * np.expm1(X), X),
    ),
    "softrelu": ("Activation", {"act_type": "softrelu"}, {}, np.log1p(np.exp(X))),
    "softsign": ("Activation", {"act_type": "softsign"}, {}, X / (1 + np.abs(X))),
    "exp": ("exp", {}, {}, np.exp(X)),
    "clip": ("clip", {"a_min": -0.5, "a_max": 0.75}, {}, np.clip(X, -0.5, 0.75)),
    "copy": ("_copy", {}, {}, X),
    "dropout": ("Dropout", {"p": 0.5}, {}, X),
    "softmax": ("softmax", {"axis": 1}, {}, np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "rminus": ("_rminus_scalar", {"scalar": "2.5"}, {}, 2.5 - X),
    "mul": ("_mul_scalar", {"scalar": "1e-1"}, {}, X * np.float32(0.1)),
    "reshape": ("Reshape", {"shape": (0, -1)}, {}, X.reshape(1, -1)),
    "reshape joined": ("Reshape", {"shape": (0, -3, -2)}, {}, X.reshape(1, 16, 6)),
    "transpose": ("transpose", {"axes": (0, 2, 3, 1)}, {}, X.transpose(0, 2, 3, 1)),
    "flatten": ("Flatten", {}, {}, X.reshape(1, -1)),
    "mean": ("mean", {"axis": (2, 3), "keepdims": True}, {}, X.mean((2, 3), keepdims=True)),
    "mean excluding": ("mean", {"axis": (0, 1), "exclude": True}, {}, X.mean((2, 3))),
    "pad": (
        "pad",
        {"mode": "constant", "pad_width": "[0, 0, 0, 0, 1, 0, 2, 3]", "constant_value": 7},
        {},
        np.pad(X, ((0, 0), (0, 0), (1, 0), (2, 3)), constant_values=7),
    ),
    "slice": ("slice_axis", {"axis": 1, "begin": 1, "end": "None"}, {}, X[:, 1:]),
    "expand_dims": ("expand_dims", {"axis": -1}, {}, X[..., None]),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name: str, tmp_path: Path) -> None:
    op, attrs, params, want = OPERATORS[name]
    symbol = SymbolWriter()
    symbol.node(op, "node", [symbol.variable("data"), *map(symbol.variable, params)], **attrs)
    graph = load(tmp_path, symbol.json(), params, X.shape)
    found = interp.run(graph, {"data": X})["node_output"]
    assert found.shape == want.shape
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
    passes.run(graph)
    assert lower.lower(graph, {"producer": "test"})


def test_branches_and_outputs(tmp_path: Path) -> None:
    """Split, Concat, sums, several outputs; names as in MXNet."""
    symbol = SymbolWriter()
    x = symbol.variable("data", __shape__="(0,4,4,6)")
    parts = symbol.node("SliceChannel", "split", [x], num_outputs=2)
    a = symbol.node("elemwise_add", "sum", [(parts, 1), (parts, 0)])
    b = symbol.node("Concat", "joined", [(parts, 1), a], dim=1)
    symbol.node("add_n", "total", [b, x, b])
    (tmp_path / "s").write_bytes(symbol.json(a, 4))
    (tmp_path / "p").write_bytes(write_params({}))
    graph = sources.load(tmp_path / "s", tmp_path / "p")
    assert graph.outputs == ["sum_output", "total_output"]
    values = interp.run(graph, {"data": X})
    half = X[:, :2] + X[:, 2:]
    np.testing.assert_allclose(values["sum_output"], half, rtol=1e-6)
    joined = np.concatenate([X[:, 2:], half], 1)
    np.testing.assert_allclose(values["total_output"], 2 * joined + X, rtol=1e-5, atol=1e-6)
