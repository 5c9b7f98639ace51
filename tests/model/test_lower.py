# SPDX-License-Identifier: BSD-3-Clause
"""Lowering: graphs against their interpreter, and the ops that come out where it matters."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import dab, dab_run
from converter.dab_model import Kind, Step, Type
from converter.errors import ConversionError
from converter.graph import Graph
from converter.lower import lower
from ir_builder import Net, outputs, samples
from model.graphs import random_graph
from targets import Target

Array = npt.NDArray[Any]
WINDOW: dict[str, Any] = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0), "groups": 1}


def lowered(graph: Graph) -> dab.Model:
    """The file's content, after a comparison with the interpreter."""
    model = dab.read(lower(graph, {}))
    assert [model.tensors[i].name for i in model.inputs] == graph.inputs
    assert [model.tensors[i].name for i in model.outputs] == graph.outputs
    for inputs in samples(graph, 1):
        got = dab_run.run(model, inputs)
        for want, result in zip(outputs(graph, *inputs), got, strict=True):
            assert result.shape == want.shape
            np.testing.assert_allclose(result, want, rtol=0, atol=1e-5 * float(np.abs(want).max()))
    return model


def kinds(model: dab.Model) -> list[str]:
    return [op.kind.name.lower() for op in model.ops]


def quantise(net: Net, x: str, threshold: float = 0.0, flip: bool = False) -> str:
    count = net.channels(x)
    return net.op("quantise", x, np.full(count, threshold, np.float32), np.full(count, flip))


def bconv(net: Net, x: str, outputs: int, size: int = 3, **attrs: Any) -> str:
    weights = net.signs(outputs, net.channels(x), size, size).astype(np.int8)
    given = {
        "strides": (1, 1),
        "dilations": (1, 1),
        "pads": (size // 2,) * 4,
        "groups": 1,
        "border": 0,
        **attrs,
    }
    return net.op("bconv", x, weights, **given)


# -- random graphs --


@pytest.mark.parametrize("start", range(0, 120, 20))
def test_random_graphs(start: int) -> None:
    """Bit for bit: all numbers are small integers and halves."""
    for seed in range(start, start + 20):
        graph = random_graph(seed)
        model = dab.read(lower(graph, {}))
        for inputs in samples(graph, 1)[1:]:
            for want, got in zip(outputs(graph, *inputs), dab_run.run(model, inputs), strict=True):
                np.testing.assert_array_equal(got, want, f"seed {seed}")


@pytest.mark.one_cpu
@pytest.mark.parametrize("start", range(200, 240, 10))
def test_random_graphs_in_library(target: Target, start: int) -> None:
    for seed in range(start, start + 10):
        graph = random_graph(seed)
        inputs = samples(graph, 1)[1]
        got = Target(target.machine).run(lower(graph, {}), inputs)
        for want, result in zip(outputs(graph, *inputs), got, strict=True):
            np.testing.assert_array_equal(result, want, f"seed {seed}")


# -- fusion --


def test_conv_norm_sign_is_one_op() -> None:
    net = Net(1, 3, 6, 6)
    x = quantise(net, net.bn(net.conv(net.x, net.real(16, 3, 3, 3))))
    y = quantise(net, net.bn(bconv(net, x, 8)))
    model = lowered(net.done(bconv(net, y, 4)))
    assert kinds(model) == ["transpose", "conv2d", "bconv2d", "bconv2d", "transpose"]
    assert model.ops[1].steps == [Step.AFFINE, Step.EMIT_SIGN]
    assert model.ops[2].steps == [Step.AFFINE, Step.EMIT_SIGN]


def test_integer_threshold_and_floats_of_one_convolution() -> None:
    net = Net(1, 3, 6, 6)
    dot = bconv(net, quantise(net, net.x), 9)
    bits = net.op("threshold", dot, np.arange(-4, 5, dtype=np.int32))
    model = lowered(net.done(net.bn(dot), bconv(net, bits, 2)))
    (op,) = [op for op in model.ops if len(op.steps) == 3]
    assert op.steps == [Step.EMIT_INT, Step.AFFINE, Step.EMIT_F32]


def test_residual_joins_the_later_branch() -> None:
    """Add, PReLU, floats for the next shortcut and bits for the next convolution: all in one op."""
    net = Net(1, 8, 6, 6)
    shortcut = net.bn(net.conv(net.x, net.real(8, 8, 1, 1)))
    main = net.bn(bconv(net, quantise(net, shortcut), 8))
    total = net.op("prelu", net.op("add", main, shortcut), np.full(8, 0.25, np.float32))
    last = net.bn(bconv(net, quantise(net, total), 8))
    model = lowered(net.done(net.op("add", total, last)))
    assert kinds(model) == ["transpose", "conv2d", "bconv2d", "bconv2d", "transpose"]
    assert model.ops[2].steps == [Step.AFFINE, Step.ADD, Step.PRELU, Step.EMIT_F32, Step.EMIT_SIGN]
    assert model.ops[3].steps == [Step.AFFINE, Step.ADD, Step.EMIT_F32]


def test_add_waits_for_its_other_operand() -> None:
    """In the source's order the convolution comes before the pooled shortcut."""
    net = Net(1, 4, 6, 6)
    bits = quantise(net, net.x)
    main = net.bn(bconv(net, bits, 8, strides=(2, 2)))
    pooled = net.pool(net.x, op="avgpool")
    total = net.op("add", main, net.op("concat", pooled, pooled, axis=1))
    model = lowered(net.done(total))
    assert "pointwise" not in kinds(model)[2:]


def test_long_chains_are_split() -> None:
    net = Net(1, 3, 2, 2)
    x = net.x
    for _ in range(40):
        x = net.affine(x, 1.0, 0.5)
    model = lowered(net.done(x))
    assert kinds(model)[1:-1] == ["pointwise"] * 4
    assert all(len(op.steps) <= 16 for op in model.ops if op.codes)


def test_many_signs_of_one_value() -> None:
    net = Net(1, 3, 4, 4)
    x = net.bn(net.conv(net.x, net.real(5, 3, 1, 1)))
    results = [bconv(net, quantise(net, x, 0.1 * i), 2) for i in range(20)]
    model = lowered(net.done(*results))
    assert all(len(op.steps) <= 16 for op in model.ops if op.codes)


def test_sign_of_graph_input_compares() -> None:
    """EMIT_SIGN looks at sign bits; a graph input may be -0.0, which counts as 0."""
    net = Net(1, 3, 4, 4)
    model = lowered(net.done(bconv(net, quantise(net, net.x), 2)))
    steps = [step for op in model.ops if op.codes for step in op.steps]
    assert Step.EMIT_BITS in steps
    assert Step.EMIT_SIGN not in steps
    zeros = np.full((1, 3, 4, 4), -0.0, np.float32)
    positive = dab_run.run(model, [zeros])[0]
    np.testing.assert_array_equal(positive, dab_run.run(model, [np.abs(zeros)])[0])


def test_flipped_and_thresholded_signs() -> None:
    net = Net(1, 70, 3, 3)
    x = net.bn(net.x)
    flipped, shifted = quantise(net, x, flip=True), quantise(net, x, 0.5)
    model = lowered(net.done(bconv(net, flipped, 3), bconv(net, shifted, 3)))
    assert sum(op.steps.count(Step.EMIT_BITS) for op in model.ops if op.codes) == 2


def test_signs_as_numbers() -> None:
    """A sign that is added, pooled and given out is a float too."""
    net = Net(1, 5, 4, 4)
    sign = quantise(net, net.bn(net.x))
    net.done(net.op("add", sign, net.x), net.pool(sign, op="avgpool"), sign, bconv(net, sign, 3))
    model = lowered(net.graph)
    (op,) = [op for op in model.ops if Step.SIGN in (op.steps if op.codes else [])]
    assert (
        op.steps == [Step.AFFINE, Step.SIGN, Step.ADD, Step.EMIT_F32] or Step.EMIT_SIGN in op.steps
    )


def test_constants_are_clean_and_stored_once() -> None:
    """-0.0 and denormals become 0, thresholds the next normal number above; equal constants are one."""
    net = Net(1, 2, 3, 3)
    tiny = np.array([1e-40, -0.0], np.float32)
    x = net.affine(net.affine(net.x, [1.0, 2.0], tiny), [1.0, 2.0], tiny)
    bits = net.op("quantise", x, np.array([1e-45, -1e-45], np.float32), np.zeros(2, bool))
    model = dab.read(lower(net.done(bconv(net, bits, 2)), {}))
    floats = [t.array().tolist() for t in model.tensors if t.constant and t.type == Type.F32]
    assert floats == [[1.0, 2.0], [0.0, 0.0], [float(np.finfo(np.float32).tiny), 0.0]]


# -- layout --


def test_flatten_goes_into_binary_weights() -> None:
    net = Net(1, 70, 3, 2)
    x = net.flatten(quantise(net, net.x))
    weights = net.signs(5, 420).astype(np.int8)
    model = lowered(net.done(net.op("bdense", x, weights)))
    assert kinds(model) == ["transpose", "pointwise", "bdense"]
    assert model.tensors[model.ops[2].inputs[0]].dims == (3, 2, 70)


@pytest.mark.parametrize("op", ["conv", "input"])
def test_flatten_goes_into_float_weights(op: str) -> None:
    """Behind a convolution the weights follow channels-last order; behind the graph input they stay."""
    net = Net(1, 3, 4, 5)
    x = net.conv(net.x, net.real(6, 3, 1, 1)) if op == "conv" else net.x
    flat = net.flatten(x)
    model = lowered(net.done(net.dense(flat, net.real(7, net.graph.shape(flat)[1]))))
    assert kinds(model) == (["transpose", "conv2d", "dense"] if op == "conv" else ["dense"])


def test_transpose_and_flatten_go_into_weights() -> None:
    """NHWC flatten, as TensorFlow networks have it."""
    net = Net(1, 9, 3, 4)
    moved = net.op("transpose", quantise(net, net.x), perm=(0, 2, 3, 1))
    model = lowered(
        net.done(net.op("bdense", net.flatten(moved), net.signs(4, 108).astype(np.int8)))
    )
    assert kinds(model) == ["transpose", "pointwise", "bdense"]


def test_nhwc_input_needs_no_transpose() -> None:
    net = Net(1, 5, 6, 3)
    x = net.op("transpose", net.x, perm=(0, 3, 1, 2))
    y = net.conv(x, net.real(4, 3, 3, 3))
    model = lowered(net.done(net.op("transpose", y, perm=(0, 2, 3, 1))))
    assert kinds(model) == ["reshape", "conv2d"]


def test_channel_shuffle_is_one_transpose() -> None:
    net = Net(1, 3, 4, 5)
    x = net.conv(net.x, net.real(6, 3, 1, 1))
    split = net.op("reshape", x, shape=(1, 2, 3, 4, 5))
    moved = net.op("transpose", split, perm=(0, 2, 1, 3, 4))
    shuffled = net.op("reshape", moved, shape=(1, 6, 4, 5))
    model = lowered(net.done(net.conv(shuffled, net.real(2, 6, 1, 1))))
    assert kinds(model) == ["transpose", "conv2d", "transpose", "conv2d", "transpose"]
    shuffle = model.ops[2]
    assert shuffle.word("rank") == 3
    assert shuffle.group("dims")[:3] == [20, 2, 3]


def test_batched_dense_is_a_convolution() -> None:
    net = Net(6, 70)
    bits = quantise(net, net.x)
    y = net.op("bdense", bits, net.signs(9, 70).astype(np.int8))
    model = lowered(net.done(net.dense(y, net.real(4, 9))))
    assert kinds(model) == ["pointwise", "bconv2d", "conv2d"]


def test_joined_signs_are_quantised_again() -> None:
    net = Net(1, 3, 4, 4)
    a, b = quantise(net, net.x), quantise(net, net.bn(net.x))
    joined = net.pad(net.op("concat", a, b, axis=1), -1.0, 1)
    lowered(net.done(bconv(net, joined, 5, pads=(0, 0, 0, 0))))


def test_too_long_for_popcounts() -> None:
    """More than 65534 taps: floats with binary weights, and the border as a pad of its own."""
    net = Net(1, 2622, 5, 5)
    weights = net.signs(2, 2622, 5, 5).astype(np.int8)
    attrs = {**WINDOW, "strides": (3, 3), "pads": (1, 1, 1, 1)}
    x = quantise(net, net.x)
    model = lowered(net.done(net.op("bconv", x, weights, border=-1, **attrs)))
    assert kinds(model) == ["transpose", "pointwise", "pad", "conv2d"]
    net = Net(1, 70000)
    dense = net.op("bdense", quantise(net, net.x), net.signs(2, 70000).astype(np.int8))
    model = lowered(net.done(dense))
    assert kinds(model) == ["pointwise", "dense"]
    assert model.tensors[model.ops[1].inputs[1]].type == Type.W_SIGN


def test_outputs_that_are_not_written_by_an_op() -> None:
    net = Net(1, 3, 2, 2)
    flat = net.flatten(net.x)
    model = lowered(net.done(net.x, flat, net.op("reshape", flat, shape=(12,))))
    assert kinds(model) == ["reshape"] * 3


def test_constant_operands() -> None:
    net = Net(1, 3, 4, 4)
    table = net.real(1, 3, 4, 4)
    joined = net.op("concat", net.x, table, axis=1)
    lowered(net.done(net.op("add", table, net.x), joined, net.op("add", net.x, net.x)))


def test_dead_nodes_leave_nothing() -> None:
    net = Net(1, 3, 4, 4)
    net.op("tanh", net.conv(net.x, net.real(2, 3, 1, 1)))
    model = lowered(net.done(net.affine(net.x, 2.0)))
    assert kinds(model) == ["transpose", "pointwise", "transpose"]


def test_names() -> None:
    net = Net(1, 3, 4, 4)
    model = lowered(net.done(net.bn(net.conv(net.x, net.real(2, 3, 1, 1)))))
    assert model.ops[1].name == "n0+n1"
    assert all(tensor.name == "" for tensor in model.tensors if tensor.constant)


# -- errors --


def refused(graph: Graph) -> str:
    with pytest.raises(ConversionError) as error:
        lower(graph, {})
    return str(error.value)


def test_no_counterpart() -> None:
    net = Net(1, 3, 4, 4)
    text = refused(net.done(net.op("sign", net.x)))
    assert "node 'n0'" in text
    assert "'sign' has no counterpart" in text


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_parameters(value: float) -> None:
    net = Net(1, 3, 4, 4)
    text = refused(net.done(net.affine(net.x, [1.0, value, 1.0])))
    assert "node 'n0'" in text
    assert "NaN or infinity" in text
    net = Net(1, 3, 4, 4)
    weights = net.real(2, 3, 1, 1)
    weights[1, 2] = value
    assert "node 'n0'" in refused(net.done(net.conv(net.x, weights)))


def test_nan_threshold() -> None:
    net = Net(1, 3, 4, 4)
    assert "NaN" in refused(net.done(bconv(net, quantise(net, net.x, np.nan), 2)))


def test_ternary_weights() -> None:
    net = Net(1, 3, 4, 4)
    weights = np.zeros((2, 3, 1, 1), np.int8)
    assert "not all -1 and +1" in refused(net.done(net.conv(net.x, weights)))


def test_type_of_input() -> None:
    net = Net(1, 3, 4, 4)
    net.graph.values["x"].dtype = np.dtype(np.int64)
    assert "input 'x' has type int64" in refused(net.done(net.affine(net.x)))


@pytest.mark.parametrize(("stride", "what"), [(70000, "stride_h"), (1 << 40, "too large")])
def test_beyond_the_limits_of_the_format(stride: int, what: str) -> None:
    net = Net(1, 1, 4, 4)
    text = refused(net.done(net.conv(net.x, net.real(1, 1, 1, 1), strides=(stride, 1))))
    assert "node 'n0'" in text
    assert what in text


def test_too_many_ops() -> None:
    net = Net(1, 1, 1, 2)
    x = net.x
    for _ in range(16385):
        x = net.pool(x, 1)
    assert "the limit is 16384" in refused(net.done(x))


def test_graph_is_not_changed() -> None:
    graph = random_graph(5)
    before = ([repr(node) for node in graph.nodes], list(graph.values))
    lower(graph, {})
    assert before == ([repr(node) for node in graph.nodes], list(graph.values))


def test_same_bytes_twice() -> None:
    for seed in range(5):
        assert lower(random_graph(seed), {}) == lower(random_graph(seed), {})


def test_metadata() -> None:
    net = Net(1, 3)
    model = dab.read(lower(net.done(net.affine(net.x)), {"producer": "test 1", "mode": "strict"}))
    assert model.metadata == {"producer": "test 1", "mode": "strict"}
    assert model.ops[0].kind == Kind.POINTWISE
