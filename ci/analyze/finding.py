# SPDX-License-Identifier: BSD-3-Clause
"""Findings of analysers, and those that are judged and stay (deviations.toml)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

from ci.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLE = Path(__file__).parent / "deviations.toml"
# gcc names the weakness class (CWE) before the check.
LINE = re.compile(r"^([^:\s]+):(\d+):(?:\d+:)? (?:warning|error): (.*?)(?: \[CWE-\d+\])? \[(.+)\]$")


class ToolError(Exception):
    """An analyser is not there, or did not work; the text says why."""


@dataclass(frozen=True)
class Finding:
    """What a tool says about a line; path is below the root of the project."""

    tool: str
    path: str
    line: int
    check: str
    message: str

    def __str__(self) -> str:
        """As compilers write it, so that editors find the place."""
        return f"{self.path}:{self.line}: {self.message} [{self.tool}: {self.check}]"

    @property
    def source(self) -> str:
        """The line of the file."""
        lines = _lines(self.path)
        return lines[self.line - 1] if 0 < self.line <= len(lines) else ""


@dataclass
class Deviation:
    """A row of deviations.toml, whose first comment describes the fields."""

    tool: str
    check: str
    file: str
    reason: str
    line: str = ""
    uses: int = field(default=0, compare=False)

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is the one that was judged."""
        return (
            finding.tool == self.tool
            and self.check in finding.check.split(",")
            and fnmatch(finding.path, self.file)
            and self.line in finding.source
        )


@lru_cache(maxsize=64)
def _lines(path: str) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def parse(tool: str, text: str) -> Iterator[Finding]:
    """Yield the findings in a tool's output."""
    for line in text.splitlines():
        if found := LINE.match(line):
            path = (ROOT / found[1]).resolve()
            shown = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
            yield Finding(tool, shown, int(found[2]), found[4], found[3])


def deviations() -> list[Deviation]:
    """Return the table."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["deviation"]
    return [Deviation(**row) for row in rows]


def misra_rules() -> dict[str, str]:
    """Return the rules that the misra addon is asked about, by number."""
    rules: dict[str, str] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["misra"]
    return rules


def left(findings: Iterable[Finding], table: Iterable[Deviation]) -> list[Finding]:
    """Return findings that no deviation covers, each once, and count uses of the others' deviations."""
    open_ones = []
    for finding in sorted(set(findings), key=lambda f: (f.path, f.line, f.tool, f.check)):
        covering = [deviation for deviation in table if deviation.covers(finding)]
        for deviation in covering:
            deviation.uses += 1
        if not covering:
            open_ones.append(finding)
    return open_ones
