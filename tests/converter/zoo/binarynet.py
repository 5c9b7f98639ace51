# SPDX-License-Identifier: BSD-3-Clause
"""BinaryNet for CIFAR-10 (Courbariaux et al., 2016, section 2.3): conv, max-pool, BatchNorm, hardtanh, sign."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from .layers import clipped_sign

SHAPE = (1, 3, 16, 16)


class SignConv(nn.Conv2d):
    """Binary weights, float bias; the input is made binary unless it is a picture."""

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.in_channels == 3 else clipped_sign(x)
        return F.conv2d(x, torch.sign(self.weight), self.bias, self.stride, self.padding)


class SignLinear(nn.Linear):
    """The same for a dense layer."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(clipped_sign(x), torch.sign(self.weight), self.bias)


def build() -> nn.Module:
    """The network for images of 16x16 pixels, with few channels, without the LogSoftmax of its loss."""
    layers: list[nn.Module] = []
    inputs = 3
    for index, outputs in enumerate((8, 8, 12, 12, 16, 16)):
        layers.append(SignConv(inputs, outputs, 3, padding=1))
        if index % 2:
            layers.append(nn.MaxPool2d(2))
        layers += [nn.BatchNorm2d(outputs), nn.Hardtanh()]
        inputs = outputs
    layers.append(nn.Flatten())
    for width, outputs in ((64, 72), (72, 72)):
        layers += [SignLinear(width, outputs), nn.BatchNorm1d(outputs), nn.Hardtanh()]
    return nn.Sequential(*layers, SignLinear(72, 10), nn.BatchNorm1d(10, affine=False))
