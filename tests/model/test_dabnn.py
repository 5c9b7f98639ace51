# SPDX-License-Identifier: BSD-3-Clause
"""An old daBNN model, converted, gives daBNN's outputs in daBNN's layout on every machine."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from converter import dab, lower, passes, sources
from converter.dab_model import Kind
from legacy_dab import LegacyModel
from model.test_networks import run
from targets import Target

pytest.importorskip("flatbuffers")
Array = npt.NDArray[Any]


@lru_cache
def block(version: int) -> LegacyModel:
    """Float stem, two binary convolutions with a shortcut, and 4 x 4 x 64 outputs."""
    rng = np.random.default_rng(version)
    model = LegacyModel((1, 8, 8, 3), version)

    def affine(x: str, output: str) -> str:
        a, b = (
            model.array(f"{output}_{n}", rng.standard_normal(64).astype(np.float32)) for n in "ab"
        )
        return model.layer("Affine", input=x, a=a, b=b, output=output)

    w = model.array("stem_w", rng.standard_normal((64, 3, 3, 3)).astype(np.float32))
    x = model.layer(
        "FpConv2D", input="image", weight=w, pads=[1] * 4, strides=[2, 2], output="stem"
    )
    x = affine(x, "stem_bn")
    for name in ("a", "b"):
        if version == 1:
            model.layer("Binarize", input=x, output=f"{x}_bin")
        w = model.array(f"{name}_w", rng.choice(np.array([-1, 1], np.int8), (64, 3, 3, 64)))
        given = f"{x}_bin" if version == 1 else x
        y = model.layer("BinConv2D", input=given, weight=w, pads=[1] * 4, output=f"{name}_conv")
        x = model.layer("Add", input1=affine(y, f"{name}_bn"), input2=x, output=f"{name}_sum")
    return model


@lru_cache
def converted(version: int, folder: Path) -> bytes:
    """Convert as the command line does by default."""
    path = folder / "old.dab"
    path.write_bytes(block(version).file())
    graph = sources.load(path)
    passes.run(graph, passes.Mode.AGGRESSIVE)
    return lower.lower(graph, {"producer": "test"})


@pytest.mark.parametrize("version", [1, 2])
def test_run(
    version: int, target: Target, isa: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = converted(version, tmp_path_factory.getbasetemp())
    kinds = [op.kind for op in dab.read(data).ops]
    assert kinds.count(Kind.BCONV2D) == 2
    images = np.random.default_rng(3).standard_normal((3, 8, 8, 3)).astype(np.float32)
    expected = np.stack([block(version).run(image)["b_sum"] for image in images])
    found = run(target, data, images, isa)
    assert found.shape == (3, 4, 4, 64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
