# SPDX-License-Identifier: BSD-3-Clause
"""BinaryDenseNet 28 (Bethge et al., 2019, section 4): each binary convolution sees all earlier features, side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import BinaryConv, Head, patched_sign

SHAPE = (1, 3, 64, 64)
GROWTH = 3


class DenseLayer(nn.Module):
    """BatchNorm, sign, 3x3 convolution with a border of -1; its output joins its input."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = BinaryConv(inputs, GROWTH, sign=patched_sign, weight=patched_sign, border=-1.0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(self.norm(x))], dim=1)


def transition(inputs: int, outputs: int) -> list[nn.Module]:
    """Fewer channels and pixels, in floats."""
    return [
        nn.BatchNorm2d(inputs),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, 1, bias=False),
    ]


def build() -> nn.Module:
    """The network for images of 64x64 pixels, with few channels; the numbers of layers are the published ones."""
    width = 6
    layers: list[nn.Module] = [
        nn.Conv2d(3, width, 7, 2, 3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    for index, count in enumerate((6, 6, 6, 5)):
        for _ in range(count):
            layers.append(DenseLayer(width))
            width += GROWTH
        if index < 3:
            layers += transition(width, width // 2)
            width //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), Head(width))
