# SPDX-License-Identifier: BSD-3-Clause
"""Import of whole models: networks as exporters write them, and every way to write a weight or a shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converter import interp
from converter.errors import ConversionError
from converter.onnx_import import from_model, load
from onnx_builder import (
    Array,
    assert_close,
    assert_equal_to_runtime,
    model,
    node,
    random_inputs,
    runtime,
)

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT.parent / "shared" / "models"
DIGITS = ROOT / "examples" / "digits"
FOLDERS = ("spellings", "bnn_pynq")
FILES = [DIGITS / "digits.onnx", *(f for d in FOLDERS for f in sorted((MODELS / d).glob("*.onnx")))]
IMAGE = (1, 4, 6, 5)
needs_models = pytest.mark.skipif(not MODELS.is_dir(), reason="../shared/models is not there")


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def f32(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


# -- whole networks ------------------------------------------------------------------------------
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_network(path: Path) -> None:
    graph = load(path)
    inputs = random_inputs(graph)
    values = interp.run(graph, inputs)
    for name, want in zip(graph.outputs, runtime(onnx.load(path), inputs), strict=True):
        assert_close(values[name], want)


@needs_models
@pytest.mark.parametrize(
    ("name", "tolerance"), [("cnv_w1a1_cifar10", 0.0), ("lfc_w1a1_mnist", 1e-2)]
)
def test_trained_network(name: str, tolerance: float) -> None:
    """The logits that came with the trained networks."""
    graph = load(MODELS / "bnn_pynq" / f"{name}.onnx")
    with np.load(MODELS / "bnn_pynq" / f"{name}_io.npz") as data:
        samples, logits = data["x"][:8], data["logits"][:8]
    for x, want in zip(samples, logits, strict=True):
        got = interp.run(graph, {"input": x[None]})["logits"][0]
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


@needs_models
def test_missing_shared_models_are_noticed() -> None:
    assert len(FILES) > 8


def test_digits_accuracy() -> None:
    graph = load(DIGITS / "digits.onnx")
    assert graph.shape("image") == (1, 1, 8, 8)
    with np.load(DIGITS / "test.npz") as data:
        x, y = data["x"][:20], data["y"][:20]
    found = [int(np.argmax(interp.run(graph, {"image": s[None]})["logits"])) for s in x]
    assert np.mean(np.array(found) == y) > 0.95


@needs_models
def test_qonnx_dialect() -> None:
    """BipolarQuant on activations and weights, shapes computed from Shape and Gather, weights among the inputs."""
    graph = load(MODELS / "qonnx" / "TFC_1W1A.onnx")
    assert graph.inputs == ["0"]
    dense = [n for n in graph.nodes if n.op == "dense"]
    assert len(dense) == 4
    for layer in dense:
        weight = graph.const(layer.inputs[1])
        assert weight is not None
        assert np.unique(np.abs(weight)).size == 1
    values = interp.run(graph, random_inputs(graph))
    signs = next(n for n in graph.nodes if n.op == "where").output
    assert set(np.unique(np.abs(values[signs]))) == {1.0}


# -- names ---------------------------------------------------------------------------------------
def test_layers_know_the_name_of_their_result() -> None:
    nodes = [
        node("Conv", "x w b", "c", name="first"),
        node("Flatten", "c", "f"),
        node("Gemm", "f v", "y"),
    ]
    consts = {"w": f32(2, 4, 3, 3), "b": f32(2), "v": f32(24, 3)}
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts))
    layers = [n for n in graph.nodes if n.op in ("conv", "dense")]
    assert [n.attrs["result"] for n in layers] == ["c", "y"]
    assert [n.sources for n in layers] == [["first"], ["y"]]
    assert graph.shape("c") == (1, 2, 4, 3)


def test_outputs_keep_their_names() -> None:
    """An output that is another name of an input, or of another output, still exists by itself."""
    nodes = [
        node("Identity", "x", "a"),
        node("Relu", "x", "b"),
        node("Dropout", "b", "c"),
        node("Identity", "c", "d"),
    ]
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, outputs=["a", "b", "d"]))
    assert graph.outputs == ["a", "b", "d"]


def test_unnamed_and_unsorted_nodes() -> None:
    nodes = [node("Abs", "a", "y"), node("Relu", "x", "a")]
    graph = from_model(model(nodes, {"x": IMAGE}))
    assert [n.op for n in graph.nodes] == ["clip", "abs"]


def test_symbolic_batch_becomes_1() -> None:
    for batch in ("N", "unk__6", 0):
        graph = from_model(model([node("Relu", "x", "y")], {"x": [batch, 3, 4, 4]}))
        assert graph.shape("y") == (1, 3, 4, 4)


def test_names_with_numbers() -> None:
    """Other frameworks number the outputs of a node; what the importer adds must not meet them."""
    nodes = [
        node("Conv", "x w b", "c", name="n"),
        node("Neg", "c", "c:1"),
        node("Add", "c:1 b", "c:2"),
    ]
    nodes += [node("Conv", "c:2 w b", "c:3"), node("Relu", "c:3", "c:4"), node("Abs", "c:4", "y")]
    nodes[2] = node("Mul", "c:1 b1", "c:2")
    consts = {"w": f32(4, 4, 1, 1), "b": f32(4), "b1": f32(4, 1, 1)}
    assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts, outputs=["y", "c:2"]))


# -- where weights come from ---------------------------------------------------------------------
def test_weight_in_constant_node() -> None:
    weight = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(f32(2, 4, 3, 3)))
    assert_equal_to_runtime(model([weight, node("Conv", "x w", "y")], {"x": IMAGE}))


def test_constant_attributes() -> None:
    nodes = [
        node("Constant", "", "one", value_float=1.5),
        node("Constant", "", "shape", value_ints=[1, -1]),
        node("Constant", "", "row", value_floats=[1.0, 2.0, 3.0, 4.0, 5.0]),
        node("Constant", "", "axis", value_int=0),
        node("Add", "x one", "a"),
        node("Mul", "a row", "b"),
        node("Unsqueeze", "axis axis", "axes"),
        node("Squeeze", "b axes", "c"),
        node("Reshape", "c shape", "y"),
    ]
    assert_equal_to_runtime(model(nodes, {"x": IMAGE}, opset=13))


def test_computed_weight() -> None:
    """sign(w) * mean|w| as training code exports it."""
    nodes = [
        node("Abs", "w", "a"),
        node("ReduceMean", "a", "m", axes=[1, 2, 3], keepdims=1),
        node("Sign", "w", "s"),
        node("Mul", "s m", "sm"),
        node("Clip", "w lo hi", "c"),
        node("Sub", "sm c", "d"),
        node("Add", "d c", "q"),
        node("Conv", "x q", "y"),
    ]
    consts = {"w": f32(2, 4, 3, 3), "lo": np.float32(-1), "hi": np.float32(1)}
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts))
    assert [n.op for n in graph.nodes] == ["conv"]


def test_int8_signs_cast_and_scaled() -> None:
    nodes = [node("Cast", "w", "f", to=1), node("Mul", "f alpha", "q"), node("Conv", "x q", "y")]
    consts = {"w": np.sign(f32(2, 4, 3, 3)).astype(np.int8), "alpha": np.abs(f32(2, 1, 1, 1))}
    assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts))


def test_shared_initializer() -> None:
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
        node("Conv", "a w", "y", pads=[1, 1, 1, 1]),
    ]
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, {"w": f32(4, 4, 3, 3)}))
    assert {n.inputs[1] for n in graph.nodes} == {"w"}


def test_matrix_shared_by_two_layers_is_transposed_once() -> None:
    nodes = [node("MatMul", "x w", "a"), node("MatMul", "a w", "y")]
    graph = assert_equal_to_runtime(model(nodes, {"x": (1, 4)}, {"w": f32(4, 4)}))
    assert len({n.inputs[1] for n in graph.nodes}) == 1


def test_float16_model() -> None:
    """Imported as float32: its weights are exact, its results are what float16 rounds."""
    consts: dict[str, Array] = {
        "w": f32(2, 4, 3, 3).astype(np.float16),
        "b": np.ones(2, np.float16),
    }
    nodes = [
        node("Conv", "x w b", "c"),
        node("Cast", "c", "d", to=1),
        node("Cast", "d", "y", to=10),
    ]
    proto = model(nodes, {"x": IMAGE}, consts, dtype=TensorProto.FLOAT16)
    graph = from_model(proto)
    assert {v.dtype for v in graph.values.values()} == {np.dtype(np.float32)}
    inputs = {"x": f32(*IMAGE).astype(np.float16)}
    got = interp.run(graph, inputs)["y"]
    np.testing.assert_allclose(got, runtime(proto, inputs)[0], rtol=0, atol=1e-2)


def test_float64_weights() -> None:
    consts: dict[str, Array] = {"w": f32(2, 4, 3, 3).astype(np.float64) / 3}
    nodes = [node("Cast", "w", "v", to=1), node("Conv", "x v", "y")]
    assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts))


def test_external_data(tmp_path: Path) -> None:
    proto = model([node("Conv", "x w", "y")], {"x": IMAGE}, {"w": f32(8, 4, 3, 3)})
    path = tmp_path / "m.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="m.data", size_threshold=16)
    assert (tmp_path / "m.data").is_file()
    np.testing.assert_array_equal(load(path).const("w"), f32(8, 4, 3, 3))


def test_function() -> None:
    imports = [helper.make_opsetid("", 13)]
    body = [node("Relu", "a", "r"), node("Neg", "r", "b")]
    function = helper.make_function("own", "NegRelu", ["a"], ["b"], body, imports)
    call = helper.make_node("NegRelu", ["x"], ["y"], domain="own")
    proto = model([call], {"x": IMAGE})
    proto.opset_import.append(helper.make_opsetid("own", 1))
    proto.functions.append(function)
    assert [n.op for n in assert_equal_to_runtime(proto).nodes] == ["clip", "affine"]


# -- computed shapes -----------------------------------------------------------------------------
def test_reshape_by_shape_arithmetic() -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 minus", "shape", axis=0),
        node("Reshape", "x shape", "y"),
    ]
    consts = {"zero": np.array(0), "axes": i64(0), "minus": i64(-1)}
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts))
    assert [n.op for n in graph.nodes] == ["reshape"]


def test_shape_of_a_part_and_size() -> None:
    nodes = [
        node("Shape", "x", "s", start=0, end=2),
        node("Size", "x", "n"),
        node("Div", "n four", "d"),
        node("Unsqueeze", "d axes", "e"),
        node("Slice", "s axes one", "f"),
        node("Concat", "f four1 e1", "shape", axis=0),
        node("Div", "e f", "e1"),
        node("Reshape", "x shape", "y"),
    ]
    nodes[5], nodes[6] = nodes[6], nodes[5]
    consts = {"four": np.array(4), "four1": i64(4), "axes": i64(0), "one": i64(1)}
    assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts, opset=15))


@pytest.mark.parametrize("opset", [11, 13, 18, 26])
def test_pads_as_the_tracing_exporter_computes_them(opset: int) -> None:
    nodes = [
        node("ConstantOfShape", "four", "z", value=numpy_helper.from_array(i64(0))),
        node("Concat", "p z", "all", axis=0),
        node("Reshape", "all pairs", "r"),
        node("Slice", "r from to axis step", "s"),
        node("Transpose", "s", "t", perm=[1, 0]),
        node("Reshape", "t flat", "u"),
        node("Cast", "u", "pads", to=7),
        node("Pad", "x pads value", "y", mode="constant"),
    ]
    consts: dict[str, Array] = {
        "four": i64(4), "p": i64(1, 2, 0, 3), "pairs": i64(-1, 2), "flat": i64(-1),
        "from": i64(-1), "to": i64(-(2**63) + 1), "axis": i64(0), "step": i64(-1),
        "value": np.float32(-1),
    }  # fmt: skip
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, consts, opset=opset))
    (pad,) = graph.nodes
    assert pad.attrs == {"before": (0, 0, 0, 1), "after": (0, 0, 3, 2), "value": -1.0}


def test_expanded_bias() -> None:
    """Exporters expand a bias to the shape of the image: it is one number per channel all the same."""
    nodes = [node("Shape", "x", "s"), node("Expand", "b s", "e"), node("Add", "x e", "y")]
    graph = assert_equal_to_runtime(model(nodes, {"x": IMAGE}, {"b": f32(4, 1, 1)}))
    assert [n.op for n in graph.nodes] == ["affine"]


@pytest.mark.parametrize("taken", [True, False])
def test_if_with_known_condition(taken: bool) -> None:
    def branch(op: str) -> onnx.GraphProto:
        out = helper.make_tensor_value_info("r", TensorProto.FLOAT, None)
        return helper.make_graph([node(op, "x", "r")], op, [], [out])

    choice = node("If", "c", "y", then_branch=branch("Relu"), else_branch=branch("Abs"))
    graph = assert_equal_to_runtime(model([choice], {"x": IMAGE}, {"c": np.array(taken)}))
    assert [n.op for n in graph.nodes] == ["clip" if taken else "abs"]


# -- interpreter ---------------------------------------------------------------------------------
def test_interpreter_stops_early_and_checks_inputs() -> None:
    graph = from_model(model([node("Relu", "x", "a"), node("Neg", "a", "y")], {"x": IMAGE}))
    values = interp.run(graph, {"x": f32(*IMAGE)}, upto="a")
    assert "a" in values
    assert "y" not in values
    with pytest.raises(ConversionError, match="input 'x' is missing"):
        interp.run(graph, {})
    with pytest.raises(ConversionError, match=r"shape \[1, 2\], not \[1, 4, 6, 5\]"):
        interp.run(graph, {"x": np.zeros((1, 2))})


def loops_bconv(x: Array, w: Array, attrs: dict[str, Any]) -> Array:
    """A grouped, padded, dilated convolution written out."""
    (sh, sw), (dh, dw) = attrs["strides"], attrs["dilations"]
    top, left, bottom, right = attrs["pads"]
    outputs, C, KH, KW = w.shape
    H, W = x.shape[2:]
    OH = (H + top + bottom - (KH - 1) * dh - 1) // sh + 1
    OW = (W + left + right - (KW - 1) * dw - 1) // sw + 1
    y = np.zeros((1, outputs, OH, OW), np.float32)
    for o, i, j in np.ndindex(outputs, OH, OW):
        for c, ky, kx in np.ndindex(C, KH, KW):
            row, column = i * sh + ky * dh - top, j * sw + kx * dw - left
            inside = 0 <= row < H and 0 <= column < W
            channel = o // (outputs // attrs["groups"]) * C + c
            tap = x[0, channel, row, column] if inside else attrs["border"]
            y[0, o, i, j] += tap * w[o, c, ky, kx]
    return y


@pytest.mark.parametrize("border", [-1, 0, 1])
def test_bconv_reference(border: int) -> None:
    from converter.ops import OPERATIONS

    attrs = {
        "strides": (2, 1), "dilations": (1, 2), "pads": (1, 2, 0, 1), "groups": 2, "border": border,
    }  # fmt: skip
    x = np.sign(f32(1, 6, 5, 4))
    w = np.sign(f32(4, 3, 2, 2)).astype(np.int8)
    with pytest.raises(ValueError, match=r"other than -1 and \+1"):
        OPERATIONS["bconv"].reference(0 * x, w, **attrs)
    want = loops_bconv(x, w, attrs)
    assert OPERATIONS["bconv"].shape(x.shape, w.shape, **attrs) == want.shape
    np.testing.assert_array_equal(OPERATIONS["bconv"].reference(x, w, **attrs), want)


def test_references_of_recognised_operators() -> None:
    from converter.ops import OPERATIONS

    x = np.array([[-1.0, -0.0, 0.5, np.nan]], np.float32)
    t, flip = np.array([-1, 0, 1, 0], np.float32), np.array([False, True, False, False])
    quantised = OPERATIONS["quantise"].reference(x, t, flip)
    np.testing.assert_array_equal(quantised, [[1, -1, -1, -1]])
    dots = np.array([[-4.0, 4.0, 2.0]], np.float32)
    limits = np.array([-(2**31), 2**31 - 1, 2], np.int32)
    np.testing.assert_array_equal(OPERATIONS["threshold"].reference(dots, limits), [[1, -1, 1]])
    w = np.array([[1, -1, 1], [-1, -1, -1]], np.int8)
    np.testing.assert_array_equal(OPERATIONS["bdense"].reference(np.ones((1, 3)), w), [[1, -3]])
    image = -np.ones((1, 2, 2, 2), np.float32)
    image[0, :, 0, 0] = 1
    pool = {"kernel": (1, 2), "strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 1)}
    pooled = OPERATIONS["bmaxpool"].reference(image, np.array([False, True]), **pool)
    np.testing.assert_array_equal(pooled[0, 0], [[1, -1], [-1, -1]])
    np.testing.assert_array_equal(pooled[0, 1], [[-1, 1], [1, 1]])
