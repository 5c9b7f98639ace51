# SPDX-License-Identifier: BSD-3-Clause
"""Images larger than one run or slab of ops/steps.h (224 pixels): every seam between them falls somewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from ci.paths import ROOT
from converter.dab_model import Kind, Step, Type
from model.cases import Net
from model.test_ops import compare, solved
from targets import Target

RUN = 224
PROGRAMS: dict[str, Sequence[Step]] = {
    "f32": [Step.AFFINE, Step.EMIT_F32],
    "bits": [Step.PRELU, Step.EMIT_SIGN],
    "both": [Step.AFFINE, Step.EMIT_F32, Step.ADD, Step.EMIT_BITS],
}
# (rows, columns): one long row; rows of which several, or parts, make a slab; a plane that is one row to a 1x1 kernel
SHAPES = [(1, RUN), (2, RUN + 1), (1, 2 * RUN + 3), (9, 56), (33, 7), (3, 150)]


def test_the_run_is_still_224() -> None:
    text = (ROOT / "libbnn" / "src" / "ops" / "steps.h").read_text(encoding="utf-8")
    assert re.findall(r"#define BNN_RUN (\d+)", text) == [str(RUN)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}x{shape[1]}")
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("kind", [Kind.BCONV2D, Kind.CONV2D], ids=lambda kind: kind.name.lower())
def test_convolution(
    target: Target, kind: Kind, taps: int, program: str, shape: tuple[int, int]
) -> None:
    net = Net(np.random.default_rng([*shape, taps, kind]))
    channels, outputs, pad = 5, 11, taps // 2
    binary = kind == Kind.BCONV2D
    x = net.bits(*shape, channels) if binary else net.floats(*shape, channels)
    dims = (1, outputs, taps, taps, channels)
    w = net.weights(dims, Type.W_XNOR if binary else Type.W_SIGN)
    words = [1, 1, 1, 1, *[pad] * 4, *([0] if binary else [])]
    steps = [*([Step.EMIT_INT] if binary else []), *PROGRAMS[program]]
    net.computing(kind, [x, w], (*shape, outputs), words, steps)
    compare(target, None, solved(*net.finish()), 0)


@pytest.mark.parametrize("channels", [3, 64, 130])
@pytest.mark.parametrize("program", PROGRAMS)
def test_pointwise(target: Target, program: str, channels: int) -> None:
    net = Net(np.random.default_rng(channels))
    dims = (5, 97, channels)
    net.computing(Kind.POINTWISE, [net.floats(*dims)], dims, [], [*PROGRAMS[program]])
    compare(target, None, solved(*net.finish()), 0)
