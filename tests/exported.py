# SPDX-License-Identifier: BSD-3-Clause
"""ONNX graphs written down as exporters write them, and the way from there to the library's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from converter import lower, passes
from converter.graph import Graph
from converter.onnx_import import from_model
from converter.passes import Mode, SignZero
from converter.passes.steps import from_ordinal, ordinal
from converter.report import Report
from onnx_builder import Array, model, node, runtime
from targets import Target

Runner = Callable[[onnx.ModelProto, Mapping[str, Array]], list[Array]]


class Export:
    """Collects ONNX nodes and initializers; methods return the name of their result."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.consts: dict[str, Array] = {}
        self.rng = np.random.default_rng(seed)

    def const(self, data: Array | float) -> str:
        name = f"c{len(self.consts)}"
        self.consts[name] = np.asarray(data, np.float32 if isinstance(data, float) else None)
        return name

    def real(self, *shape: int) -> Array:
        return self.rng.standard_normal(shape).astype(np.float32)

    def signs(self, *shape: int) -> Array:
        return self.rng.choice(np.array([-1, 1], np.float32), shape)

    def op(self, op: str, *inputs: str | float, **attrs: object) -> str:
        """A node; numbers become constants."""
        name = f"{op.lower()}{len(self.nodes)}"
        names = [i if isinstance(i, str) else self.const(float(i)) for i in inputs]
        self.nodes.append(node(op, " ".join(names), name, **attrs))
        return name

    def bn(self, x: str, channels: int, epsilon: float = 1e-5) -> str:
        mean, scale, bias = (self.const(self.real(channels)) for _ in range(3))
        variance = self.const(self.rng.random(channels).astype(np.float32) + np.float32(0.1))
        return self.op("BatchNormalization", x, scale, bias, mean, variance, epsilon=epsilon)

    def sign(self, x: str) -> str:
        """x >= 0 ? 1 : -1."""
        return self.op("Where", self.op("GreaterOrEqual", x, 0), 1, -1)

    def conv(self, x: str, *shape: int, **attrs: object) -> str:
        """A convolution with weights of -1 and +1."""
        return self.op("Conv", x, self.const(self.signs(*shape)), **attrs)

    def done(self, x: str, *shape: int, opset: int = 13) -> onnx.ModelProto:
        self.nodes.append(node("Identity", x, "y"))
        return model(self.nodes, {"x": shape}, self.consts, opset=opset)


def critical(shape: Sequence[int], *centres: float, zeros: bool = True, seed: int = 3) -> Array:
    """Normal random numbers, the neighbours of 0, +-1 and other places among them; large ones too.

    Denormals are left out: they are 0 to 32-bit ARM, and no file holds them.
    """
    rng = np.random.default_rng(seed)
    near = ordinal(np.array([1, -1, *centres], np.float32))[:, None] + np.arange(-4, 5)
    tiny = float(np.finfo(np.float32).tiny)
    others = np.array([tiny, -tiny, 1e4, -1e4, *([0, -0.0] if zeros else [])], np.float32)
    points = np.append(from_ordinal(near.ravel()), others)
    x = rng.standard_normal(int(np.prod(shape))).astype(np.float32)
    x[: len(points)] = points[: x.size]
    return rng.permutation(x).reshape(shape)


def convert(
    proto: onnx.ModelProto,
    mode: Mode | str = Mode.AGGRESSIVE,
    sign_zero: SignZero = SignZero.AUTO,
    **options: Any,
) -> tuple[Graph, Report, bytes]:
    """What the command line does with a model in memory."""
    graph = from_model(proto)
    report = passes.run(graph, mode, sign_zero=sign_zero, **options)
    return graph, report, lower.lower(graph, {"producer": "test"})


def compare(
    target: Target,
    proto: onnx.ModelProto,
    data: bytes,
    inputs: Sequence[Array],
    tolerance: float = 0.0,
    run: Runner = runtime,
) -> None:
    """The library gives what the source gives, for every input of one image, up to a share of the largest magnitude."""
    loaded = Target(target.machine).load(data)
    name = proto.graph.input[0].name
    moved = False
    for x in inputs:
        for want, got in zip(run(proto, {name: x}), loaded.run([x]), strict=True):
            assert got.shape == want.shape
            moved |= bool(np.any(want != want.reshape(-1)[0]))
            limit = tolerance * float(np.max(np.abs(want)))
            np.testing.assert_allclose(got, want, rtol=0, atol=limit)
    assert moved, "the outputs are constant: nothing was compared"


def assert_binary(
    target: Target,
    proto: onnx.ModelProto,
    *borders: float | None,
    tolerance: float = 0.0,
    zeros: bool = True,
    run: Runner = runtime,
) -> Report:
    """All layers become binary with these borders, and the library computes what the source does."""
    graph, report, data = convert(proto, Mode.MODERATE)
    assert [(row.kind, row.reason) for row in report.rows if row.kind != "binary"] == []
    assert tuple(row.border for row in report.rows) == borders
    shape = graph.shape(graph.inputs[0])
    inputs = [critical(shape, zeros=zeros, seed=seed) for seed in range(3)]
    compare(target, proto, data, inputs, tolerance, run)
    return report
