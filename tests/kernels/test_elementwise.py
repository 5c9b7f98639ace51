# SPDX-License-Identifier: BSD-3-Clause
"""Accumulation of rows: maximum and sum of floats, maximum of bits."""

from __future__ import annotations

import pytest

import oracles
from oracles.elementwise import Shape
from oracles.run import check
from targets import Kernel, Target


class TestMaxF32:
    SLOT = "max_f32"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestAddF32:
    SLOT = "add_f32"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestMaxBits:
    SLOT = "max_bits"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
