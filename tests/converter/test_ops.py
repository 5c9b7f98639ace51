# SPDX-License-Identifier: BSD-3-Clause
"""Every imported operator against onnxruntime, in the forms that it has in different opsets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converter import interp
from converter.onnx_import import from_model
from onnx_builder import (
    IMAGE,
    NEWEST,
    Array,
    Build,
    assert_equal_to_runtime,
    by_opset,
    chain,
    f32,
    i64,
    model,
    node,
    one,
    random_inputs,
)


def batch_norm(channels: int, **attrs: Any) -> tuple[tuple[Array, ...], dict[str, Any]]:
    return (
        f32(channels),
        f32(channels),
        f32(channels),
        np.abs(f32(channels)) + np.float32(0.1),
    ), attrs


W33 = f32(6, 4, 3, 3)
BN, BN_ATTRS = batch_norm(4, epsilon=1e-3)
SIGN_INPUT = (1, 3, 5, 4)

# name -> (models by opset, opsets)
OLD, MIDDLE, NEW = (7, 8, 9, 10), (11, 12), (13, 18, 20, 22, 26)
ALL = (7, 11, 13, 18, 26, NEWEST)
CASES: dict[str, tuple[Build, tuple[int, ...]]] = {
    "conv": (one("Conv", IMAGE, W33), ALL),
    "conv-bias-pads": (one("Conv", IMAGE, W33, f32(6), pads=[2, 0, 1, 3]), ALL),
    "conv-strides-dilations": (one("Conv", (1, 4, 11, 9), W33, strides=[2, 3], dilations=[2, 1]), ALL),
    "conv-groups": (one("Conv", IMAGE, f32(6, 2, 3, 1), f32(6), group=2), ALL),
    "conv-depthwise": (one("Conv", IMAGE, f32(4, 1, 2, 2), group=4, pads=[1, 1, 0, 0]), (13,)),
    "conv-same-upper": (one("Conv", IMAGE, W33, auto_pad="SAME_UPPER", strides=[2, 2]), ALL),
    "conv-same-lower": (one("Conv", IMAGE, f32(6, 4, 2, 4), auto_pad="SAME_LOWER"), (13,)),
    "conv-valid": (one("Conv", IMAGE, W33, auto_pad="VALID", kernel_shape=[3, 3]), (7, 13)),
    "gemm": (one("Gemm", (1, 5), f32(5, 3), f32(3)), ALL),
    "gemm-transposed": (
        chain(
            (1, 5),
            node("Transpose", "x", "t", perm=[1, 0]),
            node("Gemm", "t w b", "y", transA=1, transB=1, alpha=0.5, beta=-2.0),
            w=f32(3, 5),
            b=f32(1, 3),
        ),
        ALL,
    ),
    "gemm-scalar-bias": (one("Gemm", (1, 5), f32(5, 3), f32(1)), (11, 13)),
    "gemm-no-bias": (one("Gemm", (1, 5), f32(5, 3), alpha=3.0), (11, 13)),
    "gemm-beta-0": (one("Gemm", (1, 5), f32(5, 3), f32(3), beta=0.0), (11, 13)),
    "matmul": (one("MatMul", (1, 5), f32(5, 3)), ALL),
    "matmul-rank3": (one("MatMul", (1, 4, 5), f32(5, 3)), (13,)),
    "matmul-rank1": (one("MatMul", (5,), f32(5, 3)), (13,)),
    "bn": (one("BatchNormalization", IMAGE, *BN, **BN_ATTRS), ALL),
    "bn-rank2": (one("BatchNormalization", (1, 4), *BN), ALL),
    "add-scalar": (one("Add", IMAGE, f32()), ALL),
    "add-channel": (one("Add", IMAGE, f32(4, 1, 1)), ALL),
    "add-expanded": (one("Add", IMAGE, np.broadcast_to(f32(1, 4, 1, 1), IMAGE).copy()), (13,)),
    "add-every-element": (one("Add", IMAGE, f32(*IMAGE)), (13,)),
    "add-row": (one("Add", IMAGE, f32(6)), (13,)),
    "add-dense": (one("Add", (1, 4), f32(4), swap=True), (13,)),
    "add-rank3": (one("Add", (1, 4, 5), f32(5)), (13,)),
    "add-rank1": (one("Add", (4,), f32(4)), (13,)),
    "sub": (one("Sub", IMAGE, f32(1, 4, 1, 1)), ALL),
    "sub-from": (one("Sub", IMAGE, f32(4, 1, 1), swap=True), ALL),
    "sub-row": (one("Sub", IMAGE, f32(6), swap=True), (13,)),
    "mul": (one("Mul", IMAGE, f32(4, 1, 1)), ALL),
    "mul-row": (one("Mul", IMAGE, f32(6)), (13,)),
    "div": (one("Div", IMAGE, f32(4, 1, 1)), ALL),
    "div-of": (one("Div", IMAGE, f32(4, 1, 1), swap=True), (13,)),
    "div-row": (one("Div", IMAGE, f32(6)), (13,)),
    "relu": (one("Relu"), ALL),
    "relu6": (
        by_opset(
            (7, one("Clip", IMAGE, min=0.0, max=0.6)),
            (11, one("Clip", IMAGE, np.float32(0), np.float32(0.6))),
        ),
        (*OLD, *MIDDLE, *NEW, NEWEST),
    ),
    "clip-low": (
        by_opset((7, one("Clip", IMAGE, min=-0.5)), (11, one("Clip", IMAGE, np.float32(-0.5)))),
        (7, 11, 13),
    ),
    "clip-high": (
        by_opset((7, one("Clip", IMAGE, max=0.5)), (11, one("Clip", IMAGE, None, np.float32(0.5)))),
        (7, 11, 13),
    ),
    "hardtanh-max-min": (
        chain(IMAGE, node("Max", "x lo", "a"), node("Min", "hi a", "y"), lo=-f32() ** 2, hi=f32() ** 2),
        (8, 13),
    ),
    "max-row": (one("Max", IMAGE, f32(6), f32(4, 1, 1)), (8, 13)),
    "min-one": (chain(IMAGE, node("Min", "x", "y")), (8, 13)),
    "hard-sigmoid": (one("HardSigmoid", IMAGE, alpha=0.3, beta=0.4), (7, 13)),
    "prelu-channel": (one("PRelu", IMAGE, f32(4, 1, 1)), ALL),
    "prelu-scalar": (one("PRelu", IMAGE, f32(1)), ALL),
    "prelu-dense": (one("PRelu", (1, 4), f32(4)), (13,)),
    "prelu-expanded": (one("PRelu", IMAGE, np.broadcast_to(f32(4, 1, 1), IMAGE[1:]).copy()), (13,)),
    "leaky-relu": (one("LeakyRelu", IMAGE, alpha=0.3), ALL),
    "leaky-relu-default": (one("LeakyRelu", IMAGE), (13,)),
    "softmax-default": (one("Softmax", (1, 5)), ALL),
    "softmax-image": (one("Softmax", IMAGE), ALL),
    "softmax-axis-2": (one("Softmax", IMAGE, axis=2), ALL),
    "softmax-channel": (one("Softmax", (1, 5, 1, 1), axis=1), ALL),
    "flatten": (one("Flatten", IMAGE), ALL),
    "flatten-axis": (one("Flatten", IMAGE, axis=2), ALL),
    "flatten-negative": (one("Flatten", IMAGE, axis=-1), (11, 13)),
    "reshape": (one("Reshape", IMAGE, i64(0, 2, -1)), ALL),
    "reshape-allowzero": (one("Reshape", IMAGE, i64(1, 4, 42), allowzero=1), (18,)),
    "squeeze": (
        by_opset((7, one("Squeeze", (1, 3, 1, 5), axes=[2])), (13, one("Squeeze", (1, 3, 1, 5), i64(-2)))),
        ALL,
    ),
    "squeeze-all": (one("Squeeze", (1, 3, 1, 5)), ALL),
    "unsqueeze": (
        by_opset((7, one("Unsqueeze", (1, 5), axes=[0, 3])), (13, one("Unsqueeze", (1, 5), i64(0, -1)))),
        ALL,
    ),
    "transpose": (one("Transpose", IMAGE, perm=[0, 2, 3, 1]), ALL),
    "transpose-default": (one("Transpose", IMAGE), ALL),
    "expand": (one("Expand", (1, 4, 5), i64(1, 1, 4, 5)), (8, 13)),
    "identity": (one("Identity"), ALL),
    "dropout": (one("Dropout"), (7, 10, 12, 13)),
    "dropout-inputs": (one("Dropout", IMAGE, np.float32(0.5), np.array(False)), (12, 13)),
    "pad": (
        by_opset(
            (7, one("Pad", IMAGE, pads=[0, 1, 2, 3, 0, 0, 1, 2], value=-1.0)),
            (11, one("Pad", IMAGE, i64(0, 1, 2, 3, 0, 0, 1, 2), np.float32(-1))),
        ),
        ALL,
    ),
    "pad-default-value": (one("Pad", IMAGE, i64(0, 0, 1, 1, 0, 0, 1, 1)), (11, 13)),
    "pad-axes": (one("Pad", IMAGE, i64(1, 2, 0, 1), np.float32(1), i64(3, -2)), (18, 22, 26)),
    "pad-negative": (one("Pad", IMAGE, i64(0, 0, -1, 1, 0, 0, 2, -2)), (11, 13)),
    "pad-nothing": (one("Pad", IMAGE, i64(0, 0, 0, 0, 0, 0, 0, 0)), (11, 13)),
    "slice": (
        by_opset(
            (7, one("Slice", IMAGE, axes=[1, 3], starts=[1, -4], ends=[3, 9])),
            (10, one("Slice", IMAGE, i64(1, -4), i64(3, 9), i64(1, -1))),
        ),
        ALL,
    ),
    "slice-steps": (one("Slice", IMAGE, i64(1, 0), i64(7, 6), i64(2, 3), i64(2, 3)), (10, 13)),
    "slice-no-axes": (one("Slice", IMAGE, i64(0, 1), i64(1, 3)), (10, 13)),
    "slice-nothing": (one("Slice", IMAGE, i64(0), i64(2**31), i64(1)), (10, 13)),
    "gather-one": (one("Gather", IMAGE, np.array(2), axis=1), ALL),
    "gather-range": (one("Gather", IMAGE, i64(-3, -2), axis=1), (13,)),
    "gather-any": (one("Gather", IMAGE, i64(3, 1, -1, 2, 2, 0), axis=1), (13,)),
    "slice-backwards": (one("Slice", IMAGE, i64(-1, 4), i64(-99, 0), i64(3, 2), i64(-1, -2)), (10, 13)),
    "expand-repeats": (one("Expand", (1, 4, 1, 1), i64(5, 6)), (8, 13)),
    "tile": (one("Tile", IMAGE, i64(1, 2, 1, 3)), (7, 13)),
    "global-average": (one("GlobalAveragePool"), ALL),
    "global-max": (one("GlobalMaxPool"), ALL),
    "reduce-mean": (
        by_opset((7, one("ReduceMean", IMAGE, axes=[2, 3])), (18, one("ReduceMean", IMAGE, i64(2, 3)))),
        ALL,
    ),
    "reduce-mean-drop": (
        by_opset(
            (7, one("ReduceMean", IMAGE, axes=[-1, -2], keepdims=0)),
            (18, one("ReduceMean", IMAGE, i64(-1, -2), keepdims=0)),
        ),
        (11, 13, 18, 26),
    ),
    "reduce-mean-nhwc": (one("ReduceMean", IMAGE, axes=[1, 2], keepdims=0), (13,)),
    "reduce-mean-all": (one("ReduceMean", IMAGE), (13, 18)),
    "reduce-max-row": (one("ReduceMax", IMAGE, axes=[3]), (13,)),
    "maxpool": (one("MaxPool", IMAGE, kernel_shape=[2, 3], strides=[2, 1]), ALL),
    # (the evaluator that stands in for an older onnxruntime has the wrong shape for uneven pads)
    "maxpool-pads": (one("MaxPool", IMAGE, kernel_shape=[3, 3], pads=[1, 0, 2, 1]), (7, 11, 13, 18)),
    "maxpool-dilations": (one("MaxPool", IMAGE, kernel_shape=[2, 2], dilations=[2, 3]), (10, 11, 13)),
    "maxpool-same": (one("MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER"), ALL),
    "maxpool-ceil": (one("MaxPool", (1, 2, 8, 9), kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1), (10, 13, 26)),
    "maxpool-ceil-drop": (
        one(
            "MaxPool",
            (1, 2, 6, 5),
            kernel_shape=[2, 2],
            strides=[4, 4],
            pads=[0, 0, 1, 1],
            ceil_mode=1,
        ),
        (10, 13, 22),
    ),
    "avgpool": (one("AveragePool", IMAGE, kernel_shape=[2, 2], strides=[2, 2]), ALL),
    "avgpool-pads": (one("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 0]), ALL),
    "avgpool-count": (
        one("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 0], count_include_pad=1),
        ALL,
    ),
    "avgpool-same": (one("AveragePool", IMAGE, kernel_shape=[3, 3], auto_pad="SAME_LOWER", strides=[2, 2]), ALL),
    "avgpool-ceil": (
        one("AveragePool", (1, 2, 8, 9), kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
        (10, 13, 22),
    ),
    "avgpool-ceil-count": (
        one(
            "AveragePool", (1, 2, 8, 10), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
            ceil_mode=1, count_include_pad=1,
        ),
        (19, 22),
    ),
    "pow": (one("Pow", IMAGE, np.float32(2)), (7, 13)),
    **{op.lower(): (one(op), (9, 13)) for op in ("Abs", "Neg", "Floor", "Ceil", "Tanh", "Sigmoid", "Exp")},
    "sign": (one("Sign"), (9, 13)),
    "round": (one("Round"), (11, 13, 22)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("build", "opset"),
    [
        pytest.param(build, opset, id=f"{name}-{opset}")
        for name, (build, opsets) in CASES.items()
        for opset in dict.fromkeys(opsets)
    ],
)
def test_one_operator(build: Build, opset: int) -> None:
    assert_equal_to_runtime(build(opset), tolerance=1e-6)


def test_reduction_over_no_axes() -> None:
    """With noop_with_empty_axes nothing is reduced (older versions of onnxruntime fail there: no comparison)."""
    graph = from_model(one("ReduceMean", IMAGE, noop_with_empty_axes=1)(18))
    inputs = random_inputs(graph)
    np.testing.assert_array_equal(interp.run(graph, inputs)["y"], inputs["x"])


SIGNS = {
    "where-ge": (
        [node("GreaterOrEqual", "x zero", "b"), node("Where", "b one minus", "y")],
        {"one": np.float32(1), "minus": np.float32(-1)},
    ),
    "where-full-shape": (
        [node("Less", "x zero", "b"), node("Where", "b minus one", "y")],
        {"one": np.ones(SIGN_INPUT, np.float32), "minus": -np.ones(SIGN_INPUT, np.float32)},
    ),
    "not-less": (
        [
            node("LessOrEqual", "x zero", "b"),
            node("Not", "b", "n"),
            node("Cast", "n", "f", to=1),
            node("Mul", "f two", "m"),
            node("Sub", "m one", "y"),
        ],
        {"one": np.float32(1), "two": np.float32(2)},
    ),
    "sign-of-sign": (
        [node("Sign", "x", "s"), node("Add", "s tenth", "a"), node("Sign", "a", "y")],
        {"tenth": np.float32(0.1)},
    ),
    "clip-detach": (
        [
            node("Clip", "x lo hi", "c"),
            node("Sign", "x", "s"),
            node("Sub", "s c", "d"),
            node("Add", "d c", "y"),
        ],
        {"lo": np.float32(-1), "hi": np.float32(1)},
    ),
    "round": (
        [
            node("Clip", "x lo hi", "c"),
            node("Add", "c hi", "p"),
            node("Div", "p two", "h"),
            node("Round", "h", "r"),
            node("Mul", "r two", "m"),
            node("Sub", "m hi", "y"),
        ],
        {"lo": np.float32(-1), "hi": np.float32(1), "two": np.float32(2)},
    ),
    "nested-where": (
        [
            node("Greater", "x zero", "g"),
            node("Less", "x zero", "l"),
            node("Where", "g one x", "a"),
            node("Where", "l minus a", "b"),
            node("Equal", "b zero", "e"),
            node("Where", "e one b", "y"),
        ],
        {"one": np.float32(1), "minus": np.float32(-1)},
    ),
    "booleans": (
        [
            node("Greater", "x zero", "g"),
            node("Less", "x half", "l"),
            node("And", "g l", "a"),
            node("Or", "a g", "o"),
            node("Where", "o half x", "y"),
        ],
        {"half": np.float32(0.5)},
    ),
    "integers": (
        [
            node("Greater", "x zero", "g"),
            node("Cast", "g", "i", to=7),
            node("Mul", "i three", "t"),
            node("Div", "t two", "h"),
            node("CastLike", "h x", "y"),
        ],
        {"two": i64(2), "three": i64(-3)},
    ),
    "polynomial": (
        [
            node("Mul", "x x", "sq"),
            node("Less", "x zero", "n"),
            node("CastLike", "n x", "f"),
            node("Mul", "f sq", "a"),
            node("Sub", "x a", "t"),
            node("Sign", "x", "s"),
            node("Sub", "s t", "d"),
            node("Add", "d t", "y"),
        ],
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
def test_sign_functions(name: str) -> None:
    """The operators that sign functions are made of, with zeros among the inputs."""
    nodes, consts = SIGNS[name]
    keep = node("Mul", "raw mask", "x")
    mask = (np.arange(60).reshape(SIGN_INPUT) % 3 > 0).astype(np.float32)
    consts = {"zero": np.float32(0), "mask": mask, **consts}
    proto = model([keep, *nodes], {"raw": SIGN_INPUT}, consts, opset=19)
    assert_equal_to_runtime(proto, tolerance=1e-7)


def test_several_inputs_and_outputs() -> None:
    nodes = [
        node("Concat", "a b", "c", axis=1),
        node("Split", "c", "p q", axis=1, split=[1, 6]),
        node("Add", "a r", "s"),
        node("Neg", "b", "r"),
        node("Sum", "a b r", "t"),
    ]
    shapes = {"a": (1, 4, 2, 2), "b": (1, 3, 2, 2)}
    proto = model(nodes[:2], shapes, outputs=["p", "q", "c"], opset=11)
    assert_equal_to_runtime(proto)
    shapes["b"] = shapes["a"]
    graph = assert_equal_to_runtime(
        model(nodes[2:][::-1][1:] + nodes[4:], shapes, outputs=["s", "t", "r"])
    )
    assert graph.outputs == ["s", "t", "r"]


@pytest.mark.parametrize(("opset", "parts"), [(7, 2), (13, 2), (18, 3)])
def test_split(opset: int, parts: int) -> None:
    outputs = ["p", "q", "r"][:parts]
    attrs = {"num_outputs": parts} if opset >= 18 else {}
    split = node("Split", "x", " ".join(outputs), axis=parts - 1, **attrs)
    assert_equal_to_runtime(model([split], {"x": IMAGE}, outputs=outputs, opset=opset))


def test_split_by_input() -> None:
    split = node("Split", "x sizes", "p q", axis=-1)
    assert_equal_to_runtime(model([split], {"x": IMAGE}, {"sizes": i64(2, 4)}, ["p", "q"]))


def test_channel_shuffle() -> None:
    nodes = [
        node("Reshape", "x five", "a"),
        node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "b four", "y"),
    ]
    consts = {"five": i64(0, 2, 2, 7, 6), "four": i64(0, -1, 7, 6)}
    assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts))
