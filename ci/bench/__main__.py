# SPDX-License-Identifier: BSD-3-Clause
"""Measure the binary layers, or whole networks: `python -m ci.bench --target TARGET`; `--help` lists the options.

native: wall time on this machine. Others: exact numbers of executed instructions of an emulated cpu, beside the figures of
figures.toml, and modelled cycles of the inner loops; of firmware boards (cortex-m*) beside those of plain C.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ci import binding, build
from ci.bench import board, growth, networks, ops, peers, report, sweep, threads
from ci.bench.counter import count, count_cases, how
from ci.bench.region import CountError
from ci.bench.symbols import Symbols
from ci.bench.table import Cell, table
from ci.paths import ROOT
from ci.qemu.targets import Target, find, targets

Rows = list[dict[str, Any]]


class Result(NamedTuple):
    """What --json writes, what is printed, and the shapes of a sweep that cost too much."""

    rows: Rows
    text: str
    cliffs: list[str]


BINARY = (
    "bconv",
    "dense",
    "pack",
)  # names like these are measured on boards, which have no time for floats
DETAILED = ("bconv", "dense", "pack")  # names of the cases whose instructions are looked into
BOARDS = [name for name, target in targets().items() if target.board]
DOCS = ROOT / "docs" / "performance.md"
BLOCK = re.compile(r"(<!-- nox -s bench -- ([^\n]*) -->)\n.*?(<!-- end -->)", re.DOTALL)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument(
        "--target", default="native", choices=["native", "aarch64", "armv7", *BOARDS]
    )
    parser.add_argument("--isa", help="instruction set; default: native the best, others all but c")
    parser.add_argument("--only", action="append", default=[], help="cases of (or like) this name")
    parser.add_argument(
        "--sweep", action="store_true", help="other shapes: fails if one is a cliff"
    )
    parser.add_argument(
        "--networks", action="store_true", help="whole networks of `python -m pylibbnn zoo`"
    )
    parser.add_argument(
        "--ops", metavar="NETWORK", help="every op of a network of --networks, or of a .dab file"
    )
    parser.add_argument(
        "--growth", type=Path, metavar="PNG", help="how cost grows with a network, and its picture"
    )
    parser.add_argument(
        "--peers", action="store_true", help="this machine, beside onnxruntime, LiteRT and LCE"
    )
    parser.add_argument(
        "--threads", action="store_true", help="this machine: what threads gain in whole networks"
    )
    parser.add_argument("--json", type=Path, help="also write the figures into this file")
    parser.add_argument(
        "--docs", action="store_true", help="renew the tables of docs/performance.md"
    )
    options = parser.parse_args(arguments)
    if (options.sweep or options.ops) and options.target == "native":
        parser.error("--ops and --sweep count instructions: --target aarch64 or armv7")
    if (options.peers or options.threads) and options.target != "native":
        parser.error("--peers and --threads measure time: on this machine")
    others = options.sweep or options.ops or options.growth or options.networks
    if options.target in BOARDS and others:
        parser.error("--ops, --sweep, --growth, --networks: --target native, aarch64 or armv7")
    return options


def isas(target: Target, cpu: str) -> list[str]:
    """Return the instruction sets that bnn-bench can use on an emulated cpu, its own choice last, without plain C."""
    lines = count(target, cpu, target.build / "bnn-bench", ["--list"])[0].splitlines()
    return [line.split()[1] for line in lines if line.startswith("isa") and line.split()[1] != "c"]


def wanted(target: Target, options: argparse.Namespace) -> list[str]:
    """Return the instruction sets to measure."""
    return [options.isa] if options.isa else sorted(isas(target, target.cpus[-1]))


def choices(target: Target) -> str:
    """Return which instruction set each cpu model chooses."""
    return ", ".join(f"{cpu}: {isas(target, cpu)[-1]}" for cpu in target.cpus)


def emulated(target: Target, options: argparse.Namespace) -> Result:
    """Count the cases."""
    cpu = target.cpus[-1]  # the one that has everything; counts do not depend on it
    only = [word for name in options.only for word in ("--only", name)]
    machine = target.emulator.removeprefix("qemu-")
    rows: Rows = []
    texts = []
    by_isa: dict[str, report.Counted] = {}
    for isa in wanted(target, options):
        counted = count_cases(target, cpu, ["--isa", isa, *only])
        found = report.rows_of(target.name, counted)
        rows += found
        if not options.only:
            counted = [row for row in counted if row[0]["name"].startswith(DETAILED)]
        by_isa[isa] = counted
        texts += [
            f"**{target.name}, isa {isa}.** Executed instructions of whole calls, per unit "
            f"(128 binary multiply-adds, 128 floats packed), by {how(target)}:",
            report.count_table(target.name, found),
            "\\* peers: counted in the same way, not by this run (ci/bench/figures.toml).",
            "The same by class, per unit:",
            report.mix_table(machine, counted),
            "The same by function, per unit:",
            report.function_table(Symbols(target), counted),
        ]
    texts.append(
        f"**{target.name}, inner loops.** Instructions per unit, and cycles per unit in models "
        "(llvm-mca) of cores:"
    )
    texts.append(report.cycle_table(target.name, machine, by_isa))
    if not options.only and how(target) != "unicorn":  # which has one cpu model only
        texts.append(f"**{target.name}, choice by core.** {choices(target)}.")
    return Result(rows, "\n\n".join(texts), [])


def on_board(target: Target, options: argparse.Namespace) -> Result:
    """Count the binary cases on a board without an operating system, with plain C and with all that is better."""
    only = [word for name in options.only or BINARY for word in ("--only", name)]
    names = [options.isa] if options.isa else board.isas(target)
    rows = [
        row
        for isa in names
        for row in report.rows_of(target.name, board.count_cases(target, isa, only))
    ]
    caption = (
        f"**{target.name}.** Executed instructions of whole calls, per unit (128 binary multiply-adds, 128 floats packed), "
        f"by {how(target)}:"
    )
    return Result(rows, f"{caption}\n\n{report.board_table(target.name, names, rows)}", [])


def swept(target: Target, options: argparse.Namespace) -> Result:
    """Count the sweep's shapes."""
    rows: Rows = []
    texts = []
    cliffs = []
    for isa in wanted(target, options):
        found = []
        for line in sweep.LINES:
            shapes = [word for shape in line.shapes() for word in ("--conv", shape)]
            counted = count_cases(target, target.cpus[-1], ["--isa", isa, *shapes])
            part = report.rows_of(target.name, counted)
            units, instructions = ([row[key] for row in part] for key in ("units", "instructions"))
            found.append((line, sweep.points(line.values, units, instructions)))
            rows += part
        texts += [
            f"**{target.name}, isa {isa}.** Executed instructions per unit between the usual shapes; a cliff takes more than "
            f"{sweep.FACTOR} times the straight line through its neighbours:",
            report.sweep_table(found),
            f"{sweep.verdict(found)}.",
        ]
        cliffs += sweep.cliffs(found)
    return Result(rows, "\n\n".join(texts), cliffs)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1f}"


def native(target: Target, options: argparse.Namespace) -> Result:
    """Time the cases."""
    command = [str(target.build / "bnn-bench"), "--json"]
    command += ["--isa", options.isa] if options.isa else []
    command += [word for name in options.only for word in ("--only", name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(result.stderr)
    rows = [{"target": target.name, **row} for row in json.loads(result.stdout)]
    columns = ("min_ns", "median_ns", "ns_per_unit", "cycles_per_unit", "percent_of_bound")
    lines: list[list[Cell]] = [
        [row["name"], *(row.get(column) for column in columns[:-1]), _percent(row.get(columns[-1]))]
        for row in rows
    ]
    caption = (
        f"**native, isa {rows[0]['isa']}.** {rows[0]['repeat']} runs; per unit: of the fastest:"
    )
    head = ["", *(column.replace("_", " ") for column in columns)]
    return Result(rows, f"{caption}\n\n{table(head, lines)}", [])


def best(target: Target, options: argparse.Namespace) -> str | None:
    """Return the instruction set for whole networks: as asked for, otherwise the choice of the cpu that counts."""
    asked: str | None = options.isa
    return asked or (isas(target, target.cpus[-1])[-1] if target.emulator else None)


def whole(target: Target, options: argparse.Namespace) -> Result:
    """Measure whole networks."""
    return Result(*networks.measure(target, best(target, options), options.only), [])


def by_op(target: Target, options: argparse.Namespace) -> Result:
    """Count the ops of a network."""
    binding.build(find("native"))
    return Result(*ops.measure(target, best(target, options), options.ops), [])


def beside_peers(target: Target, options: argparse.Namespace) -> Result:
    """Time layers and a network beside other programs."""
    binding.build(target)
    rows, text = peers.measure(options.only)
    return Result(rows, f"**{target.name}, one thread, {peers.ROUNDS} rounds.**\n\n{text}", [])


def shared(target: Target, options: argparse.Namespace) -> Result:
    """Time networks with threads."""
    binding.build(target)
    return Result([], f"**{target.name}, threads.**\n\n{threads.measure(options.only)}", [])


def grown(target: Target, options: argparse.Namespace) -> Result:
    """Measure networks of several sizes and draw the costs."""
    isa, unit = best(target, options), growth.unit(target)
    title = f"{target.name}, isa {isa or 'the best'}, {growth.NETWORK}"
    drawing = growth.pyplot()
    found = growth.measure(target, isa)
    growth.plot(drawing, found, options.growth, title, unit)
    return Result([], f"**{title}, growth.**\n\n{growth.growth_table(found, unit)}", [])


def subject(
    target: Target, options: argparse.Namespace
) -> Callable[[Target, argparse.Namespace], Result]:
    """Return the function that measures what was asked for."""
    if options.peers:
        return beside_peers
    if options.threads:
        return shared
    if options.networks:
        return whole
    if options.ops:
        return by_op
    if options.growth:
        return grown
    if options.sweep:
        return swept
    if target.board:
        return on_board
    return emulated if target.emulator else native


def measure(options: argparse.Namespace) -> Result:
    """Build and measure."""
    target = find(options.target)
    build.build(target)
    try:
        return subject(target, options)(target, options)
    except CountError as error:
        raise SystemExit(str(error)) from None


def rewrite_docs() -> None:
    """Run the commands that docs/performance.md names and put what they print below them."""

    def again(block: re.Match[str]) -> str:
        text = measure(parse(shlex.split(block[2]))).text
        return f"{block[1]}\n\n{text}\n\n{block[3]}"

    DOCS.write_text(BLOCK.sub(again, DOCS.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Measure, print and write what was asked for."""
    options = parse(sys.argv[1:])
    if options.docs:
        rewrite_docs()
        return
    result = measure(options)
    print(f"\n{result.text}")
    if options.json:
        options.json.write_text(json.dumps(result.rows, indent=1) + "\n", encoding="utf-8")
    if result.cliffs:
        raise SystemExit(f"cliffs: {'; '.join(result.cliffs)}")


if __name__ == "__main__":
    main()
