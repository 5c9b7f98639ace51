# SPDX-License-Identifier: BSD-3-Clause
"""Counts of executed instructions."""

from __future__ import annotations

from dataclasses import dataclass, field


class CountError(Exception):
    """Instructions cannot be counted here; the text says why."""


@dataclass
class Region:
    """What ran between two marks."""

    executions: dict[int, int] = field(default_factory=dict)  # by address
    code: dict[int, bytes] = field(default_factory=dict)  # instructions by address

    @property
    def instructions(self) -> int:
        """Number of executed instructions."""
        return sum(self.executions.values())

    def add(self, address: int, code: bytes, executions: int) -> None:
        """Add executions of an instruction."""
        self.executions[address] = self.executions.get(address, 0) + executions
        self.code[address] = code
