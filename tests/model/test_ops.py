# SPDX-License-Identifier: BSD-3-Clause
"""Every op kind in small random models: the library against the numpy executor, on every machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import dab, dab_run
from converter.dab_model import Kind, Step
from converter.lower import lower
from ir_builder import Net as Graph
from model.cases import COMPUTERS, COMPUTING, EMITS, MAKERS, Net, model_with_steps, random_model
from targets import Target

Array = npt.NDArray[Any]
Case = tuple[bytes, list[Array], list[Array]]
MODELS = 12  # per test
ROUNDED = (Kind.AVGPOOL2D, Kind.SOFTMAX)  # division and exp: not bit-exact even for small integers


@cache
def case(make: Callable[..., tuple[bytes, list[Array]]], *arguments: Any) -> Case:
    """A model that is made once for all machines, solved."""
    return solved(*make(*arguments))


def solved(data: bytes, inputs: list[Array]) -> Case:
    """A model, inputs, and what the numpy executor makes of them."""
    return data, inputs, dab_run.run(dab.read(data), inputs)


def compare(target: Target, isa: str | None, wanted: Case, tolerance: float) -> None:
    """Run the model on both; `tolerance` is relative to the largest magnitude, 0 means equal bits.

    In parts by several workers it gives the same bits in every case.
    """
    data, inputs, want = wanted
    got = Target(target.machine).run(data, inputs, isa)
    shared = Target(target.machine).run(data, inputs, isa, workers=3)
    assert [a.tobytes() for a in shared] == [a.tobytes() for a in got], "workers change the result"
    for number, (a, b) in enumerate(zip(want, got, strict=True)):
        assert a.shape == b.shape
        if tolerance == 0:
            np.testing.assert_array_equal(b, a, f"output {number}")
            assert np.array_equal(b.view(np.int32), a.view(np.int32)), "a zero with another sign"
        else:
            limit = tolerance * float(np.max(np.abs(a)))
            np.testing.assert_allclose(b, a, rtol=0, atol=limit)


@pytest.mark.parametrize("kind", MAKERS, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("seed", range(3))
def test_op(target: Target, isa: str | None, kind: Kind, seed: int) -> None:
    for number in range(MODELS):
        wanted = case(random_model, kind, seed * MODELS + number)
        compare(target, isa, wanted, 1e-5 if kind in ROUNDED else 0)


@pytest.mark.parametrize(
    "kind", [Kind.CONV2D, Kind.DENSE, Kind.AVGPOOL2D], ids=lambda k: k.name.lower()
)
def test_real_sums(target: Target, isa: str | None, kind: Kind) -> None:
    """Sums of real numbers may be rounded otherwise; what follows them is compared where it is continuous."""
    for seed in range(MODELS):
        compare(target, isa, case(real_sums, kind, seed), 1e-5)


def real_sums(kind: Kind, seed: int) -> tuple[bytes, list[Array]]:
    if kind == Kind.AVGPOOL2D:
        return random_model(kind, seed, real=True)
    net = Net(np.random.default_rng([kind, seed, 1]), real=True)
    COMPUTERS[kind](net, kind, [Step.EMIT_F32])
    return net.finish()


@pytest.mark.parametrize("kind", COMPUTERS, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("first", [*COMPUTING, *EMITS], ids=lambda step: step.name)
def test_pairs_of_steps(target: Target, isa: str | None, kind: Kind, first: Step) -> None:
    """Every step behind every other; the ends take turns, so that every step meets each end as well."""
    steps = [*COMPUTING, *EMITS]
    for seed, second in enumerate(steps):
        last = EMITS[(steps.index(first) + seed) % len(EMITS)]
        compare(target, isa, case(model_with_steps, kind, (first, second, last), seed), 0)


@pytest.mark.parametrize("kind", COMPUTERS, ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("first", [0, 5, len(COMPUTING) - 5])
def test_sixteen_steps(target: Target, isa: str | None, kind: Kind, first: int) -> None:
    five = COMPUTING[first : first + 5]
    steps = (*(step for step in five for _ in range(2)), *EMITS, *EMITS)[:16]
    compare(target, isa, case(model_with_steps, kind, steps, 7), 0)


def test_all_outputs_have_the_same_taps_outside(target: Target, isa: str | None) -> None:
    """A border of 0 counts nothing for each output channel, also where no output has all taps inside."""
    net = Graph(1, 2, 2, 5)
    signs = net.op("quantise", net.x, np.zeros(2, np.float32), np.zeros(2, bool))
    weights = net.signs(33, 2, 1, 5).astype(np.int8)
    window: dict[str, Any] = {"strides": (1, 1), "dilations": (1, 2), "pads": (0, 2, 0, 2)}
    data = lower(net.done(net.op("bconv", signs, weights, groups=1, border=0, **window)), {})
    compare(target, isa, solved(data, [net.real(1, 2, 2, 5)]), 0)
