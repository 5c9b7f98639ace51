# SPDX-License-Identifier: BSD-3-Clause
"""ReActNet-A (Liu et al., ECCV 2020, section 4): MobileNet's order of blocks, RSign, RPReLU, duplicated activations."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from .layers import BinaryConv, Head, polynomial_sign, scaled_weight

SHAPE = (1, 3, 64, 64)
#: Output channels of the stem and of the 13 blocks: 1/32 of the published ones.
WIDTHS = (1, 2, 4, 4, 8, 8, *(16,) * 6, 32, 32)


class Bias(nn.Module):
    """A learnt shift per channel, spread by `expand_as` as in the published code."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.randn(1, channels, 1, 1) * 0.3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift.expand_as(x)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
    """RSign, binary convolution, BatchNorm."""
    return nn.Sequential(
        Bias(inputs),
        BinaryConv(
            inputs, outputs, kernel, stride=stride, sign=polynomial_sign, weight=scaled_weight
        ),
        nn.BatchNorm2d(outputs),
    )


def rprelu(channels: int) -> nn.Module:
    """PReLU between two shifts."""
    return nn.Sequential(Bias(channels), nn.PReLU(channels), Bias(channels))


class Block(nn.Module):
    """3x3 then 1x1, each with a shortcut; twice as many channels come from two 1x1 convolutions side by side."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.spatial = conv(inputs, inputs, 3, stride)
        self.shortcut = nn.AvgPool2d(2, 2) if stride == 2 else nn.Identity()
        self.between = rprelu(inputs)
        self.pointwise = nn.ModuleList(conv(inputs, inputs, 1) for _ in range(outputs // inputs))
        self.after = rprelu(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.between(self.spatial(x) + self.shortcut(x))
        parts = [branch(x) + x for branch in self.pointwise]
        out: Tensor = self.after(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
        return out


def build() -> nn.Module:
    """The network for images of 64x64 pixels, with few channels."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, WIDTHS[0], 3, 2, 1, bias=False),
        nn.BatchNorm2d(WIDTHS[0]),
    ]
    for index, (inputs, outputs) in enumerate(itertools.pairwise(WIDTHS)):
        stride = 2 if outputs != inputs and index > 0 else 1
        layers.append(Block(inputs, outputs, stride))
    return nn.Sequential(*layers, Head(WIDTHS[-1]))
