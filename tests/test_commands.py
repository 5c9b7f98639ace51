# SPDX-License-Identifier: BSD-3-Clause
"""Commands that the pages tell to type: their modules, sessions and options exist."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "examples").rglob("*.md"))
COMMAND = re.compile(r"(?:python3? -m|nox -s) [^`\n#]+")
PACKAGES = ("ci", "converter", "examples", "pylibbnn")  # other modules are not the project's
#: What takes the arguments behind -- of a session; all the others give theirs to pytest.
SESSIONS = {
    "analyze": "ci.analyze",
    "bench": "ci.bench",
    "fuzz": "ci.fuzz",
    "prove": "ci.prove",
}


def commands(page: Path) -> list[str]:
    """All of a page's commands."""
    text = page.read_text(encoding="utf-8")
    return [found.partition(" -->")[0].strip() for found in COMMAND.findall(text)]


def sessions() -> set[str]:
    """Names of all nox sessions."""
    text = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    found = re.findall(r'^@nox\.session(?:\(name="([\w-]+)"\))?\ndef (\w+)', text, re.MULTILINE)
    return {name or function for name, function in found}


@lru_cache
def helped(*arguments: str) -> str:
    """What a module prints when asked for help."""
    command = [sys.executable, "-m", *arguments, "--help"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_exist(page: Path) -> None:
    for command in commands(page):
        words = command.split()
        given = options(" ".join(words[3:]))
        if words[0] == "nox":
            assert words[2] in sessions(), command
            program = [SESSIONS.get(words[2], "pytest")]
        elif words[2].partition(".")[0] in PACKAGES:
            program = words[2:3] + [w for w in words[3:4] if "." not in w and "-" not in w]
            path = ROOT / words[2].replace(".", "/")
            assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), command
        else:
            continue
        unknown = given and given - options(helped(*program))
        assert not unknown, command


def test_there_are_commands() -> None:
    """The pattern finds what it is there to find."""
    found = [command for page in PAGES for command in commands(page)]
    assert "python -m converter explain" in found
    assert "nox -s ci" in found
    assert len(found) > 40
    assert sessions() >= {"ci", "lint", "test", "test-aarch64"}
