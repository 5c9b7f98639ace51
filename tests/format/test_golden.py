# SPDX-License-Identifier: BSD-3-Clause
"""The golden files: the writer still makes them, both readers accept them, and they run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converter import dab, dab_run
from converter.dab_model import Kind, Step, Type
from format.golden import FILES
from targets import Target

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", FILES)
def test_writer_reproduces(name: str) -> None:
    assert dab.write(FILES[name]()) == (HERE / f"{name}.dab").read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_reader_and_writer_are_inverse(name: str) -> None:
    data = (HERE / f"{name}.dab").read_bytes()
    assert dab.write(dab.read(data)) == data


def test_the_files_have_everything() -> None:
    models = [dab.read((HERE / f"{name}.dab").read_bytes()) for name in FILES]
    assert {op.kind for model in models for op in model.ops} == set(Kind)
    assert {t.type for model in models for t in model.tensors} == set(Type)
    used = {step for model in models for op in model.ops for step in op.steps}
    assert used == set(Step) - {Step.END}


def test_names_and_metadata() -> None:
    model = dab.read((HERE / "all_ops.dab").read_bytes())
    assert model.metadata == {"producer": "tests", "source": "golden.py", "mode": "strict"}
    assert model.tensors[model.inputs[0]].name == "Bild \u00e4"
    assert model.ops[4].name == "stem"


@pytest.mark.parametrize("name", FILES)
def test_runs(target: Target, isa: str | None, name: str) -> None:
    data = (HERE / f"{name}.dab").read_bytes()
    model = dab.read(data)
    rng = np.random.default_rng(3)
    shapes = [model.tensors[index].dims for index in model.inputs]
    inputs = [rng.integers(-9, 10, shape).astype(np.float32) for shape in shapes]
    for want, got in zip(dab_run.run(model, inputs), target.run(data, inputs, isa), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6 * float(np.abs(want).max()))
