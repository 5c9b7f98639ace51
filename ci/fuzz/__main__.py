# SPDX-License-Identifier: BSD-3-Clause
"""Give hostile files to all that reads files: `python -m ci.fuzz [--seconds N] [TARGET...]`.

The exit code is 1 if there was a finding; its file is kept, and printed with how to run it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ci.bench.table import Cell, table
from ci.fuzz import dab
from ci.fuzz.clang import ClangError
from ci.fuzz.result import Result

TARGETS = {"dab": dab.fuzz}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all"
    )
    parser.add_argument("--seconds", type=int, default=60, help="time for each target (default 60)")
    options = parser.parse_args(arguments)
    for name in options.targets:
        if name not in TARGETS:
            parser.error(f"no target {name}: there are {', '.join(TARGETS)}")
    return options


def main(arguments: Sequence[str]) -> int:
    """Run the targets one after the other and print what they did."""
    options = parse(arguments)
    results: list[Result] = []
    for name in options.targets or TARGETS:
        print(f"{name}: {options.seconds} seconds", flush=True)
        try:
            results.append(TARGETS[name](options.seconds))
        except ClangError as error:
            if os.environ.get("CI"):
                raise SystemExit(f"{name}: {error}") from error
            print(f"{name}: skipped: {error}")
    head = ["target", "executions", "per second", "findings"]
    rows: list[list[Cell]] = [
        [r.target, r.executions, round(r.executions / r.seconds), len(r.findings)] for r in results
    ]
    print(table(head, rows))
    for result in results:
        for finding in result.findings:
            print(f"\n{result.target}: {finding}")
    return 1 if any(result.findings for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
