# SPDX-License-Identifier: BSD-3-Clause
"""Small networks of today's operators, from ONNX to the library, against onnxruntime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from converter import passes
from converter.lower import lower
from converter.onnx_import import from_model
from onnx_builder import Array, f32, i64, model, node, random_inputs, runtime
from targets import Target

SCALES = np.array([1, 1, 2, 2], np.float32)


def signs(*shape: int) -> Array:
    return np.sign(f32(*shape)).astype(np.float32)


def squeeze_and_excite() -> onnx.ModelProto:
    """A binary layer, swish, a gate for each channel, the hard variants."""
    nodes = [
        node("Sign", "x", "s"),
        node("Conv", "s w", "c", pads=[1, 1, 1, 1]),
        node("Mul", "c tenth", "t"),
        node("Sigmoid", "t", "g"),
        node("Mul", "t g", "a"),
        node("GlobalAveragePool", "a", "p"),
        node("Conv", "p narrow", "q"),
        node("Relu", "q", "r"),
        node("Conv", "r wide", "h"),
        node("HardSigmoid", "h", "gate", alpha=1 / 6, beta=0.5),
        node("Mul", "a gate", "m"),
        node("Add", "m x", "y"),
    ]
    consts = {
        "w": signs(8, 8, 3, 3),
        "tenth": np.float32(0.1),
        "narrow": f32(2, 8, 1, 1),
        "wide": f32(8, 2, 1, 1),
    }
    return model(nodes, {"x": (1, 8, 6, 5)}, consts)


def input_scale() -> onnx.ModelProto:
    """XNOR-Net: K, the mean of |x| around each pixel, scales a binary convolution."""
    nodes = [
        node("Abs", "x", "a"),
        node("ReduceMean", "a", "m", axes=[1], keepdims=1),
        node("AveragePool", "m", "k", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
        node("Sign", "x", "s"),
        node("Conv", "s w", "c", pads=[1, 1, 1, 1]),
        node("Mul", "k c", "y"),
    ]
    return model(nodes, {"x": (1, 9, 7, 5)}, {"w": 0.25 * signs(6, 9, 3, 3)})


def decoder() -> onnx.ModelProto:
    """Down, up again in three ways, with a skip connection; an inner tensor is an output."""
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
        node("MaxPool", "c", "d", kernel_shape=[2, 2], strides=[2, 2]),
        node("Tanh", "d", "t"),
        node("Resize", "t _ scales", "n", mode="nearest"),
        node("Resize", "t _ scales", "l", mode="linear"),
        node(
            "ConvTranspose", "t v b", "u", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]
        ),
        node("Concat", "c n l u", "j", axis=1),
        node("Sub", "j z", "e"),
        node("Softmax", "e", "y", axis=1),
    ]
    consts = {"w": f32(3, 2, 3, 3), "scales": SCALES, "v": f32(3, 4, 3, 3), "b": f32(4)}
    shapes = {"x": (1, 2, 8, 6), "z": (1, 13, 1, 1)}
    return model(nodes, shapes, consts, outputs=["y", "t", "j"])


def enlarged_signs() -> onnx.ModelProto:
    """A sign behind an enlarged image, and in front of one."""
    nodes = [
        node("Conv", "x w", "c"),
        node("Resize", "c _ scales", "n", mode="nearest"),
        node("Sign", "n", "s"),
        node("Conv", "s v", "d"),
        node("Sign", "d", "e"),
        node("Resize", "e _ scales", "f", mode="nearest"),
        node("Conv", "f v", "y"),
    ]
    consts = {"w": f32(67, 3, 2, 2), "scales": SCALES, "v": signs(67, 67, 1, 1)}
    return model(nodes, {"x": (1, 3, 5, 4)}, consts)


def pieces() -> onnx.ModelProto:
    """Blocks to channels, split, turned round, normalised, and put together again."""
    nodes = [
        node("SpaceToDepth", "x", "s", blocksize=2),
        node("Split", "s sizes", "a b", axis=1),
        node("Slice", "a start end axes back", "r"),
        node("LayerNormalization", "b scale", "n"),
        node("Gelu", "n", "g"),
        node("Max", "r g", "m"),
        node("DepthToSpace", "m", "y", blocksize=2, mode="CRD"),
    ]
    consts = {
        "sizes": i64(4, 4),
        "start": i64(-1),
        "end": i64(-99),
        "axes": i64(1),
        "back": i64(-1),
        "scale": f32(3),
    }
    return model(nodes, {"x": (1, 2, 4, 6)}, consts, opset=20)


NETWORKS: list[Callable[[], onnx.ModelProto]] = [
    squeeze_and_excite,
    input_scale,
    decoder,
    enlarged_signs,
    pieces,
]


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_network(target: Target, isa: str | None, build: Callable[[], onnx.ModelProto]) -> None:
    proto = build()
    graph = from_model(proto)
    inputs = random_inputs(graph)
    passes.run(graph, "moderate", sign_zero="+1")
    arrays = [inputs[name] for name in graph.inputs]
    got = Target(target.machine).run(lower(graph, {}), arrays, isa)
    for want, result in zip(runtime(proto, inputs), got, strict=True):
        limit = 1e-5 * float(np.abs(want).max())
        np.testing.assert_allclose(result, want, rtol=0, atol=limit)
