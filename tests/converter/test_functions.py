# SPDX-License-Identifier: BSD-3-Clause
"""Functions of FUNCTION steps against float64: the errors that docs/dab-format.md states, in units in the last place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ci.paths import ROOT
from converter.functions import Function, apply

Array = npt.NDArray[Any]
RNG = np.random.default_rng(5)
#: Dense where functions bend, and over all magnitudes.
POINTS = np.concatenate(
    [
        *(RNG.uniform(-limit, limit, 100_000) for limit in (1, 10, 90)),
        *(sign * np.exp(RNG.uniform(-80, 80, 50_000)) for sign in (1, -1)),
    ]
).astype(np.float32)


def sigmoid(x: Array) -> Array:
    return np.where(
        x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))
    )


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


EXACT: dict[Function, Callable[[Array], Array]] = {
    Function.ABS: np.abs,
    Function.SQRT: np.sqrt,
    Function.RECIPROCAL: np.reciprocal,
    Function.FLOOR: np.floor,
    Function.CEIL: np.ceil,
    Function.ROUND: np.rint,
    Function.EXP: np.exp,
    Function.LOG: np.log,
    Function.SIGMOID: sigmoid,
    Function.TANH: np.tanh,
    Function.ERF: np.vectorize(math.erf),
    Function.ELU: lambda x: np.where(x >= 0, x, np.expm1(np.minimum(x, 0))),
    Function.SOFTPLUS: softplus,
    Function.SWISH: lambda x: x * sigmoid(x),
    Function.HARD_SWISH: lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    Function.MISH: lambda x: x * np.tanh(softplus(x)),
}


def stated() -> dict[Function, float]:
    """The table of section 4.1: code, function, ..., error."""
    text = (ROOT / "docs" / "dab-format.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|.*\| ([0-9.]+) \|$", text, flags=re.MULTILINE)
    table = {
        Function[name]: float(error) for code, name, error in rows if Function[name] == int(code)
    }
    assert set(table) == set(Function)
    return table


@pytest.mark.parametrize("function", Function, ids=lambda function: function.name.lower())
def test_error(function: Function) -> None:
    """Where the result is a normal number; in units of at least 2^-24 where there is cancellation."""
    x = np.abs(POINTS) if function in (Function.SQRT, Function.LOG) else POINTS
    with np.errstate(all="ignore"):
        want = EXACT[function](x.astype(np.float64))
    got = apply(function, x)
    assert got.dtype == np.float32
    fits = (np.abs(want) > 2.0**-120) & (np.abs(want) < 2.0**127)
    if function in (Function.EXP, Function.SOFTPLUS, Function.SWISH, Function.MISH):
        fits &= x > -87  # 0 below
    want, got = want[fits], got[fits]
    unit = np.spacing(np.abs(want).astype(np.float32)).astype(np.float64)
    if function == Function.HARD_SWISH:
        unit = np.maximum(unit, 2.0**-24)
    error = float((np.abs(got - want) / unit).max())
    limit = stated()[function]
    assert limit * 0.7 <= error <= limit or limit == 0.5


@pytest.mark.parametrize("function", Function, ids=lambda function: function.name.lower())
def test_ends(function: Function) -> None:
    """Infinities, zeros, NaN, and numbers beyond all thresholds."""
    ends = [math.inf, 3e38, 0.0, 1e-42]
    if function not in (Function.SQRT, Function.LOG):
        ends += [-3e38, -0.0, -1e-42]
    x = np.array(ends, np.float32)
    with np.errstate(all="ignore"):
        want = EXACT[function](x.astype(np.float64)).astype(np.float32)
    want = np.where(np.abs(want) < np.finfo(np.float32).tiny, np.float32(0), want)
    if function in (Function.LOG, Function.RECIPROCAL):
        want[3:] = apply(function, x[3:])  # of denormals: as if they were 0, or infinite
    got = apply(function, x)
    np.testing.assert_allclose(got, want, rtol=1e-6)
    assert not np.any(np.signbit(got) & (got == 0))
    assert np.isnan(apply(function, np.array([np.nan], np.float32)))[0]


def test_negative_arguments() -> None:
    x = np.array([-1.0, -np.inf], np.float32)
    assert np.all(np.isnan(apply(Function.SQRT, x)))
    assert np.all(np.isnan(apply(Function.LOG, x)))
