# SPDX-License-Identifier: BSD-3-Clause
"""Published binary networks at full size, with random weights, as ONNX models: `python -m pylibbnn zoo NAME -o model.onnx`.

They are for timing and for trying tools: structure and sizes are the authors', the parameters are drawn (net.py says how).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Scale:
    """Factors on the published numbers of channels, of pixels along each side, and of blocks in a stage."""

    width: float = 1.0
    image: float = 1.0
    depth: float = 1.0

    def channels(self, published: int, unit: int = 1) -> int:
        """Return a number of channels: a multiple of `unit`, at least that."""
        return unit * max(1, round(self.width * published / unit))

    def picture(self, published: int, unit: int = 1) -> tuple[int, int, int, int]:
        """Return the shape of a square colour image, its side a multiple of `unit`, at least that."""
        side = unit * max(1, round(self.image * published / unit))
        return 1, 3, side, side

    def blocks(self, published: int) -> int:
        """Return a number of blocks."""
        return max(1, round(self.depth * published))


@dataclass(frozen=True)
class Network:
    """The function of a module of this package that builds it from a Scale; `repeats`: whether depth means something."""

    module: str
    function: str
    title: str
    repeats: bool = False


NETWORKS = {
    "bireal18": Network(
        "resnet", "bireal18", "Bi-Real Net 18 (Liu et al., ECCV 2018)", repeats=True
    ),
    "bireal18-stem": Network(
        "resnet",
        "bireal18_stem",
        "the same with PeleeNet's stem, as daBNN proposes (Zhang et al., 2019, figure 6)",
        repeats=True,
    ),
    "bmxnet-resnet18": Network(
        "resnet", "bmxnet_resnet18", "ResNet-18 of BMXNet (Yang et al., 2017)", repeats=True
    ),
    "xnor-alexnet": Network(
        "alexnet", "xnor_alexnet", "XNOR-Net AlexNet (Rastegari et al., ECCV 2016)"
    ),
    "bwn-alexnet": Network(
        "alexnet", "bwn_alexnet", "AlexNet with binary weights and real inputs (the same paper)"
    ),
    "binarynet-cifar10": Network(
        "binarynet", "binarynet_cifar10", "BinaryNet for CIFAR-10 (Courbariaux et al., 2016)"
    ),
    "reactnet-a": Network("reactnet", "reactnet_a", "ReActNet-A (Liu et al., ECCV 2020)"),
    "quicknet": Network(
        "quicknet", "quicknet", "QuickNet (Bannink et al., MLSys 2021)", repeats=True
    ),
}


def build(name: str, scale: Scale | None = None) -> onnx.ModelProto:
    """Return a network of NETWORKS: one float image [1, 3, H, W] in, scores [1, classes] out; the same bytes every time.

    Raises ValueError for names and factors that mean nothing, and for images too small for the layers.
    """
    if name not in NETWORKS:
        raise ValueError(f"there is no network '{name}'; there are {', '.join(NETWORKS)}")
    network, scale = NETWORKS[name], scale or Scale()
    for factor in ("width", "image", "depth"):
        value: float = getattr(scale, factor)
        if not 0 < value <= 16:
            raise ValueError(f"{factor} {value:g} is no factor above 0 and up to 16")
    if scale.depth != 1 and not network.repeats:
        raise ValueError(f"{name} has no stages of equal blocks: depth must be 1")
    module = import_module(f"pylibbnn.zoo.{network.module}")
    model: onnx.ModelProto = getattr(module, network.function)(scale)
    return model
