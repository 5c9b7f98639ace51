# SPDX-License-Identifier: BSD-3-Clause
"""Real-to-Binary (Martinez et al., ICLR 2020, sections 3 and 4.3): a binary convolution is scaled by its own input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import BinaryConv, Head, identity_sign

SHAPE = (1, 3, 32, 32)


class Gate(nn.Module):
    """A factor per channel from the global average: two dense layers and a sigmoid."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(inputs, max(inputs // 4, 2))
        self.excite = nn.Linear(max(inputs // 4, 2), outputs)

    def forward(self, x: Tensor) -> Tensor:
        factors = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean((2, 3))))))
        return factors[:, :, None, None]


class Block(nn.Module):
    """BN, sign, convolution times gate, PReLU, plus the input."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = BinaryConv(inputs, outputs, stride=stride, sign=identity_sign)
        self.gate = Gate(inputs, outputs)
        self.activate = nn.PReLU(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.norm(x)) * self.gate(x)
        out: Tensor = self.activate(y) + self.shortcut(x)
        return out


def build() -> nn.Module:
    """Stem and four blocks."""
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1, bias=False),
        nn.BatchNorm2d(12),
        nn.PReLU(12),
        Block(12, 12, 1),
        Block(12, 16, 2),
        Block(16, 16, 1),
        Block(16, 20, 2),
        Head(20),
    )
