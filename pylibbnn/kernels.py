# SPDX-License-Identifier: BSD-3-Clause
"""Direct calls of single kernels, for tests and benchmarks. libbnn/src/kernels.def says what each expects.

Addresses and sizes are passed as they are: a wrong one crashes the process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pylibbnn import _lib


@dataclass(frozen=True)
class Variant:
    """One compiled kernel: its slot, its instruction set, and whether this cpu can run it."""

    slot: str
    isa: str
    runnable: bool
    index: int

    def __call__(self, *arguments: int) -> None:
        """Run the kernel with up to six integer arguments."""
        if not self.runnable:
            raise ValueError(f"this cpu cannot run {self.slot} [{self.isa}]")
        if len(arguments) > 6:
            raise TypeError(f"{self.slot} takes at most 6 arguments, got {len(arguments)}")
        _lib.call_kernel(self.index, list(arguments))


def variants() -> list[Variant]:
    """Return every compiled kernel: the references first, then each instruction set's."""
    features = _lib.cpu_features()
    return [
        Variant(slot, isa, needs & ~features == 0, index)
        for index, (slot, isa, needs) in enumerate(_lib.variants())
    ]


def kernel(slot: str, isa: str = "c") -> Callable[..., None]:
    """Return the kernel of `slot` for `isa`; KeyError when there is none."""
    for variant in variants():
        if (variant.slot, variant.isa) == (slot, isa):
            return variant
    raise KeyError(f"no kernel {slot} [{isa}]")
