# SPDX-License-Identifier: BSD-3-Clause
"""What the architectures of this folder share: signs as training code spells them, binary convolutions, random parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

Function = Callable[[Tensor], Tensor]


# -- signs of activations ------------------------------------------------------------------------
def polynomial_sign(x: Tensor) -> Tensor:
    """Sign with the gradient of a piecewise polynomial (Bi-Real Net, section 3.3), all of which stays in the exported graph."""
    below, negative, small = (
        (x < -1).to(x.dtype),
        (x < 0).to(x.dtype),
        (x < 1).to(x.dtype),
    )
    left = -1.0 * below + (x * x + 2 * x) * (1 - below)
    middle = left * negative + (2 * x - x * x) * (1 - negative)
    surrogate = middle * small + 1.0 * (1 - small)
    return torch.sign(x).detach() - surrogate.detach() + surrogate


def clipped_sign(x: Tensor) -> Tensor:
    """Sign with the gradient of hardtanh: sign(x) - clip(x) + clip(x)."""
    clipped = torch.clamp(x, -1.0, 1.0)
    return torch.sign(x).detach() - clipped.detach() + clipped


def identity_sign(x: Tensor) -> Tensor:
    """Sign with the gradient of x itself, which has no bounds: x + (sign(x) - x)."""
    return x + (torch.sign(x) - x).detach()


def masked_sign(x: Tensor) -> Tensor:
    """Sign, then +1 where it gave 0, by assignment."""
    sign = torch.sign(x)
    sign[sign == 0] = 1.0
    return sign


def patched_sign(x: Tensor) -> Tensor:
    """Sign, then +1 where it gave 0 (bitorch)."""
    sign = torch.sign(x)
    return torch.where(sign == 0, torch.tensor(1.0), sign)


def shifted_sign(x: Tensor) -> Tensor:
    """sign(sign(x) + 0.1), never 0 (larq)."""
    return torch.sign(torch.sign(x) + 0.1)


# -- binary weights ------------------------------------------------------------------------------
def scaled_weight(w: Tensor) -> Tensor:
    """sign(w) * mean|w| per output channel, with the gradient of clip (Bi-Real Net, section 3.3)."""
    scale = w.abs().mean(3, keepdim=True).mean(2, keepdim=True).mean(1, keepdim=True).detach()
    binary = scale * torch.sign(w)
    clipped = torch.clamp(w, -1.0, 1.0)
    return binary.detach() - clipped.detach() + clipped


class BinaryConv(nn.Module):
    """A convolution of signs: `border` None pads as the convolution does (with 0), a number goes through a Pad."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        *,
        stride: int = 1,
        sign: Function = torch.sign,
        weight: Function = torch.sign,
        border: float | None = None,
    ) -> None:
        super().__init__()
        self.latent = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) * 0.3)
        self.sign, self.weight, self.border = sign, weight, border
        self.stride, self.pad = stride, kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        x, pad = self.sign(x), self.pad
        if self.border is not None and pad:
            x, pad = F.pad(x, (pad,) * 4, value=self.border), 0
        return F.conv2d(x, self.weight(self.latent), stride=self.stride, padding=pad)


class Head(nn.Module):
    """Global average, then the classifier, in floats."""

    def __init__(self, inputs: int, classes: int = 10) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classify(torch.flatten(self.pool(x), 1))
        return logits


# -- parameters ----------------------------------------------------------------------------------
def randomise(model: nn.Module, shape: tuple[int, ...]) -> None:
    """Values as training leaves them for BatchNorm, PReLU and biases: statistics of real activations, factors of both signs."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = None  # the mean over all batches
    model.train()
    with torch.no_grad():
        for _ in range(4):
            model(torch.randn(8, *shape[1:]))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                module.running_var.mul_(torch.rand_like(module.running_var) + 0.5).add_(0.01)
                if module.affine:
                    flip = torch.where(torch.rand_like(module.weight) < 0.2, -1.0, 1.0)
                    module.weight.copy_(flip * (torch.rand_like(module.weight) + 0.5))
                    module.bias.normal_(std=0.3)
            elif isinstance(module, nn.PReLU):
                module.weight.uniform_(0.05, 0.5)
            elif getattr(module, "bias", None) is not None:
                module.bias.normal_(std=0.3)
    model.eval()
