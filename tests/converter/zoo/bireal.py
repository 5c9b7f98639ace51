# SPDX-License-Identifier: BSD-3-Clause
"""Bi-Real Net 18 (Liu et al., ECCV 2018, section 3): a shortcut around every binary 3x3 convolution."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import BinaryConv, Head, polynomial_sign, scaled_weight

SHAPE = (1, 3, 64, 64)
WIDTHS = (6, 8, 12, 16)


class Block(nn.Module):
    """sign, convolution, BatchNorm, plus the input: through AvgPool and a float 1x1 convolution where the size changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv = BinaryConv(
            inputs, outputs, stride=stride, sign=polynomial_sign, weight=scaled_weight
        )
        self.norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(2, stride),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x)) + self.shortcut(x)
        return out


def build() -> nn.Module:
    """The network for images of 64x64 pixels, with few channels."""
    layers: list[nn.Module] = [
        nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False),
        nn.BatchNorm2d(WIDTHS[0]),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = WIDTHS[0]
    for outputs in WIDTHS:
        for index in range(4):
            stride = 2 if index == 0 and outputs != WIDTHS[0] else 1
            layers.append(Block(inputs, outputs, stride))
            inputs = outputs
    return nn.Sequential(*layers, Head(inputs))
