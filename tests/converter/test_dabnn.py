# SPDX-License-Identifier: BSD-3-Clause
"""daBNN's .dab files: every layer, both versions, both alignments, against a numpy model of daBNN's run time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import interp, passes, sources
from converter.report import Report
from legacy_dab import LegacyModel

pytest.importorskip("flatbuffers")
Array = npt.NDArray[Any]
RNG = np.random.default_rng(9)


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


def bits(*shape: int) -> Array:
    return RNG.choice(np.array([-1, 1], np.int8), shape)


def check(folder: Path, model: LegacyModel, *outputs: str) -> Report:
    """The imported graph and the one after all passes give daBNN's blobs, in its layout."""
    path = folder / "old.dab"
    path.write_bytes(model.file())
    image = normal(*model.shape[1:])
    image.reshape(-1)[::5] = 0  # the sign of 0 is -1
    want = model.run(image)
    graph = sources.load(path)
    assert graph.inputs == [model.name]
    assert graph.shape(model.name) == model.shape
    assert graph.outputs == list(outputs)
    for step in ("imported", "converted"):
        if step == "converted":
            report = passes.run(graph, passes.Mode.STRICT)
        found = interp.run(graph, {model.name: image[np.newaxis]})
        for name in outputs:
            scale = np.abs(want[name]).max()
            assert scale > 0
            np.testing.assert_allclose(
                found[name],
                want[name][np.newaxis],
                rtol=0,
                atol=1e-5 * scale,
                err_msg=f"{step} {name}",
            )
    return report


def affine(model: LegacyModel, x: str, channels: int, output: str) -> str:
    a, b = (model.array(f"{output}_{n}", normal(channels)) for n in "ab")
    return model.layer("Affine", input=x, a=a, b=b, output=output)


# -- binary convolutions -------------------------------------------------------------------------
@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize(
    ("shape", "aligned"),
    [
        ((8, 3, 3, 64), False),
        ((8, 1, 1, 128), True),
        ((5, 3, 2, 192), True),
        ((4, 3, 3, 37), True),
        ((4, 1, 3, 128), False),
    ],
)
@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"pads": [1, 1, 1, 1]},
        {"pads": [1, 0, 1, 0], "strides": [2, 1], "dilations": [1, 1]},
        {"pads": [1, 1], "strides": [1, 2, 1, 2]},
    ],
    ids=str,
)
def test_binary_convolution(
    version: int, shape: tuple[int, ...], aligned: bool, geometry: dict[str, Any], tmp_path: Path
) -> None:
    """Border -1, K - 2p hidden in the Affine; version 1 has Binarize in front."""
    model = LegacyModel((1, 5, 7, shape[3]), version)
    weight = model.array("conv_w", bits(*shape), aligned)
    x = "image"
    if version < 2:
        x = model.layer("Binarize", input=x, output=f"{x}_bin")
    y = model.layer("BinConv2D", input=x, weight=weight, output="conv", **geometry)
    report = check(tmp_path, model, y)
    affine(model, y, shape[0], "bn")
    report = check(tmp_path, model, "bn")
    (row,) = report.rows
    assert (row.node, row.kind) == ("conv", "binary")
    assert row.border == (-1 if any(geometry.get("pads", [])) else None)
    assert row.taps == np.prod(shape[1:])


def test_network(tmp_path: Path) -> None:
    """A Bi-Real block with shortcuts, a float layer, pools, and a head as daBNN's converter writes it."""
    model = LegacyModel((1, 16, 16, 3))
    w = model.array("stem_w", normal(64, 3, 3, 3))
    b = model.array("stem_b", normal(64))
    x = model.layer(
        "FpConv2D",
        input="image",
        weight=w,
        bias=b,
        pads=[1, 1, 1, 1],
        strides=[2, 2],
        dilations=[1, 1],
        output="stem",
    )
    x = affine(model, x, 64, "stem_bn")
    x = model.layer("Relu", input=x, output="stem_relu")
    x = model.layer(
        "MaxPool", input=x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], output="pool"
    )
    for block in ("a", "b"):
        w = model.array(f"{block}_w", bits(64, 3, 3, 64))
        y = model.layer("BinConv2D", input=x, weight=w, pads=[1] * 4, output=f"{block}_conv")
        y = affine(model, y, 64, f"{block}_bn")
        slope = model.array(f"{block}_slope", normal(64, 1, 1))
        y = model.layer("PRelu", input=y, slope=slope, output=f"{block}_prelu")
        x = model.layer("Add", input1=y, input2=x, output=f"{block}_sum")
    x = model.layer(
        "AvePool", input=x, kernel_shape=[-1, -1], pads=[0] * 4, strides=[0, 0], output="average"
    )
    w, b = model.array("fc_w", normal(10, 64)), model.array("fc_b", normal(10))
    x = model.layer("FC", input=x, weight=w, bias=b, output="logits")
    report = check(tmp_path, model, x)
    assert [(r.node, r.kind) for r in report.rows] == [
        ("stem", "float"),
        ("a_conv", "binary"),
        ("b_conv", "binary"),
        ("logits", "float"),
    ]
    check(tmp_path, model, model.layer("Softmax", input="logits", output="probabilities"))


def test_in_place(tmp_path: Path) -> None:
    """A layer that works in place changes what later readers of its input see, by any of its names."""
    model = LegacyModel((1, 4, 4, 8))
    w = model.array("w", normal(8, 1, 1, 8))
    x = model.layer("FpConv2D", input="image", weight=w, output="x")
    y = affine(model, x, 8, "y")
    z = model.layer("FpConv2D", input=y, weight=w, output="z")
    model.layer("Add", input1=x, input2=z, output="sum")  # overwrites x and y
    model.layer("Relu", input=z, output="positive")
    model.layer("Concat", inputs=["y", "z"], axis=3, output="joined")
    check(tmp_path, model, "sum", "positive", "joined")


def test_several_outputs(tmp_path: Path) -> None:
    """What no layer reads is an output; in-place names of one blob have its last value."""
    model = LegacyModel((1, 4, 4, 4))
    model.layer("MaxPool", input="image", kernel_shape=[2, 2], strides=[2, 2], output="small")
    affine(model, "image", 4, "scaled")
    check(tmp_path, model, "small", "scaled")


@pytest.mark.parametrize("kind", ["AvePool", "MaxPool"])
@pytest.mark.parametrize(
    "geometry",
    [
        {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [3, 2], "strides": [1, 3], "pads": [1, 0, 1, 0]},
        {"kernel_shape": [-1, -1], "strides": [0, 0], "pads": [0, 0, 0, 0]},
    ],
    ids=str,
)
def test_pool(kind: str, geometry: dict[str, Any], tmp_path: Path) -> None:
    """Sizes are rounded down; the average does not count the padding."""
    model = LegacyModel((1, 8, 7, 4))
    check(tmp_path, model, model.layer(kind, input="image", output="y", **geometry))


def test_split_and_shuffle(tmp_path: Path) -> None:
    """Version 1 knows both, on packed bits."""
    model = LegacyModel((1, 3, 3, 512), version=1)
    model.layer("Binarize", input="image", output="image_bin")
    model.layer("Shuffle", input="image_bin", output="shuffled")
    model.layer("Split", input="shuffled", outputs=["left", "right"])
    for name in ("left", "right"):
        w = model.array(f"{name}_w", bits(8, 3, 3, 256))
        model.layer("BinConv2D", input=name, weight=w, pads=[1] * 4, output=f"{name}_conv")
        affine(model, f"{name}_conv", 8, f"{name}_bn")
    model.layer("Concat", inputs=["left_bn", "right_bn"], axis=3, output="y")
    report = check(tmp_path, model, "y")
    assert [row.kind for row in report.rows] == ["binary", "binary"]


def test_one_slope(tmp_path: Path) -> None:
    model = LegacyModel((1, 3, 3, 4))
    slope = model.array("slope", np.array([0.25], np.float32))
    check(tmp_path, model, model.layer("PRelu", input="image", slope=slope, output="y"))
