# SPDX-License-Identifier: BSD-3-Clause
"""Files made to keep the loader busy, or to ask for more memory than there is."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from converter import dab
from converter.dab_model import Kind, Model, Op, Tensor, Type
from targets import DabError, Target

MANY = 16384  # tensors, ops
SPACE = 320  # bytes between activations: room for 65 floats
UNSUPPORTED = -8
ALIGNMENT, ARENA = -2, -9
SECONDS = 120.0  # a tenth is usual, 3 under an emulator; what these files are after takes many minutes or days


def tensor(at: int, first: int, last: int, elements: int = 1) -> Tensor:
    return Tensor(Type.F32, (elements,), "", None, at, first, last)


def all_alive() -> Model:
    """As many activations as there can be, all live to the end: every pair of them is to be compared."""
    last = MANY - 2
    places = [(7919 * i) % MANY * SPACE for i in range(MANY)]  # a permutation: in no order
    tensors = [tensor(at, max(0, i - 1), last) for i, at in enumerate(places)]
    ops = [Op(Kind.RESHAPE, [i], [i + 1]) for i in range(MANY - 1)]
    return Model(tensors, ops, [0], [MANY - 1], SPACE * MANY)


def all_operands() -> Model:
    """As many operands as there can be, each the last of as many model inputs as there can be."""
    inputs, ops = 256, MANY - 256
    tensors = [tensor(SPACE * i, 0, ops - 1) for i in range(inputs)]
    tensors += [tensor(SPACE * (inputs + i), i, ops - 1, 64) for i in range(ops)]
    table = [Op(Kind.CONCAT, [inputs - 1] * 64, [inputs + i], [0]) for i in range(ops)]
    return Model(tensors, table, list(range(inputs)), [MANY - 1], SPACE * MANY)


@pytest.mark.one_cpu
@pytest.mark.parametrize("make", [all_alive, all_operands], ids=lambda make: make.__name__)
def test_the_loader_is_quick(target: Target, make: Callable[[], Model]) -> None:
    """The very last op breaks a rule: everything before it has been checked, and nothing is planned."""
    model = make()
    model.tensors[-1].dims = (65,)
    data = dab.write(model)
    start = time.perf_counter()
    with pytest.raises(DabError) as caught:
        target.load(data)
    assert time.perf_counter() - start < SECONDS
    assert caught.value.index == len(model.ops) - 1


@pytest.mark.one_cpu
def test_last_pair_is_compared(target: Target) -> None:
    """The last of all activations shares the memory of the first."""
    model = all_alive()
    model.tensors[-1].offset = model.tensors[0].offset
    with pytest.raises(DabError, match="shares memory") as caught:
        target.load(dab.write(model))
    assert caught.value.index == MANY - 1


@pytest.mark.one_cpu
def test_more_memory_than_addresses(target: Target) -> None:
    """Arenas may be almost 2^31 bytes in the file; with plan and scratch that is beyond what 32 bits address."""
    if target.pointer_bytes == 8:
        pytest.skip("64-bit addresses suffice for every file")
    model = Model(
        [tensor(0, 0, 0), tensor(64, 0, 0)], [Op(Kind.RESHAPE, [0], [1])], [0], [1], 2**31 - 64
    )
    with pytest.raises(DabError) as caught:
        target.load(dab.write(model))
    assert caught.value.status == UNSUPPORTED


@pytest.mark.parametrize(
    ("shift", "missing", "status", "words"),
    [
        (0, 1, ARENA, "the arena is smaller than bnn_plan_size says"),
        (64, 0, ARENA, "the arena is smaller than bnn_plan_size says"),
        (1, 0, ALIGNMENT, "the arena must be aligned to 64 bytes"),
    ],
)
def test_arena(target: Target, shift: int, missing: int, status: int, words: str) -> None:
    """Too small, or in the wrong place: an error before anything is written; then the right one serves."""
    net = Model([tensor(0, 0, 0), tensor(64, 0, 0)], [Op(Kind.RESHAPE, [0], [1])], [0], [1], 128)
    model = target.load(dab.write(net))
    with pytest.raises(DabError, match=words) as caught:
        model.plan_again(shift, missing)
    assert caught.value.status == status
    with pytest.raises(DabError, match="arena"):
        model.plan_again(0, model.arena_bytes)
    model.plan_again()
    assert model.run([np.ones(1, np.float32)])[0] == 1
