# SPDX-License-Identifier: BSD-3-Clause
"""Operators that are made of several, against onnxruntime: functions, resizing, transposed convolutions, reductions."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from converter import interp, passes
from converter.onnx_import import from_model
from onnx_builder import (
    IMAGE,
    NEWEST,
    Build,
    assert_equal_to_runtime,
    chain,
    f32,
    i64,
    model,
    node,
    one,
    random_inputs,
    runtime,
)

FUNCTIONS: dict[str, tuple[Build, tuple[int, ...]]] = {
    **{op.lower(): (one(op), (opset,)) for op, opset in (
        ("Erf", 13), ("Softplus", 13), ("Softsign", 13), ("HardSwish", 14), ("Mish", 18), ("Gelu", 20),
        ("Reciprocal", 13), ("Elu", 13), ("Selu", 13), ("Celu", 13), ("Swish", NEWEST),
    )},
    "elu-alpha": (one("Elu", alpha=0.3), (7, 13)),
    "selu-attributes": (one("Selu", alpha=0.3, gamma=2.0), (13,)),
    "celu-alpha": (one("Celu", alpha=0.3), (13,)),
    "gelu-tanh": (one("Gelu", approximate="tanh"), (20,)),
    "swish-alpha": (one("Swish", alpha=1.7), (NEWEST,)),
    "sqrt-log": (
        chain(IMAGE, node("Exp", "x", "e"), node("Sqrt", "e", "s"), node("Log", "s", "y")),
        (9, 13),
    ),
    **{
        f"pow{power:g}": (
            chain(IMAGE, node("Exp", "x", "e"), node("Pow", "e c", "y"), c=np.float32(power)),
            (13,),
        )
        for power in (-2, -1, -0.5, 0.5, 1, 2, 3, 4)
    },
    "instance-norm": (one("InstanceNormalization", IMAGE, f32(4), f32(4), epsilon=1e-3), (7, 13)),
    "group-norm": (one("GroupNormalization", IMAGE, f32(4), f32(4), num_groups=2), (21,)),
    "layer-norm": (one("LayerNormalization", (1, 7, 6), f32(6), f32(6)), (17,)),
    "layer-norm-image": (
        one("LayerNormalization", IMAGE, f32(*IMAGE[1:]), f32(*IMAGE[1:]), axis=1, epsilon=1e-2),
        (17,),
    ),
    "layer-norm-no-bias": (one("LayerNormalization", (1, 6), f32(6)), (17,)),
    "rms-norm": (one("RMSNormalization", (1, 7, 6), f32(6)), (NEWEST,)),
    **{
        f"lrn-{size}-{beta}": (one("LRN", IMAGE, size=size, beta=beta, alpha=0.1), (7, 13))
        for size, beta in ((1, 0.5), (3, 0.75), (5, 1.0))
    },
    "log-softmax": (one("LogSoftmax", (1, 10)), (11, 13)),
    "log-softmax-axis": (one("LogSoftmax", IMAGE, axis=1), (13,)),
    "depth-to-space": (one("DepthToSpace", (1, 12, 3, 2), blocksize=2), (11, 13)),
    "depth-to-space-crd": (one("DepthToSpace", (1, 12, 3, 2), blocksize=2, mode="CRD"), (11, 13)),
    "space-to-depth": (one("SpaceToDepth", (1, 3, 4, 6), blocksize=2), (11, 13)),
    "upsample-7": (one("Upsample", IMAGE, scales=[1.0, 1.0, 2.0, 3.0], mode="nearest"), (7,)),
    "upsample-9": (one("Upsample", IMAGE, np.array([1, 1, 1.5, 2], np.float32), mode="linear"), (9,)),
    "resize-10": (one("Resize", IMAGE, np.array([1, 1, 0.5, 2], np.float32), mode="nearest"), (10,)),
    "resize-10-linear": (one("Resize", IMAGE, np.array([1, 1, 0.5, 2], np.float32), mode="linear"), (10,)),
    "resize-nhwc": (one("Resize", IMAGE, None, np.array([1, 2, 2, 1], np.float32), mode="linear"), (13,)),
    "resize-1d": (one("Resize", (1, 3, 5), None, None, i64(1, 3, 8), mode="linear"), (13,)),
    "resize-axes": (one("Resize", IMAGE, None, None, i64(3, 9), axes=[3, 2]), (18,)),
    "resize-nothing": (one("Resize", IMAGE, None, None, i64(*IMAGE)), (13,)),
    "resize-exclude": (
        one("Resize", IMAGE, None, None, i64(1, 4, 9, 4), mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5),
        (13,),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("build", "opset"),
    [
        pytest.param(build, opset, id=f"{name}-{opset}")
        for name, (build, opsets) in FUNCTIONS.items()
        for opset in opsets
    ],
)
def test_operator(build: Build, opset: int) -> None:
    assert_equal_to_runtime(build(opset), tolerance=2e-6)


@pytest.mark.parametrize("op", ["Add", "Mul", "Sub", "Div", "Max", "Min", "Sum", "Mean"])
@pytest.mark.parametrize(
    "other", [(1, 4, 1, 1), (1, 1, 7, 6), (1, 7, 1), (1, 6), (1,), (1, 4, 7, 6)]
)
def test_two_activations(op: str, other: tuple[int, ...]) -> None:
    """Of all shapes, on either side."""
    for inputs in ("a e", "e a"):
        nodes = [node("Exp", "b", "e"), node(op, inputs, "y")]
        assert_equal_to_runtime(model(nodes, {"a": IMAGE, "b": other}), tolerance=1e-6)


MODES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric")
SIZES = ([1, 2, 10, 21], [1, 2, 2, 13], [1, 2, 1, 3])


def resize(mode: str, where: str, sizes: list[int], **attrs: Any) -> onnx.ModelProto:
    attrs = {"mode": mode, "coordinate_transformation_mode": where, **attrs}
    nodes = [node("Resize", "x _ _ sizes", "y", **attrs)]
    return model(nodes, {"x": (1, 2, 5, 7)}, {"sizes": i64(*sizes)}, opset=19)


@pytest.mark.parametrize("where", MODES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolation(mode: str, where: str, sizes: list[int]) -> None:
    assert_equal_to_runtime(resize(mode, where, sizes), tolerance=2e-6)


@pytest.mark.parametrize("where", MODES[:4])
@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
def test_nearest(where: str, rounding: str) -> None:
    """Every size, ties between two pixels included; the same pixels, hence the same bits."""
    for size in range(1, 31):
        sizes = [1, 2, size, 31 - size]
        proto = resize("nearest", where, sizes, nearest_mode=rounding)
        graph = from_model(proto)
        inputs = random_inputs(graph)
        np.testing.assert_array_equal(interp.run(graph, inputs)["y"], runtime(proto, inputs)[0])


@pytest.mark.parametrize("scale", [1.0 / 3, 0.6, 1.3, 2.0, 3.7])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("where", ["half_pixel", "asymmetric"])
def test_scales(mode: str, where: str, scale: float) -> None:
    scales = np.array([1, 1, scale, 2], np.float32)
    nodes = [node("Resize", "x _ scales", "y", mode=mode, coordinate_transformation_mode=where)]
    proto = model(nodes, {"x": (1, 2, 5, 7)}, {"scales": scales})
    assert_equal_to_runtime(proto, tolerance=2e-6)


def transposed(seed: int) -> onnx.ModelProto:
    """A random ConvTranspose that ONNX allows."""
    rng = np.random.default_rng(seed)
    kernel, strides, dilations = (rng.integers(1, most, 2).tolist() for most in (6, 4, 4))
    groups = int(rng.integers(1, 4))
    inputs, outputs = int(rng.integers(1, 4)) * groups, int(rng.integers(1, 4))
    size = rng.integers(2, 6, 2).tolist()
    attrs: dict[str, Any] = {"strides": strides, "dilations": dilations, "group": groups}
    way = ("pads", "SAME_UPPER", "SAME_LOWER", "output_shape", "output_padding")[seed % 5]
    if way.startswith("SAME"):
        attrs["auto_pad"] = way
    else:
        attrs["pads"] = [0] * 4
        for axis in range(2):
            reach = (kernel[axis] - 1) * dilations[axis]
            full = (size[axis] - 1) * strides[axis] + reach + 1
            attrs["pads"][axis] = int(rng.integers(0, min(full - 1, reach) + 1))
            rest = full - 1 - attrs["pads"][axis]
            attrs["pads"][2 + axis] = int(rng.integers(0, min(rest, reach) + 1))
    if way == "output_shape":
        del attrs["pads"]
        attrs["output_shape"] = [
            (n - 1) * s + (k - 1) * d + 1 - int(rng.integers(0, min(s, (k - 1) * d + 1)))
            for n, s, k, d in zip(size, strides, kernel, dilations, strict=True)
        ]
    if way == "output_padding":
        attrs["pads"] = [0] * 4
        attrs["output_padding"] = [int(rng.integers(0, s)) for s in strides]
    return model(
        [node("ConvTranspose", "x w b", "y", **attrs)],
        {"x": (1, inputs, *size)},
        {"w": f32(inputs, outputs, *kernel), "b": f32(outputs * groups)},
    )


@pytest.mark.parametrize("start", range(0, 100, 20))
def test_conv_transpose(start: int) -> None:
    for seed in range(start, start + 20):
        assert_equal_to_runtime(transposed(seed))


@pytest.mark.parametrize(("kernel", "layers"), [(2, 1), (3, 4), (4, 1)])
def test_binary_conv_transpose(kernel: int, layers: int) -> None:
    """Weights of +-alpha stay so: no convolution gets zeros for taps that its phase does not have."""
    signs = np.where(f32(8, 6, kernel, kernel) < 0, -0.5, 0.5).astype(np.float32)
    nodes = [
        node("Sign", "x", "s"),
        node("ConvTranspose", "s w", "y", strides=[2, 2], pads=[1] * 4),
    ]
    proto = model(nodes, {"x": (1, 8, 5, 4)}, {"w": signs})
    graph = from_model(proto)
    report = passes.run(graph, "moderate")
    assert [row.kind for row in report.rows] == ["binary"] * layers
    inputs = random_inputs(graph)
    np.testing.assert_allclose(interp.run(graph, inputs)["y"], runtime(proto, inputs)[0], atol=1e-5)


@pytest.mark.parametrize("axes", [[1], [2, 3], [-1], [0, 1, 2, 3], [1, 2]])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("op", ["Sum", "Min", "Max", "Mean", "L1", "L2", "SumSquare", "LogSumExp"])
def test_reduction(op: str, keep: int, axes: list[int]) -> None:
    nodes = [node(f"Reduce{op}", "x axes", "y", keepdims=keep)]
    assert_equal_to_runtime(model(nodes, {"x": (1, 3, 4, 5)}, {"axes": i64(*axes)}, opset=18))
