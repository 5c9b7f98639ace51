# SPDX-License-Identifier: BSD-3-Clause
"""Popcounts to floats and to bits."""

from __future__ import annotations

import pytest

import oracles
from oracles.acc import Affine, Bits
from oracles.run import check
from targets import Kernel, Target


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
