# SPDX-License-Identifier: BSD-3-Clause
"""The cases fit kernels.def, and the packed order is the file format's."""

from __future__ import annotations

import re

import numpy as np
import pytest

import oracles
from ci.paths import ROOT
from oracles.bits import pack_group, unpack_group


def slots() -> dict[str, list[str]]:
    """Parameter names of every row of kernels.def."""
    text = (ROOT / "libbnn" / "src" / "kernels.def").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    rows = re.findall(r"BNN_KERNEL\((\w+),\s*\((.*?)\)\)", text, flags=re.DOTALL)
    return {slot: re.findall(r"(\w+)\s*(?:,|$)", parameters) for slot, parameters in rows}


def test_every_slot_has_cases() -> None:
    assert list(oracles.SHAPES) == list(slots())


@pytest.mark.parametrize("slot", oracles.SHAPES)
def test_cases_pass_the_slots_parameters(slot: str) -> None:
    case = oracles.build(slot, oracles.SHAPES[slot][0])
    assert list(case.arguments) == slots()[slot]


@pytest.mark.parametrize("slot", oracles.SHAPES)
def test_ids_are_unique(slot: str) -> None:
    ids = [oracles.shape_id(shape) for shape in oracles.SHAPES[slot]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (64, 8), (65, 16), (128, 16)])
def test_order_of_bits(channels: int, size: int) -> None:
    for channel in range(channels):
        bits = np.zeros((1, channels), bool)
        bits[0, channel] = True
        packed = pack_group(bits)
        assert packed.shape == (1, size)
        assert packed[0, channel % size] == 1 << (channel // size)
        assert packed.sum() == packed[0, channel % size]
        assert (unpack_group(packed, channels) == bits).all()
