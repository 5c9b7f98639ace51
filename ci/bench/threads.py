# SPDX-License-Identifier: BSD-3-Clause
"""What threads gain in networks of `python -m pylibbnn zoo`.

Rounds with one thread and with more take turns, and a time is the sum of each op's best: other work on the machine disturbs
few ops of a round. A batch has as many samples as 4 times the threads, and its time is that of its best round.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ci.bench.networks import prepare
from ci.bench.table import Cell, table
from pylibbnn import Model, zoo

ROUNDS = 100
SAMPLES = 4  # of a batch, per thread
RUNS = 3  # in a row: the first one wakes the threads


def measure(names: Sequence[str]) -> str:
    """Return a table of networks (default Bi-Real-Net-18) with one thread up to as many as there are cores."""
    head = ["network", "threads", "ms", "faster", "ms in a batch", "faster"]
    counts = list(range(1, (os.cpu_count() or 1) + 1))
    return table(head, [row for name in names or ["bireal18"] for row in _rows(name, counts)])


def _rows(name: str, counts: list[int]) -> list[list[Cell]]:
    """Return a row per number of threads: milliseconds of one sample and of a batch per sample, and how often faster."""
    with tempfile.TemporaryDirectory() as folder:
        network = prepare(name, zoo.Scale(), Path(folder))
        models = {count: Model(network.path, threads=count, profile=True) for count in counts}
    shape = models[1].inputs[0].shape
    images = np.random.default_rng(0).standard_normal((SAMPLES * max(counts), *shape[1:]))
    images = images.astype(np.float32)
    batches = dict.fromkeys(counts, float("inf"))
    want = models[1].run(images[:1])
    for _ in range(ROUNDS):
        for count, model in models.items():
            if not all(np.array_equal(model.run(images[:1]), want) for _ in range(RUNS)):
                raise SystemExit(f"{name}: {count} threads give other bits than one")
    times = {count: sum(model.step_milliseconds) for count, model in models.items()}
    for _ in range(ROUNDS // 10):
        for count, model in models.items():
            start = time.perf_counter()
            model.run(images)
            batches[count] = min(batches[count], (time.perf_counter() - start) * 1e3)
    return [
        [
            name,
            str(count),
            f"{times[count]:.2f}",
            f"{times[1] / times[count]:.2f}",
            f"{batches[count] / len(images):.2f}",
            f"{batches[1] / batches[count]:.2f}",
        ]
        for count in counts
    ]
