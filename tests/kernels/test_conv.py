# SPDX-License-Identifier: BSD-3-Clause
"""Float convolution, with float and with binary weights."""

from __future__ import annotations

import pytest

import oracles
from oracles.conv import Shape
from oracles.run import check
from targets import Kernel, Target


class TestConvF32:
    SLOT = "conv_f32"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestConvSign:
    SLOT = "conv_sign"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Shape) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
