# SPDX-License-Identifier: BSD-3-Clause
"""Measure the binary layers: `python -m ci.bench --target TARGET`; `--help` lists the options.

native: wall time on this machine. Others: exact numbers of executed instructions of an emulated cpu, beside the figures of
figures.toml, and modelled cycles of the inner loops.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ci import build
from ci.bench import figures, mix
from ci.bench.counter import CountError, Region, count_cases
from ci.bench.table import table
from ci.qemu import emulator
from ci.qemu.targets import Target, find

Counted = list[tuple[dict[str, Any], Region]]


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--target", default="native", choices=["native", "aarch64", "armv7"])
    parser.add_argument("--isa", help="instruction set; default: native the best, others all but c")
    parser.add_argument("--only", action="append", default=[], help="cases of (or like) this name")
    parser.add_argument("--json", type=Path, help="also write the figures into this file")
    return parser.parse_args()


def isas(target: Target, cpu: str) -> list[str]:
    """Return the instruction sets that bnn-bench can use on an emulated cpu, but for plain C."""
    program = [emulator.find(target.emulator) or target.emulator, "-cpu", cpu]
    program += [str(target.build / "bnn-bench"), "--list"]
    lines = subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith("isa") and line.split()[1] != "c"]


def rows_of(target: str, counted: Counted) -> list[dict[str, Any]]:
    """Return what --json writes: one object per case."""
    return [
        {
            "name": case["name"],
            "target": target,
            "isa": case["isa"],
            "shape": case["shape"],
            "units": case["units"],
            "instructions": region.instructions,
            "per_unit": region.instructions / case["units"],
        }
        for case, region in counted
    ]


def count_table(target: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return the counts beside goals and peers."""
    known = figures.of(target)
    measured = {row["name"]: row["per_unit"] for row in rows}
    head = ["", "instructions", "per unit", "goal", "", *(f"{peer}*" for peer in known.peers)]
    lines = []
    for row in rows:
        name, per_unit = row["name"], row["per_unit"]
        goal = known.goal(name, measured)
        mark = "" if goal is None else "ok" if per_unit <= goal else f"+{per_unit / goal - 1:.1%}"
        peers = [known.peer(peer, name) for peer in known.peers]
        lines.append([name, row["instructions"], per_unit, goal, mark, *peers])
    return table(head, lines)


def mix_table(machine: str, counted: Counted) -> str:
    """Return instructions per unit by class."""
    mixes = [mix.mix(machine, region) for _, region in counted]
    names = [name for name in mix.NAMES if any(found[name] for found in mixes)]
    lines = [
        [case["name"], *(found[name] / case["units"] for name in names)]
        for (case, _), found in zip(counted, mixes, strict=True)
    ]
    return table(["", *names], lines)


def emulated(target: Target, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Count, print and return the rows."""
    cpu = target.cpus[-1]  # the one that has everything; counts do not depend on it
    only = [word for name in options.only for word in ("--only", name)]
    rows: list[dict[str, Any]] = []
    for isa in [options.isa] if options.isa else isas(target, cpu):
        counted = count_cases(target, cpu, ["--isa", isa, *only])
        found = rows_of(target.name, counted)
        rows += found
        print(f"\n{target.name}, isa {isa}: executed instructions of whole calls, per unit")
        print("(128 binary multiply-adds, 128 floats packed)\n")
        print(count_table(target.name, found))
        print("\n* peers: counted in the same way, not by this run (ci/bench/figures.toml)")
        print("\nThe same by class:\n")
        print(mix_table(target.emulator.removeprefix("qemu-"), counted))
    return rows


def native(target: Target, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time, print and return the rows."""
    command = [str(target.build / "bnn-bench")]
    command += ["--isa", options.isa] if options.isa else []
    command += [word for name in options.only for word in ("--only", name)]
    result = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(result.stderr)
    rows = [{"target": target.name, **row} for row in json.loads(result.stdout)]
    lines = [[row["name"], row["min_ns"], row["median_ns"], row["ns_per_unit"]] for row in rows]
    print(table(["", "min ns", "median ns", "ns/unit"], lines))
    return rows


def main() -> None:
    """Build, measure, print."""
    options = parse()
    target = find(options.target)
    build.build(target)
    try:
        rows = emulated(target, options) if target.emulator else native(target, options)
    except CountError as error:
        raise SystemExit(str(error)) from None
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
