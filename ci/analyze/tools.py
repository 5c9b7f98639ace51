# SPDX-License-Identifier: BSD-3-Clause
"""The analysers. Each function returns all findings of one tool, judged ones included."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from ci import toolchain
from ci.analyze.finding import Finding, ToolError, misra_rules, parse
from ci.analyze.views import INCLUDES, LANGUAGE, LIBRARY, VIEWS, View
from ci.paths import ROOT

TEMPLATE = "--template={file}:{line}: warning: {message} [{id}]"
# cppcheck's findings that are off: a definition calls its struct s where the prototype says `steps`; bytes of floats are what
# memory is made of here; functions of a table have one signature; the misra addon asks for files of other folders.
OFF = ("funcArgNamesDifferent", "invalidPointerCast", "constParameterCallback", "misra-config")
# Off: both versions below take arrays that memcpy or a counted loop fills for unset; clang's analyzer follows those.
GCC = ["-fanalyzer", "-Wno-analyzer-use-of-uninitialized-value", "-fdiagnostics-path-format=none"]
GCC_JUDGED = {
    12,
    14,
}  # versions whose false findings are in deviations.toml; what others find is shown only

LOOP = re.compile(r"\bwhile \((?!0\))|\bfor \(;;|^\s*do \{(?!.*\\$)")


def run_all(commands: Sequence[Sequence[str]], tool: str) -> list[Finding]:
    """Run commands, as many at a time as there are cores."""

    def run(command: Sequence[str]) -> str:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        text = result.stdout + result.stderr
        if result.returncode and not list(parse(tool, text)):
            raise ToolError(f"{tool} failed: {text.strip()[-1000:]}")
        return text

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(chain.from_iterable(parse(tool, text) for text in pool.map(run, commands)))


def clang_tidy_command(view: View, path: Path) -> list[str]:
    """Return the command that looks at a file."""
    program = [toolchain.tool("clang-tidy"), "--quiet", f"--config-file={ROOT / '.clang-tidy'}"]
    return [*program, str(path), "--", *view.compile_options()]


def clang_tidy() -> list[Finding]:
    """All views, with .clang-tidy."""
    commands = [clang_tidy_command(view, path) for view in VIEWS for path in view.files()]
    return run_all(commands, "clang-tidy")


def cppcheck_command(view: View, paths: Sequence[Path], misra: bool) -> list[str]:
    """Return the command that looks at files, also for breaches of MISRA's rules."""
    program = [toolchain.tool("cppcheck"), "--quiet", "--std=c11", "--inconclusive", TEMPLATE]
    program += ["--enable=warning,style,performance,portability", "-j", str(os.cpu_count())]
    program += [f"--suppress={name}" for name in OFF]
    addon = ["--addon=misra", f"--addon-python={sys.executable}"] if misra else []
    return [*program, *addon, *view.cppcheck_options(), *map(str, paths)]


def cppcheck() -> list[Finding]:
    """Every file in the first view that has it; for MISRA those of the library."""
    commands, done = [], set[Path]()
    for view in VIEWS:
        fresh = set(view.files()) - done
        done |= fresh
        library = {path for path in fresh if "src" in path.parts}
        for paths, misra in ((library, True), (fresh - library, False)):
            if paths:
                commands.append(cppcheck_command(view, sorted(paths), misra))
    return [finding for finding in run_all(commands, "cppcheck") if is_chosen(finding)]


def is_chosen(finding: Finding) -> bool:
    """Whether a finding is not of MISRA, or of a rule in deviations.toml."""
    rule = re.fullmatch(r"misra-c2012-(.+)", finding.check)
    return rule is None or rule[1] in misra_rules()


def gcc_version() -> int:
    """Return the major version of this machine's gcc."""
    gcc = shutil.which("gcc")
    if not gcc:
        raise ToolError("this machine has no gcc")
    printed = subprocess.run([gcc, "--version"], capture_output=True, text=True, check=True).stdout
    command = [gcc, "-dumpversion"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Free Software Foundation" not in printed:
        raise ToolError("this machine's gcc is another compiler by that name")
    return int(text.partition(".")[0])


def gcc_command(path: Path) -> list[str]:
    """Return the command that looks at a file."""
    return ["gcc", *GCC, *LANGUAGE, *INCLUDES, "-c", "-o", os.devnull, str(path)]


def gcc() -> list[Finding]:
    """-fanalyzer on what this machine compiles."""
    if gcc_version() < min(GCC_JUDGED):
        raise ToolError(f"gcc {gcc_version()} is too old for -fanalyzer")
    return run_all([gcc_command(path) for path in VIEWS[0].files()], "gcc")


def uncounted_loops(text: str) -> Iterator[int]:
    """Yield lines with loops that do not count (`for` with a condition does) and no comment that says how often: "at most"."""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if LOOP.search(line) and "at most" not in " ".join(lines[max(number - 5, 0) : number]):
            yield number


def loops() -> list[Finding]:
    """Every loop of the library ends."""
    paths = sorted((LIBRARY / "src").rglob("*.[ch]"))
    message = 'a comment must say how often: "at most"'
    return [
        Finding("libbnn", str(path.relative_to(ROOT)), number, "loop", message)
        for path in paths
        for number in uncounted_loops(path.read_text(encoding="utf-8"))
    ]
