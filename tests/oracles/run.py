# SPDX-License-Identifier: BSD-3-Clause
"""Run a case on a target."""

from __future__ import annotations

import pytest

from oracles.case import Argument, Buffer, Case, Struct
from targets import Buffer as Placed
from targets import Kernel, Target

# Where every buffer lies: up against the inaccessible page behind it or before it, and at an odd
# multiple of its alignment.
PLACES = (("end", 0), ("start", 0), ("start", 1))


def check(kernel: Kernel, target: Target, case: Case) -> None:
    """Call the kernel with the case's arguments in each of PLACES and compare every buffer."""
    if case.denormals and kernel.isa == "neon" and target.pointer_bytes == 4:
        pytest.skip("vector units of 32-bit ARM take denormals for zero")
    for at, odd in PLACES:
        placed = {}
        for _, buffer in case.buffers():
            shift = odd * buffer.align
            placed[id(buffer)] = target.put(
                buffer.before, at=at, misalign=shift, align=buffer.align
            )
        kernel(*(_word(argument, target, placed) for argument in case.arguments.values()))
        for name, buffer in case.buffers():
            wrong = buffer.mismatch(target.get(placed[id(buffer)]).tobytes())
            assert not wrong, f"{name}, placed at ({at}, {odd}): {wrong}"


def _word(argument: Argument, target: Target, placed: dict[int, Placed]) -> int | Placed:
    """Return what the kernel gets: an integer or a buffer of the target."""
    if isinstance(argument, Buffer):
        return placed[id(argument)]
    if isinstance(argument, Struct):
        return target.struct(
            *(
                ("ptr" if isinstance(value, Buffer) else "size", _word(value, target, placed))
                for value in argument.fields.values()
            )
        )
    return argument
