# SPDX-License-Identifier: BSD-3-Clause
"""Copies of tiles, straight and transposed."""

from __future__ import annotations

import pytest

import oracles
from oracles.copy import Shape
from oracles.run import check
from targets import Kernel, Target


class TestCopyF32:
    SLOT = "copy_f32"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestCopyI8:
    SLOT = "copy_i8"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestTransposeF32:
    SLOT = "transpose_f32"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
