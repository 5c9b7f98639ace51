# SPDX-License-Identifier: BSD-3-Clause
"""Cut-off and damaged files: both readers refuse them with the same error, or accept them and the library runs safely.

Model bytes and arena lie between inaccessible pages (targets/memory.py), so an access outside of them ends the test.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converter.dab_model import Status
from format.patch import File
from format.verdict import by_library, by_reader
from targets import Target

HERE = Path(__file__).parent
MAX_ARENA = 16 << 20


def test_truncated_for_reader() -> None:
    data = (HERE / "all_ops.dab").read_bytes()
    for length in range(len(data)):
        error = by_reader(data[:length])
        assert error is not None, length
        assert error[0] == Status.TRUNCATED, length


@pytest.mark.one_cpu
def test_truncated_for_library(target: Target) -> None:
    data = (HERE / "all_ops.dab").read_bytes()
    for length in range(len(data)):
        assert by_library(target, data[:length]) == (Status.TRUNCATED, 1, 0), length


@pytest.mark.one_cpu
def test_cut_and_said_so(target: Target) -> None:
    """file_size and checksum fit the cut: the tables decide."""
    data = (HERE / "all_ops.dab").read_bytes()
    for length in range(64, len(data), 7):
        file = File(data)
        file.data = file.data[:length]
        file.header("file_size", length)
        cut = file.sealed()
        error = by_reader(cut)
        assert error is not None, length
        assert by_library(target, cut) == error, length


@pytest.mark.one_cpu
@pytest.mark.parametrize("name", ["minimal", "all_ops", "resized"])
@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits(target: Target, name: str, seed: int) -> None:
    """Flipped bits, most of them in the tables, with the right checksum. One gives one error; of several either is right."""
    good = (HERE / f"{name}.dab").read_bytes()
    rng = np.random.default_rng([seed, len(good)])
    tables = File(good).end
    refused = 0
    for _ in range(400):
        file = File(good)
        flips = int(rng.choice([1, 1, 1, 2, 4]))
        for _ in range(flips):
            at = int(rng.integers(8, tables if rng.random() < 0.8 else len(good)))
            file.data[at] ^= 1 << int(rng.integers(8))
        if file.header("activation_bytes") > MAX_ARENA:  # allowed, but more than a test should take
            continue
        data = file.sealed() if file.header("file_size") <= len(good) else bytes(file.data)
        error, other = by_reader(data), by_library(target, data)
        refused += error is not None
        same = error == other if flips == 1 else (error is None) == (other is None)
        assert same, f"seed {seed}: {error}, {other}, {data.hex()}"
    assert refused > 100
