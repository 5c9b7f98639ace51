# SPDX-License-Identifier: BSD-3-Clause
"""The chain: panels of activations, weights, products."""

from __future__ import annotations

import pytest

import oracles
from oracles.chain import Panel, Product, Weights
from oracles.run import check
from targets import Kernel, Target

BY_WORD = ("avx512",)  # sets whose weights are in x86's order


class TestChainPanel:
    SLOT = "chain_panel"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Panel) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestChainWeights:
    SLOT = "chain_weights"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Weights) -> None:
        shape = shape._replace(by_word=kernel.isa in BY_WORD)
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestBchain:
    SLOT = "bchain"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Product) -> None:
        shape = shape._replace(by_word=kernel.isa in BY_WORD)
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestChainPanel64:
    SLOT = "chain_panel64"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Panel) -> None:
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestChainWeights64:
    SLOT = "chain_weights64"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Weights) -> None:
        shape = shape._replace(by_word=kernel.isa in BY_WORD)
        check(kernel, target, oracles.build(self.SLOT, shape))


class TestBchain64:
    SLOT = "bchain64"

    @pytest.mark.parametrize("shape", oracles.SHAPES[SLOT], ids=oracles.shape_id)
    def test_kernel(self, kernel: Kernel, target: Target, shape: Product) -> None:
        shape = shape._replace(by_word=kernel.isa in BY_WORD)
        check(kernel, target, oracles.build(self.SLOT, shape))
