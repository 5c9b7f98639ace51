# SPDX-License-Identifier: BSD-3-Clause
"""Packing floats to bits, and unpacking."""

from __future__ import annotations

import pytest

import oracles
from oracles.pack import Shape
from oracles.run import check
from targets import Kernel, Target


class TestPackSign:
    SLOT = "pack_sign"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestPackThreshold:
    SLOT = "pack_threshold"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestUnpack:
    SLOT = "unpack"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
