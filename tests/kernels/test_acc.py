# SPDX-License-Identifier: BSD-3-Clause
"""Accumulators: their start, and what becomes of them."""

from __future__ import annotations

import pytest

import oracles
from oracles.acc import Affine, Bits, Row, Start
from oracles.run import check
from targets import Kernel, Target


class TestAccStart:
    SLOT = "acc_start"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Start) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestAccAffineRow:
    SLOT = "acc_affine_row"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Row) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestAccAffine:
    SLOT = "acc_affine"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Affine) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestAccBits:
    SLOT = "acc_bits"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Bits) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
