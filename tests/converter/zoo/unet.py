# SPDX-License-Identifier: BSD-3-Clause
"""A U-Net (Ronneberger et al., 2015) of binary convolutions.

Its features grow again by bilinear and nearest resizing and by a transposed convolution.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from .layers import BinaryConv, polynomial_sign, scaled_weight

SHAPE = (1, 3, 40, 32)
WIDTHS = (6, 8, 10, 12)


def stage(inputs: int, outputs: int) -> nn.Module:
    """Two binary convolutions with BatchNorm and PReLU."""
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [
            nn.BatchNorm2d(width),
            BinaryConv(width, outputs, sign=polynomial_sign, weight=scaled_weight),
            nn.PReLU(outputs),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Three levels down and up, skip connections by concatenation, logits for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTHS[0], 3, 1, 1)
        self.down = nn.ModuleList(
            stage(*pair) for pair in zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)
        )
        self.shrink = nn.MaxPool2d(2)
        self.grow = nn.ModuleList(
            [
                nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
                nn.ConvTranspose2d(WIDTHS[2], WIDTHS[2], 2, 2),
                nn.Upsample(scale_factor=2, mode="nearest"),
            ]
        )
        pairs = list(itertools.pairwise(WIDTHS))[::-1]
        self.up = nn.ModuleList(stage(low + high, low) for low, high in pairs)
        self.classify = nn.Conv2d(WIDTHS[0], 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        skips: list[Tensor] = []
        for index, down in enumerate(self.down):
            x = down(x if index == 0 else self.shrink(x))
            skips.append(x)
        for grow, up, skip in zip(self.grow, self.up, skips[-2::-1], strict=True):
            x = up(torch.cat([grow(x), skip], dim=1))
        logits: Tensor = self.classify(x)
        return logits


def build() -> nn.Module:
    """The network for images of 40x32 pixels."""
    return UNet()
