# SPDX-License-Identifier: BSD-3-Clause
"""Pooling: windows of floats, rows of bits."""

from __future__ import annotations

import pytest

import oracles
from oracles.pool import Row, Shape
from oracles.run import check
from targets import Kernel, Target


class TestPoolMax:
    SLOT = "pool_max"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestPoolAverage:
    SLOT = "pool_average"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestMaxBits:
    SLOT = "max_bits"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Row) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
