# SPDX-License-Identifier: BSD-3-Clause
"""`Model(..., threads=N)`: the same bits as with one thread, for single samples, small and large batches."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pylibbnn import Model

pytestmark = pytest.mark.self

DATA = Path(__file__).parent / "data"
TINY = DATA / "tiny.dab"  # image [1, 3, 5, 5] -> scores [1, 4]
PAIR = DATA / "pair.dab"  # left [1, 4], right [1, 4] -> total [1, 4], positive [1, 4]
IMAGES = np.random.default_rng(3).standard_normal((23, 3, 5, 5)).astype(np.float32)
FORKS = 20
SECONDS = 60  # after which a child is taken to hang


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 23])
def test_batches(threads: int, count: int) -> None:
    """Fewer samples than threads share steps, others are shared by sample."""
    one, several = Model(TINY), Model(TINY, threads=threads)
    for _ in range(3):
        got = several.run(IMAGES[:count])
        assert got.tobytes() == one.run(IMAGES[:count]).tobytes()


def test_all_inputs_and_outputs() -> None:
    left, right = np.random.default_rng(4).standard_normal((2, 9, 4)).astype(np.float32)
    want, got = (Model(PAIR, threads=n).run([left, right]) for n in (1, 2))
    assert {name: array.tobytes() for name, array in got.items()} == {
        name: array.tobytes() for name, array in want.items()
    }


def test_strided_batch() -> None:
    """An array that is not contiguous is copied."""
    backwards = IMAGES[::-1]
    assert Model(TINY, threads=2).run(backwards).tobytes() == Model(TINY).run(backwards).tobytes()


def test_batches_take_an_arena_per_thread() -> None:
    model = Model(TINY, threads=3)
    before, plain = model.arena_bytes, Model(TINY).arena_bytes
    model.run(IMAGES)
    assert model.arena_bytes == before + 3 * plain


def test_callers_take_turns() -> None:
    """One pool serves several callers of one model."""
    model, want = Model(TINY, threads=2), Model(TINY).run(IMAGES)
    with ThreadPoolExecutor(4) as callers:
        for got in callers.map(lambda _: model.run(IMAGES), range(20)):
            assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("threads", [0, -1, 257])
def test_number_of_threads(threads: int) -> None:
    with pytest.raises(ValueError, match="threads must be 1 to 256"):
        Model(TINY, threads=threads)


@pytest.mark.skipif(not hasattr(os, "fork") or sys.version_info >= (3, 12), reason="forks warn")
def test_after_a_fork() -> None:
    """The child has no threads but the caller, which then does all the work, and ends; whatever the others were doing."""
    model = Model(TINY, threads=3)
    want = model.run(IMAGES).tobytes()
    for _ in range(FORKS):
        time.sleep(0.001)  # the threads go to sleep, are woken, and the fork meets them there
        model.run(IMAGES)
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            same = model.run(IMAGES).tobytes() == want
            del model
            os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
