# SPDX-License-Identifier: BSD-3-Clause
"""Packing has no cliffs: as `nox -s bench -- --sweep` says it of layers, by executed instructions per float."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import oracles
from asm.contract import read_folder
from asm.isa import ISAS
from asm.machine import Machine
from ci.bench.sweep import FACTOR, points
from oracles.pack import Shape

CONSTANT = 100  # instructions of a call, whatever its size
LINES = {
    "channels": [Shape(5, channels) for channels in range(1, 129)],
    "pixels of 64": [Shape(pixels, 64) for pixels in range(1, 30)],
    "pixels of 100": [Shape(pixels, 100) for pixels in range(1, 30)],
}


@pytest.mark.parametrize("folder", ISAS)
@pytest.mark.parametrize("slot", ["pack_sign", "pack_threshold"])
@pytest.mark.parametrize("line", LINES)
def test_no_cliff(
    folder: str, slot: str, line: str, machines: Callable[[str, bool], Machine]
) -> None:
    contract = read_folder(ISAS[folder])[f"bnn_{slot}_neon"]
    machine = machines(folder, False)
    floats = [shape.pixels * shape.channels for shape in LINES[line]]
    counts = [
        machine.call(contract, oracles.build(slot, shape)).instructions for shape in LINES[line]
    ]
    cliffs = [
        f"{point.value} floats: {point.instructions} instructions, {point.expected:.0f} expected"
        for point in points(floats, floats, counts)
        if point.instructions > FACTOR * point.expected + CONSTANT
    ]
    assert not cliffs, "\n".join(cliffs)
