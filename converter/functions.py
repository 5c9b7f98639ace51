# SPDX-License-Identifier: BSD-3-Clause
"""The functions of a FUNCTION step (docs/dab-format.md, section 4.1), operation for operation as the library computes them.

Every numpy operation here is one rounded float32 operation, so results are the same bits as those of
libbnn/src/generic/functions.c. Polynomials are minimax fits on the stated intervals; Taylor's series for exp.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum

import numpy as np

from converter.graph import Array

F32 = np.float32


class Function(IntEnum):
    """Codes of the functions."""

    ABS = 1
    SQRT = 2
    RECIPROCAL = 3
    FLOOR = 4
    CEIL = 5
    ROUND = 6
    EXP = 7
    LOG = 8
    SIGMOID = 9
    TANH = 10
    ERF = 11
    ELU = 12
    SOFTPLUS = 13
    SWISH = 14
    HARD_SWISH = 15
    MISH = 16


_EXP = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5)
_TANH = (-0.00590586057, 0.0208053775, -0.0537866801, 0.133319587, -0.333332986)
_LOG = (0.280244648, 0.279991388, 0.400216997, 0.666664124)
_ERF = (
    *(8.5131018e-05, -0.00081756385, 0.00520385895, -0.0268605091),
    *(0.112837151, -0.376126349, 0.128379166),
)
_ERFC = (
    *(2.08286183e-05, -0.000431393564, 0.0041562547, -0.0250806157),
    *(0.108220384, 0.633400857, 1.12948835, -0.00016920513),
)
LN2_HIGH, LN2_LOW = F32(0.693359375), F32(-2.12194440e-4)  # the first exact when multiplied by n
TINY = np.finfo(F32).tiny


def _polynomial(coefficients: Sequence[float], x: Array) -> Array:
    result = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        result = result * x
        result = result + F32(coefficient)
    return result


def _reduced(x: Array) -> tuple[Array, Array]:
    """n and e^r - 1 for x = n ln 2 + r; x is in -87..89."""
    t = x * F32(1.44269504)
    n = (t + np.where(t < 0, F32(-0.5), F32(0.5))).astype(np.int32)
    whole = n.astype(F32)
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    p = _polynomial(_EXP, r) * r
    return n, p * r + r


def _power(n: Array) -> Array:
    """2^n for n in -126..127."""
    return np.asarray((n + 127) << 23, np.int32).view(F32)


def _exp(x: Array) -> Array:
    inside = (x >= -87) & (x <= 89)
    n, p = _reduced(np.where(inside, x, F32(0)))
    half = n // 2
    result = (p + F32(1)) * _power(half) * _power(n - half)
    outside = np.where(x > 89, F32(np.inf), np.where(x < -87, F32(0), x))
    return np.where(inside, result, outside)


def _log1p(f: Array) -> Array:
    """log(1 + f) for f in sqrt(1/2) - 1 .. 1: 2 artanh(f / (2 + f))."""
    u = f / (F32(2) + f)
    z = u * u
    result: Array = u * F32(2) + u * z * _polynomial(_LOG, z)
    return result


def _log(x: Array) -> Array:
    usual = (x >= TINY) & (x < np.inf)
    bits = np.where(usual, x, F32(1)).view(np.int32)
    e = (bits - 0x3F3504F3) >> 23  # so that the mantissa is at least sqrt(1/2)
    whole = e.astype(F32)
    m = (bits - (e << 23)).astype(np.int32).view(F32)
    result = whole * LN2_HIGH + (_log1p(m - F32(1)) + whole * LN2_LOW)
    small = np.where((x > -TINY) & (x < np.inf), F32(-np.inf), F32(np.nan))
    return np.where(usual, result, np.where(x == np.inf, x, small))


def _tanh(x: Array) -> Array:
    y = np.abs(x)
    z = y * y
    near = y * z * _polynomial(_TANH, z) + y
    far = F32(1) - F32(2) / (_exp(y + y) + F32(1))
    return np.asarray(np.copysign(np.where(y < F32(0.6), near, far), x))


def _erf(x: Array) -> Array:
    y = np.abs(x)
    z = y * y
    near = y * _polynomial(_ERF, z) + y
    bounded = np.where(y < F32(3.95), y, F32(3.95))
    far = F32(1) - _exp(F32(0) - _polynomial(_ERFC, bounded))
    far = np.where(y < F32(3.95), far, np.where(y == y, F32(1), y))
    return np.asarray(np.copysign(np.where(y < F32(0.9), near, far), x))


def _elu(x: Array) -> Array:
    inside = (x >= -87) & (x < 0)
    n, p = _reduced(np.where(inside, x, F32(0)))
    scale = _power(n)
    return np.where(inside, scale * p + (scale - F32(1)), np.where(x < -87, F32(-1), x))


def _softplus(x: Array) -> Array:
    result: Array = np.where(x > 0, x, F32(0)) + _log1p(_exp(F32(0) - np.abs(x)))
    return result


def _mish(x: Array) -> Array:
    """x tanh(softplus(x)) = x n / (n + 2) with n = e (e + 2), e = exp(x)."""
    e = _exp(x)
    n = e * (e + F32(2))
    return np.where(x > 20, x, x * (n / (n + F32(2))))


def _hard_swish(x: Array) -> Array:
    line = x * F32(1 / 6) + F32(0.5)
    line = np.where(line < 0, F32(0), line)
    result: Array = x * np.where(line > 1, F32(1), line)
    return result


_FUNCTIONS: dict[Function, Callable[[Array], Array]] = {
    Function.ABS: np.abs,
    Function.SQRT: lambda x: np.where(x < 0, F32(np.nan), np.sqrt(x)),
    Function.RECIPROCAL: lambda x: F32(1) / x,
    Function.FLOOR: np.floor,
    Function.CEIL: np.ceil,
    Function.ROUND: np.rint,
    Function.EXP: _exp,
    Function.LOG: _log,
    Function.SIGMOID: lambda x: F32(1) / (F32(1) + _exp(F32(0) - x)),
    Function.TANH: _tanh,
    Function.ERF: _erf,
    Function.ELU: _elu,
    Function.SOFTPLUS: _softplus,
    Function.SWISH: lambda x: x / (F32(1) + _exp(F32(0) - x)),
    Function.HARD_SWISH: _hard_swish,
    Function.MISH: _mish,
}


def apply(function: Function, x: Array) -> Array:
    """The function of float32 values, bit for bit; results below 2^-126 are 0, so that there are no denormals and no -0.0."""
    with np.errstate(all="ignore"):
        y = np.asarray(_FUNCTIONS[function](np.asarray(x, F32)))
    return np.where(np.abs(y) < TINY, F32(0), y)
