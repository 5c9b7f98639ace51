# SPDX-License-Identifier: BSD-3-Clause
"""8-bit numbers: from and to floats, dot products with 8-bit and with binary weights."""

from __future__ import annotations

import pytest

import oracles
from oracles.int8 import Dot, Limits, Sums, Tile
from oracles.run import check
from targets import Kernel, Target


class TestPackI8:
    SLOT = "pack_i8"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Tile) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestLimitsF32:
    SLOT = "limits_f32"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Limits) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestUnpackI8:
    SLOT = "unpack_i8"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Tile) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestDotS8:
    SLOT = "dot_s8"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Dot) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestDotSign:
    SLOT = "dot_sign"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Dot) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestSumAffine:
    SLOT = "sum_affine"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Sums) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
