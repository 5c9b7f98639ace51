# SPDX-License-Identifier: BSD-3-Clause
"""The size of the image that a symbol does not say: the most usual one that the network can take."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx

from converter.errors import ConversionError
from converter.mxnet.context import UnknownShapeError
from converter.ops.registry import Shape

#: Square images that networks are trained on: MNIST, CIFAR, Tiny ImageNet, STL-10, ImageNet and its reductions.
USUAL = (28, 32, 64, 96, 112, 128, 160, 192, 224, 227, 256, 299)

Translate = Callable[[Mapping[str, Shape]], onnx.ModelProto]


def with_guess(
    translate: Translate, shapes: Mapping[str, Shape], notes: list[str]
) -> onnx.ModelProto:
    """What `translate` gives for these shapes, completed by a guess if exactly one image is missing, which `notes` then says.

    The first fully connected layer admits few sizes, often one; where there is none, the first convolution says which data
    it is for: one that halves the image at once is for ImageNet, and a single channel is MNIST's.
    """
    try:
        return translate(shapes)
    except UnknownShapeError as error:
        unknown = error
    if unknown.channels is None:
        raise unknown
    expected = 224 if unknown.stride > 1 else 28 if unknown.channels == 1 else 32
    for size in sorted(USUAL, key=lambda usual: abs(usual - expected)):
        shape = (1, unknown.channels, size, size)
        try:
            model = translate({**shapes, unknown.name: shape})
        except UnknownShapeError:
            break
        except ConversionError:
            continue
        text = ",".join(map(str, shape))
        notes.append(
            f"the symbol does not say the shape of input '{unknown.name}'; taken is {text}, a usual one that fits "
            f"(another: --input-shape {unknown.name}=1,{unknown.channels},H,W)"
        )
        return model
    raise unknown
