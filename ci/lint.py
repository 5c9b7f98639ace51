# SPDX-License-Identifier: BSD-3-Clause
"""Check all files: `python -m ci.lint [--fix]`. All checks run; the exit code is 1 if one of them fails."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ci import patterns
from ci.paths import ROOT
from ci.toolchain import tool

MAX_LINES = 450
SOURCES = {".py", ".c", ".h", ".S", ".inc", ".def", ".toml", ".cmake"}
OPERANDS = 24  # column of the operands in assembly, counted from 0; mnemonics stand at 8


def files() -> list[Path]:
    """Return the project's text files: all that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in sorted(names.splitlines())]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def check_assembly(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, complaint) where an instruction leaves its columns: 8 blanks, mnemonic, operands at 24, lower case."""
    comment = False
    for number, line in enumerate(text.splitlines(), 1):
        code = re.sub(r"/\*.*?\*/", "", line)
        if comment or code.lstrip().startswith(("/*", "#", "//")):
            comment = "*/" not in code if comment else "/*" in code
            continue
        code = code.partition("//")[0].rstrip()
        found = re.fullmatch(r"(\s+)([A-Za-z][\w.]*)(\s+)(\S.*)", code)
        if "\t" in line:
            yield number, "tab"
        elif found and not found[2].startswith(".") and not found[4].startswith((".req", "=")):
            blanks, mnemonic, gap, _ = found.groups()
            if len(blanks) != 8:
                yield number, f"{mnemonic} at column {len(blanks)}, not 8"
            elif len(gap) > 1 and len(blanks + mnemonic + gap) != OPERANDS:
                yield number, f"operands at column {len(blanks + mnemonic + gap)}, not {OPERANDS}"
            elif len(gap) == 1 and len(blanks + mnemonic) + 1 < OPERANDS:
                yield number, f"operands at column {len(blanks + mnemonic) + 1}, not {OPERANDS}"
            elif mnemonic != mnemonic.lower():
                yield number, f"{mnemonic} is not lower case"


def check_text(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, complaint) for rules that hold in every file."""
    home = re.compile(r"(?<![\w.$~{}])/(home|root|Users|work)/\w")
    for number, line in enumerate(text.splitlines(), 1):
        if home.search(line):
            yield number, "absolute path of one machine"
        if line != line.rstrip():
            yield number, "blanks at the end"
    if path.suffix in SOURCES:
        head = text[:200]
        if "SPDX-License-Identifier: BSD-3-Clause" not in head:
            yield 1, "SPDX-License-Identifier is missing"
        if text.count("\n") > MAX_LINES:
            yield MAX_LINES, f"longer than {MAX_LINES} lines: split it"
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end"


def house_rules() -> bool:
    """Print all complaints of this file's own checks; True if there are none."""
    complaints = 0
    for path in files():
        text = path.read_text(encoding="utf-8")
        found = list(check_text(path, text))
        if path.suffix in {".S", ".inc"}:
            found += check_assembly(text)
        for line, complaint in found:
            print(f"{path.relative_to(ROOT)}:{line}: {complaint}")
        complaints += len(found)
    return not complaints


def run(*command: str) -> bool:
    """Run one tool; True if it is content."""
    return subprocess.run([tool(command[0]), *command[1:]], cwd=ROOT, check=False).returncode == 0


def main(fix: bool) -> int:
    """Run all checks and return the exit code."""
    c_files = [str(path) for path in files() if path.suffix in {".c", ".h"}]
    results = {
        "ruff check": run("ruff", "check", "--quiet", *(["--fix"] if fix else [])),
        "ruff format": run("ruff", "format", "--quiet", *([] if fix else ["--check", "--diff"])),
        "clang-format": run(
            "clang-format", *(["-i"] if fix else ["--dry-run", "-Werror"]), *c_files
        ),
        "mypy": run("mypy"),
        "house rules": house_rules(),
        "patterns in docs": patterns.check(fix),
    }
    for name, content in results.items():
        print(f"{name}: {'ok' if content else 'FAILED'}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main("--fix" in sys.argv[1:]))
