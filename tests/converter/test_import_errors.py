# SPDX-License-Identifier: BSD-3-Clause
"""What cannot be imported gives one error that names the place and says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from converter.errors import ConversionError
from converter.onnx_import import INSTEAD, from_model, load
from converter.ops import IMPORTERS
from onnx_builder import Array, model, node

IMAGE = (1, 4, 6, 5)
Change = Callable[[onnx.ModelProto], None]


def f32(*shape: int) -> Array:
    return np.ones(shape, np.float32)


def i64(*values: int) -> Array:
    return np.array(values, np.int64)


def simple() -> onnx.ModelProto:
    """Conv and Relu."""
    nodes = [node("Conv", "x w", "c", name="stem"), node("Relu", "c", "y", name="act")]
    return model(nodes, {"x": IMAGE}, {"w": f32(2, 4, 3, 3)})


# -- files ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an ONNX file"),
        (b"this is no model at all, but a text", "not an ONNX file"),
        (bytes(range(256)), "not an ONNX file"),
        (simple().SerializeToString()[:-40], "not an ONNX file, or a truncated one"),
        (simple().SerializeToString()[:30], "not an ONNX file"),
    ],
)
def test_not_a_model(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    with pytest.raises(ConversionError, match=rf"bad\.onnx: is {message}"):
        load(path)


def test_truncation_anywhere_is_an_error(tmp_path: Path) -> None:
    """Cutting a protobuf can leave another valid one: then something that is missing is named."""
    data, path = simple().SerializeToString(), tmp_path / "cut.onnx"
    for size in range(0, len(data), 5):
        path.write_bytes(data[:size])
        with pytest.raises(ConversionError, match=r"cut\.onnx: "):
            load(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"none\.onnx: cannot be read: No such file"):
        load(tmp_path / "none.onnx")
    with pytest.raises(ConversionError, match="cannot be read"):
        load(tmp_path)


# -- external data -------------------------------------------------------------------------------
def external(tmp_path: Path) -> tuple[Path, onnx.ModelProto]:
    path = tmp_path / "m.onnx"
    onnx.save(simple(), path, save_as_external_data=True, location="m.data", size_threshold=16)
    return path, onnx.load(path, load_external_data=False)


def test_external_data_missing(tmp_path: Path) -> None:
    path, _ = external(tmp_path)
    (tmp_path / "m.data").unlink()
    with pytest.raises(
        ConversionError, match=r"initializer 'w' has its data in .* which is missing"
    ):
        load(path)


def test_external_data_too_short(tmp_path: Path) -> None:
    path, _ = external(tmp_path)
    (tmp_path / "m.data").write_bytes(b"\0" * 100)
    with pytest.raises(ConversionError, match="initializer 'w' needs 288 bytes at 0 of"):
        load(path)


@pytest.mark.parametrize("location", ["/etc/hostname", "../secret", "a/../../secret", ""])
def test_external_data_elsewhere(tmp_path: Path, location: str) -> None:
    path, proto = external(tmp_path)
    proto.graph.initializer[0].external_data[0].value = location
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ConversionError, match="outside the model's folder"):
        load(path)


@pytest.mark.parametrize(("key", "value"), [("offset", "-5"), ("length", "7"), ("offset", "many")])
def test_external_data_fields(tmp_path: Path, key: str, value: str) -> None:
    path, proto = external(tmp_path)
    entries = proto.graph.initializer[0].external_data
    for entry in [e for e in entries if e.key == key]:
        entries.remove(entry)
    entries.add(key=key, value=value)
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ConversionError, match="initializer 'w'"):
        load(path)


# -- the model as a whole ------------------------------------------------------------------------
def opset(version: int) -> Change:
    def change(m: onnx.ModelProto) -> None:
        m.opset_import[0].version = version

    return change


def dim(axis: int, size: int | str) -> Change:
    def change(m: onnx.ModelProto) -> None:
        d = m.graph.input[0].type.tensor_type.shape.dim[axis]
        if isinstance(size, str):
            d.dim_param = size
        else:
            d.dim_value = size

    return change


def input_type(kind: int) -> Change:
    def change(m: onnx.ModelProto) -> None:
        m.graph.input[0].type.tensor_type.elem_type = kind

    return change


def weight(value: float) -> Change:
    def change(m: onnx.ModelProto) -> None:
        data = f32(2, 4, 3, 3)
        data[1, 2, 0, 1] = value
        m.graph.initializer[0].CopyFrom(numpy_helper.from_array(data, "w"))

    return change


def edit(statement: str) -> Change:
    """A change written as one statement about the graph `g` and its model `m`."""

    def change(m: onnx.ModelProto) -> None:
        exec(statement, {"m": m, "g": m.graph, "node": node})

    return change


CHANGES: dict[str, tuple[Change, str]] = {
    "opset-old": (opset(6), "uses opset 6; opsets 7 to"),
    "opset-new": (opset(999), "uses opset 999; .* install a newer onnx"),
    "no-outputs": (edit("del g.output[:]"), "the graph has no outputs"),
    "no-inputs": (edit("del g.input[:]; g.node[0].input[0] = 'w'"), "the graph has no inputs"),
    "constant-output": (edit("g.node[0].input[0] = 'w'"), "output 'y' does not depend on"),
    "no-weight": (edit("del g.initializer[:]"), "node 'stem' .*reads 'w', which no node writes"),
    "unknown-input": (edit("g.node[1].input[0] = 'q'"), "node 'act' .*reads 'q'"),
    "unknown-output": (edit("g.output[0].name = 'q'"), "output 'q' is written by no node"),
    "cycle": (edit("g.node[0].input[0] = 'y'"), "cycle through node 'stem'"),
    "node-twice": (edit("g.node.append(g.node[1])"), "node 'act': its output name 'y' is given twice"),
    "node-over-weight": (edit("g.node[1].output[0] = 'w'"), "'w' is given twice"),
    "input-twice": (edit("g.input.append(g.input[0])"), "input 'x' is given twice"),
    "output-twice": (edit("g.output.append(g.output[0])"), "output 'y' is given twice"),
    "weight-twice": (edit("g.initializer.append(g.initializer[0])"), "initializer 'w' is given twice"),
    "batch": (dim(0, 64), "input 'x' has batch size 64; export with batch size 1"),
    "height": (dim(2, "height"), "input 'x' has the symbolic size 'height' on axis 2; .* fixed size"),
    "zero-width": (dim(3, 0), "input 'x' has the symbolic size .* on axis 3"),
    "huge-input": (dim(2, 2**40), "input 'x' has shape .* GiB"),
    "no-shape": (edit("del g.input[0].type.tensor_type.shape.dim[:]"), "input 'x' has no shape"),
    "integer-input": (input_type(TensorProto.INT64), "input 'x' has type int64; inputs must be float"),
    "text-input": (input_type(TensorProto.STRING), "input 'x' has no numeric type"),
    "no-tensor": (edit("g.input[0].type.sequence_type.SetInParent()"), "input 'x' is not a tensor"),
    "nan": (weight(np.nan), "initializer 'w' holds NaN or infinite values"),
    "infinity": (weight(np.inf), "initializer 'w' holds NaN or infinite values"),
    "huge-weight": (edit("g.initializer[0].dims[0] = 2**40"), "initializer 'w' declares shape"),
    "negative-weight": (edit("g.initializer[0].dims[0] = -2"), "initializer 'w' declares shape"),
    "short-weight": (edit("g.initializer[0].raw_data = b'1234'"), "initializer 'w' of shape"),
    "untyped-weight": (edit("g.initializer[0].data_type = 0"), "initializer 'w' has no numeric type"),
    "strange-type": (edit("g.initializer[0].data_type = 999"), "initializer 'w' has no numeric type"),
    "sparse": (edit("g.sparse_initializer.add().values.name = 's'"), "initializer 's' is sparse"),
    "channels": (edit("g.initializer[0].dims[:] = [4, 2, 3, 3]"), "node 'stem' .* does not fit its input"),
    "domain": (edit("g.node[1].domain = 'com.acme'"), "node 'act': operator com.acme:Relu"),
    "unknown-operator": (edit("g.node[1].op_type = 'Rellu'"), "node 'act': .*ONNX has no such operator"),
    "unsupported": (edit("g.node[1].op_type = 'Det'"), "node 'act': operator Det .* rewrite .*Relu"),
    "instead": (edit("g.node[1].op_type = 'GridSample'"), "operator GridSample .*use Resize"),
    "no-attribute": (edit("g.node.insert(0, node('Constant', '', 'q'))"), "constant 'q'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_bad_model(name: str) -> None:
    change, message = CHANGES[name]
    proto = simple()
    from_model(proto)
    change(proto)
    with pytest.raises(ConversionError, match=message):
        from_model(proto)


def test_name_that_the_importer_made_up() -> None:
    nodes = [node("Conv", "x w b", "c"), node("Relu", "c", "c.mul:2"), node("Abs", "c.mul:2", "y")]
    proto = model(nodes, {"x": IMAGE}, {"w": f32(2, 4, 3, 3), "b": f32(2)})
    with pytest.raises(ConversionError, match=r"'c\.mul:2' stands for two tensors"):
        from_model(proto)


# -- single nodes --------------------------------------------------------------------------------
def one(
    op: str, *consts: Array | None, shape: tuple[int, ...] = IMAGE, **attrs: Any
) -> onnx.ModelProto:
    named = {f"c{i}": c for i, c in enumerate(consts) if c is not None}
    names = ["_" if c is None else f"c{i}" for i, c in enumerate(consts)]
    opset_version = attrs.pop("opset", 13)
    made = node(op, " ".join(["x", *names]), "y", name="it", **attrs)
    return model([made], {"x": shape}, named, opset=opset_version)


def two_inputs(op: str, shape: tuple[int, ...] = IMAGE) -> onnx.ModelProto:
    return model([node(op, "x z", "y", name="it")], {"x": IMAGE, "z": shape})


def statistics(variance: float) -> list[Array]:
    return [f32(4), f32(4), f32(4), np.full(4, variance, np.float32)]


NODES: dict[str, tuple[onnx.ModelProto, str]] = {
    "conv-weight": (two_inputs("Conv"), "its weight is computed from the model's input"),
    "conv-1d": (one("Conv", f32(2, 4, 3), shape=(1, 4, 9)), r"only images \[1, C, H, W\]"),
    "conv-kernel": (one("Conv", f32(2, 4, 3, 3), kernel_shape=[5, 5]), "kernel_shape"),
    "conv-too-large": (one("Conv", f32(2, 4, 7, 7)), "window of 7 x 7 pixels is larger than"),
    "conv-groups": (one("Conv", f32(3, 2, 1, 1), group=2), "does not fit its input"),
    "conv-pads": (one("Conv", f32(2, 4, 3, 3), pads=[-1, 0, 0, 0]), "attribute pads"),
    "conv-strides": (one("Conv", f32(2, 4, 3, 3), strides=[0, 1]), "attribute strides"),
    "conv-auto-pad": (one("Conv", f32(2, 4, 3, 3), auto_pad="SOME"), "auto_pad 'SOME'"),
    "conv-integer": (one("Conv", np.ones((2, 4, 3, 3), np.int8)), "its weight .* type int8"),
    "conv-bias": (one("Conv", f32(2, 4, 3, 3), f32(3)), "node 'it'"),
    "conv-empty": (one("Conv", f32(0, 4, 3, 3)), r"input 'c0' of shape \[0, 4, 3, 3\] has no elements"),
    "matmul-empty": (one("MatMul", f32(5, 0)), r"has no elements"),
    "concat-empty": (one("Concat", f32(1, 0, 6, 5), axis=1), "input 'c0' .* has no elements"),
    "matmul-two-activations": (two_inputs("MatMul"), "must be a constant weight"),
    "matmul-sizes": (one("MatMul", f32(4, 3)), r"\[K, N\] \[4, 3\] does not fit"),
    "matmul-rank": (one("MatMul", f32(1, 5, 3)), "must be a matrix"),
    "gemm-rank": (one("Gemm", f32(5, 3)), "does not fit its input"),
    "gemm-bias": (one("Gemm", f32(5, 3), f32(2), shape=(1, 5)), "its bias"),
    "bn-training": (one("BatchNormalization", *statistics(1), training_mode=1, opset=15), "model.eval"),
    "bn-variance": (one("BatchNormalization", *statistics(-1)), "variance . epsilon is not positive"),
    "bn-size": (one("BatchNormalization", f32(3), *statistics(1)[1:]), "one value for each of 4"),
    "bn-computed": (model([node("BatchNormalization", "x x x x x", "y", name="it")], {"x": (4,)}), "its scale"),
    "dropout-training": (one("Dropout", np.float32(0.5), np.array(True)), "model.eval"),
    "clip-limits": (two_inputs("Clip", ()), "input 'z' has no shape"),
    "clip-computed": (model([node("Clip", "x x", "y", name="it")], {"x": (1,)}), "limits must be constant"),
    "prelu-slope": (one("PRelu", np.arange(5, dtype=np.float32).reshape(5, 1)), "one number per channel"),
    "pad-mode": (one("Pad", i64(*[0] * 8), mode="reflect"), "mode 'reflect'"),
    "pad-count": (one("Pad", i64(1, 1)), "two numbers for each of 4 axes"),
    "pad-computed": (two_inputs("Pad"), "its pads must be a constant"),
    "pad-value": (one("Pad", i64(*[0] * 8), f32(2)), "must be one number"),
    "pad-all-away": (one("Pad", i64(0, 0, -6, 0, 0, 0, 0, 0)), "leave nothing"),
    "pad-huge": (one("Pad", i64(0, 0, 2**40, 0, 0, 0, 0, 0)), "GiB"),
    "reshape": (one("Reshape", i64(64, -1)), r"\[1, 4, 6, 5\] cannot become .*batch size 1"),
    "reshape-computed": (two_inputs("Reshape"), "target shape must be a constant"),
    "transpose": (one("Transpose", perm=[0, 1, 1, 2]), "does not permute"),
    "flatten": (one("Flatten", axis=5), "axis 5"),
    "concat": (two_inputs("Concat", (1, 3, 6, 4)), "axis"),
    "squeeze": (one("Squeeze", i64(1)), "not all of size 1"),
    "expand": (one("Expand", i64(3, 1, 1)), "it is not what ONNX allows"),
    "split": (one("Split", i64(1, 2), axis=1), "cannot be split"),
    "slice-step": (one("Slice", i64(5), i64(0), i64(2), i64(0)), "its step is 0"),
    "slice-nothing": (one("Slice", i64(3), i64(3), i64(2)), "nothing is left of axis 2"),
    "gather": (one("Gather", i64(0, 9), axis=1), "are not those of axis 1"),
    "maxpool-indices": (
        model([node("MaxPool", "x", "y i", kernel_shape=[2, 2], name="it")], {"x": IMAGE}, outputs=["y", "i"]),
        "its output of indices",
    ),
    "maxpool-pads": (one("MaxPool", kernel_shape=[2, 2], pads=[2, 0, 0, 0]), "not smaller than"),
    "maxpool-kernel": (one("MaxPool"), "kernel_shape"),
    "avgpool-dilations": (
        one("AveragePool", kernel_shape=[2, 2], dilations=[2, 2], opset=19),
        "dilations other than 1",
    ),
    "add-shapes": (two_inputs("Add", (1, 3, 6, 5)), "node 'it'"),
    "mul-shapes": (two_inputs("Mul", (1, 3, 6, 5)), "node 'it'"),
    "div-zero": (one("Div", np.float32(0)), "divisor is 0"),
    "div-overflow": (one("Div", np.float32(1e-40)), "NaN or infinity"),
    "mul-infinity": (one("Mul", np.float32(np.inf)), "NaN or infinity"),
    "if": (
        model(
            [node("If", "x", "y", name="it",
                  then_branch=helper.make_graph([], "t", [], []),
                  else_branch=helper.make_graph([], "e", [], []))],
            {"x": (1,)},
        ),
        "its condition depends on",
    ),
    "random": (
        model([node("RandomNormal", "", "r", name="it", shape=[5]), node("Add", "x r", "y")], {"x": IMAGE}),
        "random numbers",
    ),
    "huge-constant": (
        model([node("ConstantOfShape", "s", "r", name="it"), node("Add", "x r", "y")], {"x": IMAGE},
              {"s": i64(2**20, 2**20, 2)}),
        "would take .* GiB",
    ),
    "huge-expansion": (
        model([node("Expand", "c s", "r", name="it"), node("Add", "x r", "y")], {"x": IMAGE},
              {"c": f32(1), "s": i64(2**30, 2**10)}),
        "would take .* GiB",
    ),
    "huge-broadcast": (
        model([node("Add", "c d", "r", name="it"), node("Add", "x r", "y")], {"x": IMAGE},
              {"c": f32(2**17, 1), "d": f32(2**17)}),
        "would take .* GiB",
    ),
    "constant-mistake": (
        model([node("Reshape", "c s", "r", name="it"), node("Add", "x r", "y")], {"x": IMAGE},
              {"c": f32(6), "s": i64(4, 4)}),
        "cannot be computed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NODES)
def test_bad_node(name: str) -> None:
    proto, message = NODES[name]
    with pytest.raises(ConversionError, match=message) as error:
        from_model(proto)
    assert "'it'" in str(error.value) or "input 'z'" in str(error.value)


def test_instead() -> None:
    """Advice is for operators that exist and are not supported."""
    ours = {name for _, name in IMPORTERS}
    assert not ours.intersection(INSTEAD)
    assert all(onnx.defs.has(name) or name in ("Trunc", "FloatQuant") for name in INSTEAD)
