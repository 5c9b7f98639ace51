# SPDX-License-Identifier: BSD-3-Clause
"""Prove parts of the library with CBMC: `python -m ci.prove [--plant] [NAME...]`. The exit code is 1 if a proof does not hold.

With --plant every proof is tried on sources with a defect, and must not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ci import toolchain
from ci.bench.table import Cell, table
from ci.prove.cbmc import ToolError, cbmc
from ci.prove.proof import Proof, holds, plant, proofs


def attempt(planted: bool, proof: Proof) -> tuple[bool, list[Cell]]:
    """Try a proof; return whether it went as it should, and its row."""
    begin = time.monotonic()
    if planted:
        with tempfile.TemporaryDirectory() as folder:
            held, broken = holds(proof, plant(proof, Path(folder)))
    else:
        held, broken = holds(proof)
    for line in broken if not planted else []:
        print(f"{proof.name}: {line}")
    seconds = round(time.monotonic() - begin)
    text = "holds" if held else "does not hold"
    return held != planted, [proof.name, proof.says, proof.bound, text, seconds]


def main(arguments: Sequence[str]) -> int:
    """Try the proofs, as many at a time as there are cores, and print a table."""
    parser = argparse.ArgumentParser(prog="nox -s prove --", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a proof; default: all")
    parser.add_argument("--plant", action="store_true", help="with a defect in the sources")
    options = parser.parse_args(arguments)
    known = {proof.name for proof in proofs()}
    if unknown := set(options.names) - known:
        parser.error(f"no proof {', '.join(sorted(unknown))}: there are {', '.join(sorted(known))}")
    try:
        cbmc()
    except ToolError as error:
        print(f"skipped: no CBMC 6: {error}")
        return 0
    toolchain.zig()
    chosen = [proof for proof in proofs() if proof.name in options.names or not options.names]
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            results = list(pool.map(partial(attempt, options.plant), chosen))
    except ToolError as error:
        raise SystemExit(str(error)) from error
    print(table(["proof", "of", "for", "", "seconds"], [row for _, row in results], left=4))
    return 0 if all(good for good, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
