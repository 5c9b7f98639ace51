# SPDX-License-Identifier: BSD-3-Clause
"""What is printed about counted cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ci.bench import figures, llvm, loops, mix, sweep
from ci.bench.region import Region
from ci.bench.symbols import Symbols
from ci.bench.table import Cell, table, text

Counted = list[tuple[dict[str, Any], Region]]
LEAST_SHARE = 0.002
REACHED = "ok"


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
    lines: list[list[Cell]] = []
    notes = Notes(known)
    for row in rows:
        name, per_unit = row["name"], row["per_unit"]
        goals = known.goal(name, row["isa"], measured)
        verdicts = [notes.mark(name, verdict(per_unit, goal)) for goal in goals]
        cells = [" / ".join(map(text, goals)), " / ".join(verdicts)]
        peers = [known.peer(peer, name) for peer in known.peers]
        lines.append([name, row["instructions"], per_unit, *cells, *peers])
    return table(head, lines) + notes.text()


def board_table(target: str, isas: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Return the counts of all instruction sets, how many times fewer the last one takes than the first, goals and peers."""
    known = figures.of(target)
    costs: dict[str, dict[str, float]] = {}
    for row in rows:
        costs.setdefault(row["name"], {})[row["isa"]] = row["per_unit"]
    lines: list[list[Cell]] = []
    notes = Notes(known)
    for name, by_isa in costs.items():
        first, last = by_isa[isas[0]], by_isa[isas[-1]]
        goals = known.goal(name, isas[-1], {})
        peers = [known.peer(peer, name) for peer in known.peers]
        goal = goals[0] if goals else None
        word = notes.mark(name, verdict(last, goal)) if goal else ""
        cells = [by_isa[isa] for isa in isas]
        lines.append([name, *cells, f"{first / last:.2f}", goal, word, *peers])
    head = ["", *isas, f"{isas[0]} / {isas[-1]}", "goal", "", *(f"{peer}*" for peer in known.peers)]
    return table(head, lines) + notes.text()


def mix_table(machine: str, counted: Counted) -> str:
    """Return instructions per unit by class."""
    mixes = [mix.mix(machine, region) for _, region in counted]
    names = [name for name in mix.NAMES if any(found[name] for found in mixes)]
    lines = [
        [case["name"], *(found[name] / case["units"] for name in names)]
        for (case, _), found in zip(counted, mixes, strict=True)
    ]
    return table(["", *names], lines)


def function_table(symbols: Symbols, counted: Counted) -> str:
    """Return instructions per unit by function, the largest first, without the smallest."""
    lines = []
    for case, region in counted:
        shares = symbols.shares(region).most_common()
        least = LEAST_SHARE * region.instructions
        parts = [f"{name} {n / case['units']:.3f}" for name, n in shares if n >= least]
        lines.append([case["name"], ", ".join(parts)])
    return table(["", "functions"], lines, left=2)


class Notes:
    """What is argued about goals that are missed: marks in a table, and the notes below it."""

    def __init__(self, known: figures.Figures) -> None:
        self.known = known
        self.notes: dict[str, str] = {}

    def mark(self, case: str, judged: str) -> str:
        """Return a verdict, marked if it is argued about."""
        if judged in ("", REACHED) or case not in self.known.argued:
            return judged
        self.notes[case] = self.known.argued[case]
        return f"{judged} †"

    def text(self) -> str:
        """Return the notes, each a paragraph behind the table."""
        return "".join(f"\n\n† {case}: {note}." for case, note in self.notes.items())


def verdict(value: float, goal: float) -> str:
    """Return whether a goal is reached, or by how much it is missed."""
    return REACHED if value <= goal else f"+{value / goal - 1:.1%}"


def cycle_table(target: str, machine: str, by_isa: Mapping[str, Counted]) -> str:
    """Return modelled cycles per unit of the inner loops, with a verdict for the best instruction set of each core."""
    known = figures.of(target)
    notes = Notes(known)
    cores, missing = _modelled(known.cores)
    if not cores:
        return f"No models: {missing}."
    lines: list[list[Cell]] = []
    for name, variants in _inner_loops(machine, by_isa).items():
        cycles = [[_cycles(machine, loop, core) for core in cores] for loop in variants]
        best = [min(filter(None, column), default=None) for column in zip(*cycles, strict=True)]
        for (loop, names), row in zip(variants.items(), cycles, strict=True):
            judged = [
                verdict(mine, core.goal) if mine and mine == least and "bconv" in name else ""
                for mine, least, core in zip(row, best, cores, strict=True)
            ]
            cells = [
                f"{mine:.3f} {notes.mark(name, v)}" if mine else ""
                for mine, v in zip(row, judged, strict=True)
            ]
            per_unit = len(loop.code) / loop.units
            lines.append([name, ", ".join(names), per_unit, *map(str.strip, cells)])
    goals = [core.goal for core in cores]
    head = ["", "isa", "instructions"]
    head += [f"{core.cpu} ({llvm.version(core.llvm)})" for core in cores]
    found = table(head, [*lines, ["goal (bconv)", "", None, *goals]], left=2) + notes.text()
    return f"{found}\n\nNot modelled: {missing}." if missing else found


def _modelled(cores: Sequence[figures.Core]) -> tuple[list[figures.Core], str]:
    """Return the cores whose models can be had here, and why others cannot."""
    found, missing = [], []
    for core in cores:
        try:
            llvm.version(core.llvm)
        except llvm.ModelError as error:
            missing.append(f"{core.cpu} ({error})")
        else:
            found.append(core)
    return found, ", ".join(missing)


def _inner_loops(
    machine: str, by_isa: Mapping[str, Counted]
) -> dict[str, dict[loops.Loop, list[str]]]:
    """Return by case its loops, and the instruction sets that have each; layer_ and bits_ have those of the op alone."""
    found: dict[str, dict[loops.Loop, list[str]]] = {}
    for isa, counted in by_isa.items():
        for case, region in counted:
            loop = loops.inner_loop(machine, region, case["units"])
            if loop and not case["name"].startswith(("layer_", "bits_")):
                found.setdefault(case["name"], {}).setdefault(loop, []).append(isa)
    return found


def _cycles(machine: str, loop: loops.Loop, core: figures.Core) -> float | None:
    found = llvm.cycles(machine, loop.code, core.cpu, core.llvm)
    return found and found / loop.units


def sweep_table(found: sweep.Found) -> str:
    """Return one row per line: range of costs per unit, the worst point, and all cliffs."""
    rows: list[list[Cell]] = []
    for line, points in found:
        costs = [point.instructions / point.units for point in points]
        worst = max(points, key=lambda point: point.ratio)
        cliffs = ", ".join(str(point.value) for point in points if point.cliff)
        base = ",".join("*" if i == line.varied else str(n) for i, n in enumerate(line.base))
        rows.append(
            [line.name, base, min(costs), max(costs), f"{worst.ratio:.2f} at {worst.value}", cliffs]
        )
    head = ["", "H,W,C,O,K,stride,pad", "least", "most", "worst to neighbours", "cliffs"]
    return table(head, rows, left=2)
