# SPDX-License-Identifier: BSD-3-Clause
"""Measure the binary layers: `python -m ci.bench --target TARGET`; `--help` lists the options.

native: wall time on this machine. Others: exact numbers of executed instructions of an emulated cpu, beside the figures of
figures.toml, and modelled cycles of the inner loops.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

from ci import build
from ci.bench import report, sweep
from ci.bench.counter import count, count_cases, how
from ci.bench.llvm import ModelError
from ci.bench.region import CountError
from ci.bench.symbols import Symbols
from ci.bench.table import table
from ci.qemu.targets import Target, find


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--target", default="native", choices=["native", "aarch64", "armv7"])
    parser.add_argument("--isa", help="instruction set; default: native the best, others all but c")
    parser.add_argument("--only", action="append", default=[], help="cases of (or like) this name")
    parser.add_argument("--json", type=Path, help="also write the figures into this file")
    parser.add_argument("--sweep", action="store_true", help="other shapes: look for cliffs")
    options = parser.parse_args()
    if options.sweep and options.target == "native":
        parser.error("--sweep counts instructions: it needs --target aarch64 or armv7")
    return options


def isas(target: Target, cpu: str) -> list[str]:
    """Return the instruction sets that bnn-bench can use on an emulated cpu, but for plain C."""
    lines = count(target, cpu, target.build / "bnn-bench", ["--list"])[0].splitlines()
    return [line.split()[1] for line in lines if line.startswith("isa") and line.split()[1] != "c"]


def emulated(target: Target, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Count, print and return the rows."""
    cpu = target.cpus[-1]  # the one that has everything; counts do not depend on it
    only = [word for name in options.only for word in ("--only", name)]
    machine = target.emulator.removeprefix("qemu-")
    rows: list[dict[str, Any]] = []
    for isa in [options.isa] if options.isa else isas(target, cpu):
        counted = count_cases(target, cpu, ["--isa", isa, *only])
        found = report.rows_of(target.name, counted)
        rows += found
        print(f"\n{target.name}, isa {isa}: executed instructions of whole calls, per unit")
        print(f"(128 binary multiply-adds, 128 floats packed); counted by {how(target)}\n")
        print(report.count_table(target.name, found))
        print("\n* peers: counted in the same way, not by this run (ci/bench/figures.toml)")
        print("\nThe same by class:\n")
        print(report.mix_table(machine, counted))
        print("\nThe same by function:\n")
        print(report.function_table(Symbols(target), counted))
        print("\nInner loops: instructions and modelled cycles (llvm-mca) per unit\n")
        try:
            print(report.cycle_table(target.name, machine, counted))
        except ModelError as error:
            print(f"no model: {error}")
    return rows


def swept(target: Target, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Count the sweep's shapes, print the lines and their cliffs, and return the rows."""
    rows: list[dict[str, Any]] = []
    for isa in [options.isa] if options.isa else isas(target, target.cpus[-1]):
        found = []
        for line in sweep.LINES:
            shapes = [word for shape in line.shapes() for word in ("--conv", shape)]
            counted = count_cases(target, target.cpus[-1], ["--isa", isa, *shapes])
            part = report.rows_of(target.name, counted)
            units, instructions = ([row[key] for row in part] for key in ("units", "instructions"))
            found.append((line, sweep.points(line.values, units, instructions)))
            rows += part
        print(f"\n{target.name}, isa {isa}: sweep\n")
        print(report.sweep_table(found))
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
    columns = ("min_ns", "median_ns", "ns_per_unit", "cycles_per_unit")
    lines = [[row["name"], *(row.get(column) for column in columns)] for row in rows]
    print(f"\nnative, isa {rows[0]['isa']}, {rows[0]['repeat']} runs; per unit: of the fastest\n")
    print(table(["", *(column.replace("_", " ") for column in columns)], lines))
    return rows


def main() -> None:
    """Build, measure, print."""
    options = parse()
    target = find(options.target)
    build.build(target)
    try:
        measure = swept if options.sweep else emulated if target.emulator else native
        rows = measure(target, options)
    except CountError as error:
        raise SystemExit(str(error)) from None
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
