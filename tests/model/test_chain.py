# SPDX-License-Identifier: BSD-3-Clause
"""Binary convolution by the chain: which machines and layers take it, and that its results are the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from converter.dab_model import Kind, Step, Type
from model.cases import Net
from model.test_ops import case, compare
from targets import Target

# What a plan takes on these cpu models if it is not told; "max" is a core that nobody knows.
CHOICES = {
    "aarch64": {
        "cortex-a53": "neon",
        "cortex-a72": "neon",
        "neoverse-n1": "neon_chain",
        "max": "neon_i8mm",
    },
}
# Instruction sets without the chain and with it.
SETS = [("neon", "neon_chain"), ("avx2", "avx512")]
PROGRAM = [Step.EMIT_INT, Step.AFFINE, Step.EMIT_F32, Step.EMIT_SIGN]


class Layer(NamedTuple):
    """A binary convolution; channels and outputs are those of a group."""

    size: tuple[int, int]
    channels: int
    outputs: int
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    dilation: int = 1
    pad: int = 1
    border: int = -1
    groups: int = 1


CHAINED = {
    "borders": [Layer((4, 5), 128, 16, border=border) for border in (-1, 0, 1)],
    "borders64": [Layer((5, 8), 64, 16, border=border) for border in (-1, 0, 1)],
    "vectors": [Layer((4, 4), channels, 8, (3, 2)) for channels in (100, 256, 384, 512)],
    "vectors64": [Layer((6, 4), 50, 8, kernel) for kernel in [(1, 5), (2, 3), (7, 1), (4, 2)]],
    "mixed": [Layer((6, 4), channels, 9) for channels in (129, 192, 200, 320)],
    "odd": [Layer((5, 5), channels, 8) for channels in (40, 65, 128, 150)],
    "outputs": [Layer((4, 4), 128, outputs) for outputs in (1, 7, 130, 260)],
    "strides": [Layer((9, 7), 130, 8, stride=s, dilation=d) for s in (1, 2, 3) for d in (1, 2)],
    "strides64": [Layer((13, 11), 30, 8, stride=s, dilation=d) for s in (1, 2, 3) for d in (1, 2)],
    "groups": [Layer((4, 4), channels, 12, groups=3) for channels in (10, 64, 128, 160)],
    "slabs": [Layer((20, 23), channels, 8) for channels in (64, 300)],
    "deep": [Layer((2, 6), 2000, 8), Layer((2, 4), 512, 8, (8, 15), pad=7)],
    "points": [Layer((4, 5), channels, 8, (1, 1), pad=0) for channels in (640, 700, 1000)],
}
# Few taps, or few pixels, of which the last of a tile would be idle.
DIRECT = [
    Layer((4, 4), 256, 8, (1, 2)),
    Layer((4, 4), 64, 8, (2, 2)),
    Layer((1, 1), 128, 8),
    Layer((1, 3), 128, 8),
    Layer((1, 6), 64, 8),
]


def model(layer: Layer) -> tuple[bytes, list[npt.NDArray[np.float32]]]:
    """The layer alone, with a random input."""
    net = Net(np.random.default_rng([abs(v) for v in np.hstack(layer)]))
    pads = [layer.pad, layer.pad]
    out = [
        (size + 2 * pad - (kernel - 1) * layer.dilation - 1) // layer.stride + 1
        for size, pad, kernel in zip(layer.size, pads, layer.kernel, strict=True)
    ]
    x = net.bits(*layer.size, layer.groups * layer.channels)
    w = net.weights((layer.groups, layer.outputs, *layer.kernel, layer.channels), Type.W_XNOR)
    words = [*[layer.stride] * 2, *[layer.dilation] * 2, *pads, *pads, layer.border]
    dims = (*out, layer.groups * layer.outputs)
    net.computing(Kind.BCONV2D, [x, w], dims, words, PROGRAM)
    return net.finish()


@pytest.mark.parametrize("layers", CHAINED.values(), ids=CHAINED)
def test_results(target: Target, isa: str | None, layers: list[Layer]) -> None:
    for layer in layers:
        compare(target, isa, case(model, layer), 0)


@pytest.mark.parametrize("layer", DIRECT, ids=str)
def test_results_of_small_layers(target: Target, isa: str | None, layer: Layer) -> None:
    compare(target, isa, case(model, layer), 0)


def test_choice(target: Target) -> None:
    """The core decides, and what it can run but does not choose comes before."""
    machine = target.machine
    assert machine.choices[0] == "c"
    assert sorted(machine.choices) == sorted(target.isas)
    if machine.name in CHOICES:
        assert machine.choices[-1] == CHOICES[machine.name][machine.cpu]


def arena(target: Target, isa: str | None, layer: Layer) -> int:
    return Target(target.machine).load(model(layer)[0], isa).arena_bytes


@pytest.mark.parametrize("measured", ["neon", "neon_chain"])
def test_arena_that_was_measured_on_another_core(target: Target, measured: str) -> None:
    """A thread may move between the two calls: to a core that wants more memory, or less."""
    if "neon_chain" not in target.isas:
        pytest.skip("no such cores")
    data, inputs = model(CHAINED["borders"][0])
    planned = target.load(data, measured)
    want = planned.run(inputs)
    planned.plan_again()
    for a, b in zip(want, planned.run(inputs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_plan_takes_the_choice(target: Target) -> None:
    """The chain shows in the memory of the plan: the weights are there once more."""
    sets = [pair for pair in SETS if pair[1] in target.isas]
    if not sets:
        pytest.skip("no chain here")
    for layers in CHAINED.values():
        for layer in layers:
            plain, chained = (arena(target, isa, layer) for isa in sets[0])
            weights = layer.channels * layer.outputs * layer.kernel[0] * layer.kernel[1] // 8
            assert chained - plain > layer.groups * weights
            assert arena(target, None, layer) == arena(target, target.machine.choices[-1], layer)
    for layer in DIRECT:
        plain, chained = (arena(target, isa, layer) for isa in sets[0])
        assert chained == plain
