# SPDX-License-Identifier: BSD-3-Clause
"""What fuzzing a target came to."""

from __future__ import annotations

import os
from typing import NamedTuple


class Result(NamedTuple):
    """Executions in a time, and for each finding what it is and how it is run again."""

    target: str
    executions: int
    seconds: float
    findings: list[str]


def seed() -> list[str]:
    """Return the option that makes CI try the same files each time: what it finds is then of the change, not of chance."""
    return ["-seed=1"] if os.environ.get("CI") else []


class ToolError(Exception):
    """What fuzzing needs is not there; the text says why."""
