# SPDX-License-Identifier: BSD-3-Clause
"""Reads figures.toml."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Core:
    """A modelled core; goal: cycles of a unit in the inner loop of a convolution."""

    cpu: str
    llvm: int
    goal: float


@dataclass(frozen=True)
class Figures:
    """The tables of one target; cases without a figure are not in them."""

    goals: dict[str, float | str | list[float]] = field(default_factory=dict)
    peers: dict[str, dict[str, float]] = field(default_factory=dict)
    cores: tuple[Core, ...] = ()
    isa_goals: dict[str, dict[str, float]] = field(default_factory=dict)
    argued: dict[str, str] = field(default_factory=dict)

    def goal(self, case: str, isa: str, measured: Mapping[str, float]) -> list[float]:
        """Return what a case may cost, one figure or more, given what the cases of the same table took."""
        goal = {**self.goals, **self.isa_goals.get(isa, {})}.get(plain(case), [])
        if isinstance(goal, str):
            return [measured[name] for name in [goal[1:]] if name in measured]
        return goal if isinstance(goal, list) else [goal]

    def peer(self, name: str, case: str) -> float | None:
        """Return what a peer needs for the same."""
        return self.peers[name].get(plain(case))


def plain(case: str) -> str:
    """Return a case's name without its border."""
    return re.sub(r"_(minus|plus)$", "", case)


@lru_cache(maxsize=1)
def _tables() -> dict[str, Figures]:
    text = (Path(__file__).parent / "figures.toml").read_text(encoding="utf-8")
    return {name: _figures(**table) for name, table in tomllib.loads(text).items()}


def _figures(cores: Sequence[dict[str, Any]] = (), **tables: Any) -> Figures:
    return Figures(cores=tuple(Core(**core) for core in cores), **tables)


def of(target: str) -> Figures:
    """Return a target's figures."""
    return _tables().get(target, Figures())
