# SPDX-License-Identifier: BSD-3-Clause
"""Binary convolution and binary dense."""

from __future__ import annotations

import pytest

import oracles
from oracles.run import check
from oracles.xnor import Conv, Dense
from targets import Kernel, Target


class TestBconv128:
    SLOT = "bconv128"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Conv) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestBconv64:
    SLOT = "bconv64"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Conv) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestBconv64x2:
    SLOT = "bconv64x2"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Conv) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestBdense128:
    SLOT = "bdense128"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Dense) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestBdense64:
    SLOT = "bdense64"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Dense) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))
