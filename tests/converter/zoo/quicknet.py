# SPDX-License-Identifier: BSD-3-Clause
"""QuickNet (Bannink et al., MLSys 2021, section 4): depthwise stem, residual blocks conv-ReLU-BN, blurred pools."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import BinaryConv, Head, shifted_sign

SHAPE = (1, 3, 48, 48)


class Residual(nn.Module):
    """x + BN(relu(conv(sign(x)))), with a border of +1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = BinaryConv(width, width, sign=shifted_sign, weight=shifted_sign, border=1.0)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.norm(torch.relu(self.conv(x)))
        return out


def transition(inputs: int, outputs: int) -> list[nn.Module]:
    """ReLU, max-pool of stride 1, depthwise blur of stride 2, 1x1 convolution: all in floats."""
    blur = nn.Conv2d(inputs, inputs, 3, 2, 1, groups=inputs, bias=False)
    line = torch.tensor([0.25, 0.5, 0.25])
    blur.weight.data = torch.outer(line, line).expand(inputs, 1, 3, 3).contiguous()
    return [
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        blur,
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
    ]


def build() -> nn.Module:
    """The stem and two sections."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, 2, 1, groups=8, bias=False),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 12, 1, bias=False),
        nn.BatchNorm2d(12),
        Residual(12),
        Residual(12),
        *transition(12, 16),
        Residual(16),
        Residual(16),
        nn.ReLU(),
        Head(16),
    )
