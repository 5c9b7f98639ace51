# SPDX-License-Identifier: BSD-3-Clause
"""Analyse all C below libbnn/: `python -m ci.analyze [TOOL...]`. The exit code is 1 if a finding is left.

.clang-tidy and deviations.toml say what is not looked for, and which findings were judged and stay, with the reasons.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from ci.analyze import tools
from ci.analyze.finding import Finding, ToolError, deviations, left
from ci.bench.table import Cell, table

TOOLS: dict[str, Callable[[], list[Finding]]] = {
    "clang-tidy": tools.clang_tidy,
    "cppcheck": tools.cppcheck,
    "gcc": tools.gcc,
    "libbnn": tools.loops,
}


def main(arguments: Sequence[str]) -> int:
    """Run the tools and print what they found."""
    parser = argparse.ArgumentParser(prog="nox -s analyze --", description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL", help=f"of {', '.join(TOOLS)}")
    names = parser.parse_args(arguments).tools or list(TOOLS)
    if unknown := set(names) - set(TOOLS):
        parser.error(f"no tool {', '.join(sorted(unknown))}: there are {', '.join(TOOLS)}")
    rows: list[list[Cell]] = []
    failed = False
    for name in names:
        judged = [deviation for deviation in deviations() if deviation.tool == name]
        begin = time.monotonic()
        try:
            found = TOOLS[name]()
        except ToolError as error:
            print(f"{name}: skipped: {error}")
            continue
        open_ones = left(found, judged)
        advice = name == "gcc" and tools.gcc_version() not in tools.GCC_JUDGED
        stale = [] if name == "gcc" else [deviation for deviation in judged if not deviation.uses]
        for line in [*open_ones, *(f"deviations.toml: no finding for {row}" for row in stale)]:
            print(line)
        if advice and open_ones:
            print(f"gcc {tools.gcc_version()}: shown only; judged are {tools.GCC_JUDGED}")
        failed |= bool(stale or (open_ones and not advice))
        seconds = round(time.monotonic() - begin)
        rows.append([name, len(open_ones), sum(row.uses for row in judged), seconds])
    print(table(["tool", "findings", "judged before", "seconds"], rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
