# SPDX-License-Identifier: BSD-3-Clause
"""Images whose size an MXNet symbol does not say: a usual one that fits is taken, and the report says which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmxnet import SymbolWriter, write_params
from converter import passes, sources
from converter.errors import ConversionError


def load(folder: Path, channels: int, stride: int, features: int | None) -> tuple[list[int], str]:
    """Shape and warning of conv 3x3 -> pooling -> dense of that many features (None: global pooling, any image fits)."""
    symbol = SymbolWriter("attrs")
    x = symbol.node(
        "Convolution",
        "conv",
        [symbol.variable("data"), symbol.variable("w")],
        num_filter=2,
        kernel=(3, 3),
        stride=(stride, stride),
        no_bias=True,
    )
    attrs = {"global_pool": True} if features is None else {"stride": (2, 2)}
    x = symbol.node("Pooling", "pool", [x], pool_type="max", kernel=(2, 2), **attrs)
    symbol.node("FullyConnected", "fc", [x, symbol.variable("v")], num_hidden=1, no_bias=True)
    (folder / "net-symbol.json").write_bytes(symbol.json())
    arrays = {"w": (2, channels, 3, 3), "v": (1, features or 2)}
    params = {name: np.ones(shape, np.float32) for name, shape in arrays.items()}
    (folder / "net.params").write_bytes(write_params(params))
    graph = sources.load(folder / "net-symbol.json", folder / "net.params")
    (warning,) = passes.run(graph).warnings
    return list(graph.shape("data")), warning


@pytest.mark.parametrize(
    ("channels", "stride", "features", "size"),
    [
        (3, 1, None, 32),
        (1, 1, None, 28),
        (3, 2, None, 224),
        (3, 1, 2 * 13 * 13, 28),
        (3, 1, 2 * 15 * 15, 32),
        (1, 1, 2 * 31 * 31, 64),
        (5, 2, 2 * 56 * 56, 227),
    ],
)
def test_usual_size(
    channels: int, stride: int, features: int | None, size: int, tmp_path: Path
) -> None:
    shape, warning = load(tmp_path, channels, stride, features)
    assert shape == [1, channels, size, size]
    assert f"taken is 1,{channels},{size},{size}" in warning
    assert f"--input-shape data=1,{channels},H,W" in warning


def test_none_fits(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="give --input-shape data=1,3,H,W"):
        load(tmp_path, 3, 1, 7)
