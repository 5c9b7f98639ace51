# SPDX-License-Identifier: BSD-3-Clause
"""Networks of the zoo whose non-binary layers compute with 8 bits, by ranges of samples and of each run.

No sum of floats is left but those of pools, which all variants add up in one order: every machine gives the same bits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import calibrate, dab, dab_run, lower, onnx_import, passes
from converter.dab_model import Kind, Type
from converter.report import BINARY, FLOAT, Report
from converter.samples import Samples
from pylibbnn import Model, zoo
from targets import Target

Array = npt.NDArray[Any]
NAMES = ("bireal18", "xnor-alexnet", "bwn-alexnet")
RANGES = ("static", "dynamic")
SMALL = zoo.Scale(width=0.125, image=0.3)


def images(shape: tuple[int, ...], count: int) -> list[Array]:
    rng = np.random.default_rng(4)
    return [rng.standard_normal(shape).astype(np.float32) for _ in range(count)]


@lru_cache
def converted(name: str, ranges: str) -> tuple[bytes, bytes, Report]:
    """The file in float and with 8 bits."""
    graph = onnx_import.from_model(zoo.build(name, SMALL))
    report = passes.run(graph, "moderate")
    before = lower.lower(graph, {})
    if ranges == "dynamic":
        calibrate.dynamic(graph, report)
    else:
        (x,) = graph.inputs
        samples = Samples([{x: image} for image in images(graph.shape(x), 4)], None)
        calibrate.static(graph, samples, report)
    return before, lower.lower(graph, {}, report), report


def image(data: bytes) -> Array:
    model = dab.read(data)
    return images(model.tensors[model.inputs[0]].dims, 1)[0]


@lru_cache
def reference(name: str, ranges: str) -> Array:
    """What the portable kernels give."""
    data = converted(name, ranges)[1]
    result: Array = Model(data, isa="c").run(image(data))
    return result


@pytest.mark.parametrize("ranges", RANGES)
@pytest.mark.parametrize("name", NAMES)
def test_layers(name: str, ranges: str) -> None:
    """No float layer is left, binary ones stay, and the file is smaller."""
    before, after, report = converted(name, ranges)
    assert report.count(FLOAT) == 0
    kinds = [op.kind for op in dab.read(after).ops]
    assert not {Kind.CONV2D, Kind.DENSE}.intersection(kinds)
    eight = [op for op in dab.read(after).ops if op.kind in (Kind.QCONV2D, Kind.QDENSE)]
    assert len(eight) == len(report.rows) - report.count(BINARY)
    types = {dab.read(after).tensors[op.inputs[0]].type for op in eight}
    assert types == {Type.F32 if ranges == "dynamic" else Type.I8}
    assert len(after) < len(before)


@pytest.mark.parametrize("ranges", RANGES)
@pytest.mark.parametrize("name", NAMES)
def test_as_numpy(name: str, ranges: str) -> None:
    """Pools round sums of floats otherwise; a number behind them may be another then."""
    data = converted(name, ranges)[1]
    want = dab_run.run(dab.read(data), [image(data)])[0]
    got = reference(name, ranges).reshape(want.shape)
    assert float(np.abs(got - want).max()) <= 0.01 * float(np.abs(want).max())


@pytest.mark.parametrize("ranges", RANGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_machine(target: Target, isa: str | None, name: str, ranges: str) -> None:
    data = converted(name, ranges)[1]
    want = reference(name, ranges)
    (got,) = target.run(data, [image(data)], isa)
    assert want.std() > 0
    np.testing.assert_array_equal(got.view(np.int32).ravel(), want.view(np.int32).ravel())
