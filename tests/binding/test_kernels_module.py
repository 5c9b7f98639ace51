# SPDX-License-Identifier: BSD-3-Clause
"""`pylibbnn.kernels`: the compiled kernels and calls of them."""

from __future__ import annotations

import numpy as np
import pytest

from pylibbnn import isas, kernels

pytestmark = pytest.mark.self


def test_every_slot_has_a_reference() -> None:
    rows = kernels.variants()
    slots = {row.slot for row in rows}
    assert {row.slot for row in rows if row.isa == "c"} == slots
    assert {"pack_sign", "bconv128", "bdense64", "gemm_f32"} <= slots
    assert [row.index for row in rows] == list(range(len(rows)))


@pytest.mark.parametrize("isa", isas())
def test_call(isa: str) -> None:
    """AND of bytes through every variant that this cpu runs."""
    try:
        max_bits = kernels.kernel("max_bits", isa)
    except KeyError:
        pytest.skip(f"max_bits has no {isa} variant")
    rng = np.random.default_rng(6)
    a, b = rng.integers(0, 256, (2, 37), dtype=np.uint8)
    expected = a & b
    max_bits(a.ctypes.data, b.ctypes.data, a.size)
    np.testing.assert_array_equal(a, expected)


def test_refusals() -> None:
    with pytest.raises(KeyError, match=r"no kernel nothing \[c\]"):
        kernels.kernel("nothing")
    with pytest.raises(TypeError, match="at most 6"):
        kernels.kernel("max_bits")(1, 2, 3, 4, 5, 6, 7)
