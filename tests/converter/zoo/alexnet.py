# SPDX-License-Identifier: BSD-3-Clause
"""XNOR-Net AlexNet (Rastegari et al., ECCV 2016, sections 3.2 and 4): BatchNorm, sign, convolution, ReLU; with or without K."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

SHAPE = (1, 3, 115, 115)


class BinaryLayer(nn.Module):
    """BN-sign-conv-ReLU, weights folded to +-alpha as the training code leaves them.

    `scaled`: the result is multiplied by K, the mean magnitude of the input under each window (equation 11).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, pad: int = 0, scaled: bool = False
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs, eps=1e-4)
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=pad)
        weight = self.conv.weight.data
        centred = (weight - weight.mean(1, keepdim=True)).clamp(-1, 1)
        self.conv.weight.data = centred.sign() * centred.abs().mean((1, 2, 3), keepdim=True)
        self.scaled = scaled
        self.window = (kernel, pad)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        y: Tensor = self.conv(torch.sign(x))
        if self.scaled:
            kernel, pad = self.window
            box = torch.full((1, 1, kernel, kernel), 1 / kernel**2)
            y = y * F.conv2d(x.abs().mean(1, keepdim=True), box, padding=pad)
        return torch.relu(y)


class BinaryLinear(nn.Module):
    """BN-sign-linear-ReLU."""

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs, eps=1e-4)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(inputs, outputs)
        weight = self.linear.weight.data
        self.linear.weight.data = weight.sign() * weight.abs().mean(1, keepdim=True)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.linear(torch.sign(self.dropout(self.norm(x)))))


def build(scaled: bool = False) -> nn.Module:
    """The network for images of 115x115 pixels, with few channels."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 11, 4),
        nn.BatchNorm2d(8, eps=1e-4),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        BinaryLayer(8, 12, 5, 2, scaled),
        nn.MaxPool2d(3, 2),
        BinaryLayer(12, 16, 3, 1, scaled),
        BinaryLayer(16, 16, 3, 1, scaled),
        BinaryLayer(16, 12, 3, 1, scaled),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        BinaryLinear(48, 40),
        BinaryLinear(40, 40, 0.5),
        nn.BatchNorm1d(40, eps=1e-3),
        nn.Dropout(),
        nn.Linear(40, 10),
    )


def build_scaled() -> nn.Module:
    """The same with input scaling."""
    return build(scaled=True)
