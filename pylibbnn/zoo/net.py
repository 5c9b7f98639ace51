# SPDX-License-Identifier: BSD-3-Clause
"""What the networks are made of: layers with random parameters, each method adding nodes and returning its result's name.

Parameters are multiples of powers of two, of few digits, and BatchNorm's variance plus epsilon is a power of 4. So most sums
are exact in any order, and a sign seldom depends on how an implementation rounds: results can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from converter.graph import Array
from converter.onnx_build import ModelBuilder
from pylibbnn.zoo import Scale

SEED = 18
EPSILON = 2.0**-16  # of BatchNorm, as a share of the variance
CLASSES = 1000


def _power(value: float) -> float:
    """Return the power of two next to a value."""
    return float(2.0 ** np.round(np.log2(value)))


class Net:
    """A network that grows layer by layer."""

    def __init__(self, name: str, shape: tuple[int, ...], scale: Scale | None = None) -> None:
        """`shape`: of the image, [1, C, H, W]."""
        self.scale = scale or Scale()
        self.rng = np.random.default_rng(SEED)
        self.builder = ModelBuilder(name)
        self.image = self.builder.add_input("image", shape)
        self._numbers: Counter[str] = Counter()

    def channels(self, x: str) -> int:
        """Return a tensor's number of channels."""
        return self.builder.shape(x)[1]

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; its name and its result's is the kind with a number."""
        self._numbers[kind] += 1
        return self.builder.emit(
            kind, inputs, [f"{kind.lower()}_{self._numbers[kind]}"], **attributes
        )

    def constant(self, name: str, values: Array | float) -> str:
        """Add a float constant."""
        return self.builder.constant(name, np.asarray(values, np.float32))

    def done(self, x: str) -> onnx.ModelProto:
        """Return the model, whose output is x under the name "scores"."""
        return self.builder.model([self.builder.emit("Identity", [x], ["scores"])])

    # -- parameters ----------------------------------------------------------------------------------
    def _reals(self, shape: Sequence[int], spread: float) -> Array:
        """Normal numbers of a standard deviation near `spread`, rounded to an eighth of it."""
        step = _power(spread) / 8
        drawn = np.round(self.rng.standard_normal(shape, np.float32) * (spread / step)) * step
        return np.asarray(drawn, np.float32)

    def _factors(self, count: int, size: float) -> Array:
        """Positive factors around a power of two near `size`: 3/4 to 5/4 of it."""
        return np.asarray(self.rng.integers(6, 11, count) * (_power(size) / 8), np.float32)

    def _weight(self, shape: Sequence[int], alpha: bool | None) -> str:
        """Weights [O, ...]. alpha: None for real ones, True for +-alpha[o], False for +-1."""
        spread = float(np.prod(shape[1:])) ** -0.5
        if alpha is None:
            return self.constant("weight", self._reals(shape, spread))
        signs = self.rng.integers(0, 2, shape, np.int8) * np.float32(2) - np.float32(1)
        if alpha:
            signs *= self._factors(shape[0], spread).reshape(-1, *[1] * (len(shape) - 1))
        return self.constant("weight", signs)

    # -- layers --------------------------------------------------------------------------------------
    def conv(
        self,
        x: str,
        outputs: int,
        kernel: int,
        stride: int = 1,
        pad: int = 0,
        *,
        groups: int = 1,
        alpha: bool | None = None,
        bias: bool = False,
    ) -> str:
        """A convolution, square, with zero padding. For alpha see `_weight`."""
        weight = self._weight((outputs, self.channels(x) // groups, kernel, kernel), alpha)
        extra = [self.constant("bias", self._reals([outputs], 0.25))] if bias else []
        return self.op(
            "Conv",
            x,
            weight,
            *extra,
            strides=[stride] * 2,
            pads=[pad] * 4,
            group=groups,
            kernel_shape=[kernel] * 2,
        )

    def dense(self, x: str, outputs: int, *, alpha: bool | None = None) -> str:
        """A dense layer with bias."""
        weight = self._weight((outputs, self.channels(x)), alpha)
        return self.op(
            "Gemm", x, weight, self.constant("bias", self._reals([outputs], 0.25)), transB=1
        )

    def sign(self, x: str) -> str:
        """x < 0 ? -1 : 1."""
        zero, minus, plus = (
            self.constant(name, value) for name, value in (("zero", 0), ("minus", -1), ("plus", 1))
        )
        return self.op("Where", self.op("Less", x, zero), minus, plus)

    def pad(self, x: str, pixels: int, value: float) -> str:
        """A border around the image."""
        pads = self.builder.constant(
            "pads", np.array([0, 0, pixels, pixels, 0, 0, pixels, pixels], np.int64)
        )
        return self.op("Pad", x, pads, self.constant("border", value))

    def norm(self, x: str, spread: float = 1.0, mean: float = 0.0, affine: bool = True) -> str:
        """BatchNorm for an input of about this mean and spread; one factor in five is negative. `affine`: it has some."""
        count, power = self.channels(x), _power(spread) ** 2
        ones, zeros = np.ones(count), np.zeros(count)
        flips = np.where(self.rng.random(count) < 0.2, -1, 1)
        return self.op(
            "BatchNormalization",
            x,
            self.constant("gamma", self._factors(count, 1) * flips if affine else ones),
            self.constant("beta", self._reals([count], 0.25) if affine else zeros),
            self.constant("mean", self._reals([count], 0.25 * spread) + round(mean)),
            self.constant("variance", ones * power * (1 - EPSILON)),
            epsilon=power * EPSILON,
        )

    def relu(self, x: str) -> str:
        """max(x, 0)."""
        return self.op("Relu", x)

    def add(self, x: str, y: str) -> str:
        """x + y."""
        return self.op("Add", x, y)

    def max_pool(self, x: str, kernel: int, stride: int, pad: int = 0) -> str:
        """Largest values under a square window. Raises ValueError where the image is smaller."""
        if min(self.builder.shape(x)[2:]) + 2 * pad < kernel:
            raise ValueError(f"image {self.scale.image:g} is too small for the network's layers")
        return self.op(
            "MaxPool", x, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4
        )

    def average_pool(self, x: str) -> str:
        """Means of 2x2 pixels."""
        return self.op("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])

    def bias(self, x: str) -> str:
        """x plus a number per channel."""
        return self.add(x, self.constant("shift", self._reals([1, self.channels(x), 1, 1], 0.25)))

    def prelu(self, x: str) -> str:
        """PReLU with a slope of 3/16 to 5/16 per channel."""
        slopes = self._factors(self.channels(x), 0.25).reshape(-1, 1, 1)
        return self.op("PRelu", x, self.constant("slope", slopes))

    def flat(self, x: str) -> str:
        """[1, C, H, W] as [1, C * H * W]."""
        return self.op("Flatten", x, axis=1)

    def head(self, x: str, classes: int = CLASSES) -> onnx.ModelProto:
        """The mean over the image, the classifier, the end."""
        return self.done(self.dense(self.flat(self.op("GlobalAveragePool", x)), classes))
