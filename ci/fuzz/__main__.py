# SPDX-License-Identifier: BSD-3-Clause
"""Give hostile files to all that reads files: `python -m ci.fuzz [--seconds N] [TARGET...]`.

The exit code is 1 if there was a finding; its file is kept, and printed with how to run it again.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ci.bench.table import Cell, table
from ci.fuzz import dab, readers
from ci.fuzz.result import Result, ToolError

TARGETS: dict[str, Callable[[int], Result]] = {
    "dab": dab.fuzz,
    **{name: partial(readers.fuzz, name) for name in readers.TARGETS},
}


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


def attempt(name: str, seconds: int) -> Result | None:
    """Fuzz a target; None where what it needs is not there."""
    try:
        return TARGETS[name](seconds)
    except ToolError as error:
        if os.environ.get("CI"):
            raise SystemExit(f"{name}: {error}") from error
        print(f"{name}: skipped: {error}")
        return None


def main(arguments: Sequence[str]) -> int:
    """Run the targets, as many at a time as there are cores, and print what they did."""
    options = parse(arguments)
    names = options.targets or list(TARGETS)
    print(f"{', '.join(names)}: {options.seconds} seconds each", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(attempt, names, [options.seconds] * len(names))
        results = [result for result in done if result]
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
