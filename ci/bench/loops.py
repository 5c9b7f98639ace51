# SPDX-License-Identifier: BSD-3-Clause
"""The inner loop of a kernel, found by what was executed: assembly sources need no marks for it.

A loop is what lies between a backward branch and its target. Of the innermost ones (no other executed backward branch inside)
it is the one that executes most instructions. Code that less than half of its passes execute does not belong to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ci.bench.mix import classify, disassemble
from ci.bench.region import Region

PRODUCTS = {"sdot": 1.0, "smmla": 2.0}  # the others multiply 8 numbers
BRANCH = re.compile(r"b|b\.?[a-z]{2}|cbn?z|tbn?z")  # and not bl: no calls


@dataclass(frozen=True)
class Loop:
    """One loop; units: units of work of one pass."""

    address: int
    code: tuple[bytes, ...]
    units: float


def _target(machine: str, code: bytes, address: int) -> int | None:
    """Return where a branch goes, None if it is no direct branch."""
    mnemonic, operands = disassemble(machine, code, address)
    found = re.search(r"(0x[0-9a-f]+)$", operands)
    return int(found[1], 16) if found and BRANCH.fullmatch(mnemonic) else None


def _work(machine: str, region: Region, address: int) -> float:
    """Return the weight of an instruction as a measure of products.

    Of binary ones: exclusive ors of vectors, 64-bit ones half. Of 8-bit numbers: 16 products.
    """
    code = region.code[address]
    kind = classify(machine, code)
    if kind not in ("eor", "product"):
        return 0.0
    mnemonic, operands = disassemble(machine, code)
    if kind == "product":
        return PRODUCTS.get(mnemonic, 0.5)
    return 0.5 if ".8b" in operands or operands.startswith("d") else 1.0


def inner_loop(machine: str, region: Region, units: float) -> Loop | None:
    """Return the loop that executes most; units: of the whole region."""
    branches = {
        address: target
        for address, code in region.code.items()
        if (target := _target(machine, code, address)) is not None and target <= address
    }
    best: tuple[int, int, list[int]] | None = None
    for end, start in branches.items():
        if any(start <= other < end for other in branches):
            continue
        passes = region.executions[end]
        body = sorted(a for a in region.code if start <= a <= end)
        body = [a for a in body if 2 * region.executions[a] >= passes]
        executed = sum(region.executions[a] for a in body)
        if best is None or executed > best[0]:
            best = (executed, passes, body)
    if best is None:
        return None
    _, passes, body = best
    every = sum(_work(machine, region, a) * n for a, n in region.executions.items())
    here = sum(_work(machine, region, a) for a in body)
    # Packing, and selecting by bits, have no products: the loop then does all the work.
    share = here / every if every else 1 / passes
    return Loop(body[0], tuple(region.code[a] for a in body), units * share)
