# SPDX-License-Identifier: BSD-3-Clause
"""What fuzzing a target came to."""

from __future__ import annotations

from typing import NamedTuple


class Result(NamedTuple):
    """Executions in a time, and for each finding what it is and how it is run again."""

    target: str
    executions: int
    seconds: float
    findings: list[str]


class ToolError(Exception):
    """What fuzzing needs is not there; the text says why."""
