# SPDX-License-Identifier: BSD-3-Clause
"""MeliusNet (Bethge et al., 2020, section 3): a dense block adds channels, an improvement block adds onto the newest ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import BinaryConv, Head, masked_sign

SHAPE = (1, 3, 48, 48)
GROWTH = 8


class Melius(nn.Module):
    """Dense block, then improvement block."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in (inputs, inputs + GROWTH))
        self.convs = nn.ModuleList(
            BinaryConv(n, GROWTH, sign=masked_sign, weight=masked_sign, border=-1.0)
            for n in (inputs, inputs + GROWTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x, self.convs[0](self.norms[0](x))], dim=1)
        y = self.convs[1](self.norms[1](x))
        return torch.cat([x[:, :-GROWTH], x[:, -GROWTH:] + y], dim=1)


def build() -> nn.Module:
    """The grouped stem, two stages of blocks with a transition between them."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, 1, 1, groups=4, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, 1, 1, groups=8, bias=False),
        nn.MaxPool2d(3, 2, 1),
        Melius(16),
        Melius(24),
        nn.BatchNorm2d(32),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 130, 1, groups=2, bias=False),
        Melius(130),
        nn.BatchNorm2d(138),
        nn.ReLU(),
        Head(138),
    )
