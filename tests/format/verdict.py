# SPDX-License-Identifier: BSD-3-Clause
"""What a reader says about a file: None, or status, place and index of the error."""

from __future__ import annotations

import numpy as np

import targets.target
from converter import dab
from targets import Target

Verdict = tuple[int, int, int] | None


def by_reader(data: bytes) -> Verdict:
    """The Python reader's."""
    try:
        dab.read(data)
    except dab.DabError as error:
        return error.status, error.place, error.index
    return None


def by_library(target: Target, data: bytes, isa: str | None = None, runs: int = 1) -> Verdict:
    """The library's, which loads, plans and, where that is possible, runs on ones: each time with the same bits."""
    try:
        model = Target(target.machine).load(data, isa)
    except targets.target.DabError as error:
        return error.status, error.place, error.index
    inputs = [np.ones(tensor.shape, tensor.dtype) for tensor in model.inputs]
    results = [[output.tobytes() for output in model.run(inputs)] for _ in range(runs)]
    assert all(result == results[0] for result in results)
    return None
